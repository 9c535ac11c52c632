"""`nipack list`."""

import json
from typing import TYPE_CHECKING

import click

from nipack.cli.console import plain_table, print_table, size_text

if TYPE_CHECKING:
    from nipack.inventory.installed import InstalledPackage


@click.command(
    "list",
    short_help="List installed data.",
    epilog="""\b
Examples:
  nipack list
  nipack list --check         checked against the checksums, too
  nipack list --cite          what to cite for it
  nipack list --json""",
)
@click.option("--check", is_flag=True, help="Check every file, as nipack verify does.")
@click.option("--quick", is_flag=True, help="Check names and sizes only.")
@click.option("--cite", is_flag=True, help="Print what to cite for the data that is found.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def list_command(check: bool, quick: bool, cite: bool, as_json: bool) -> None:
    """List every copy of every data package where data is looked for.

    FROM is the package manager that installed it: conda, dpkg, rpm, pip, or none (by hand).  A copy
    is visible when a look-up finds it, and else hidden by an earlier one or not usable.
    """
    import nipack
    from nipack.inventory.citations import citations
    from nipack.lookup.records import plain

    packages = nipack.list_packages(check=check, quick=quick)
    if as_json:
        click.echo(json.dumps(plain(packages), indent=2))
    elif not packages:
        click.echo("no data package is installed where data is looked for")
    elif cite:
        click.echo("\n\n".join(citations(packages)))
    else:
        _print(packages)


def _print(packages: "tuple[InstalledPackage, ...]") -> None:
    from rich.text import Text

    columns = ("data", "version", "from", "size", "files", "look-up", "licence", "path")
    table = plain_table(*columns, right=("size",))
    for each in packages:
        cells = (
            each.relpath,
            each.version or "",
            each.owner.manager,
            size_text(each.size),
            each.check,
            _visibility(each),
            each.license or "",
            each.path,
        )
        style = "red" if each.check == "damaged" else None if each.visible else "dim"
        table.add_row(*map(Text, cells), style=style)
    print_table(table)


def _visibility(package: "InstalledPackage") -> str:
    return {"chosen": "visible", "hidden": "hidden"}.get(package.status, package.reason)
