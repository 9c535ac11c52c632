"""`nipack repository`: the repositories that `nipack get` takes data from."""

import json
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.console import console, plain_table, print_table, print_warning
from nipack.cli.get import repositories_folder
from nipack.cli.options import json_option
from nipack.system.words import counted

if TYPE_CHECKING:
    from nipack.publish.client.known import KnownRepository


@click.group(
    short_help="Add, list and remove the repositories of nipack get.",
    epilog="""\b
Examples:
  nipack repository add https://data.lab.example
  nipack repository add /net/shared/data --unsigned
  nipack repository list
  nipack repository remove https://data.lab.example""",
)
def repository() -> None:
    """Keep the repositories that `nipack get` takes data from, each with its key."""


@repository.command()
@click.argument("address")
@click.option("--unsigned", is_flag=True, help="Accept a repository that is not signed.")
@json_option
def add(address: str, unsigned: bool, as_json: bool) -> None:
    """Add the repository at ADDRESS, or read it again.

    Its key is kept: from now on nothing is taken that this key has not signed.  Compare the
    fingerprint with the one that its makers tell you.
    """
    from nipack.publish.client import known

    found = known.add(address, repositories_folder(), unsigned=unsigned)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
        return
    console().print(
        f"{found.title}: {counted(len(found.packages), 'package')}, generation "
        f"{found.generation} of {found.date}",
        markup=False,
    )
    if found.fingerprint is None:
        print_warning(f"{found.title}: is not signed: nobody can verify whose data it has")
    else:
        console().print(f"signed by {found.fingerprint}", markup=False)


@repository.command(name="list", short_help="List the repositories that were added.")
@json_option
def list_command(as_json: bool) -> None:
    """List the repositories that were added, as they were when they were last read."""
    from nipack.publish.client.known import repositories

    found = repositories(repositories_folder())
    if as_json:
        click.echo(json.dumps({"repositories": [_document(each) for each in found]}, indent=2))
        return
    if not found:
        console().print("No repository was added; nipack repository add ADDRESS does.")
        return
    table = plain_table("name", "packages", "address", "signed by", right=("packages",))
    for each in found:
        signed = each.fingerprint or "nobody"
        table.add_row(each.name, str(len(each.packages)), each.address, signed)
    print_table(table)


@repository.command(short_help="Forget a repository; data that was got from it stays.")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Forget a repository, by its name or address; data that was got from it stays."""
    from nipack.publish.client import known

    found = known.remove(name, repositories_folder())
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
    else:
        console().print(f"{found.title}: removed", markup=False)


def _document(found: "KnownRepository") -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "address": found.address,
        "generation": found.generation,
        "date": found.date,
        "fingerprint": found.fingerprint,
        "packages": [str(each.get("name")) for each in found.packages],
    }
