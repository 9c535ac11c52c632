"""`nipack get`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nipack.cli.console import console, console_reporter
from nipack.cli.options import json_option, quiet_option
from nipack.environment import get_nipy_user_dir
from nipack.layout import REPOSITORIES

if TYPE_CHECKING:
    from nipack.publish.client.get import TakenError
    from nipack.publish.errors import RepositoryError


def repositories_folder() -> Path:
    """Return the folder of the repositories that the user has added."""
    return Path(get_nipy_user_dir(), *REPOSITORIES)


@click.command(
    short_help="Get data without a package manager.",
    epilog="""\b
Examples:
  nipack repository add https://data.lab.example
  nipack get nipy-templates
  nipack get nipy/templates --from https://data.lab.example
  nipack get nipy-templates --into /scratch/nipy    (then set NIPY_DATA_PATH=/scratch/nipy)""",
)
@click.argument("name")
@click.option("--from", "source", metavar="ADDRESS", help="The repository, by its address or name.")
@click.option(
    "--into",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="The root to put the data into.  [default: the user directory, which is always searched]",
)
@json_option
@quiet_option("Print no progress.")
def get(name: str, source: str | None, into: Path | None, as_json: bool, quiet: bool) -> None:
    """Put the data of the package NAME where look-ups find it, out of a repository.

    NAME is a package's name or its relpath.  The repository has been added before, and what comes
    is compared with what its key has signed.  An interrupted download continues where it stopped.
    """
    from nipack.publish.client.get import TakenError
    from nipack.publish.client.get import get as get_package
    from nipack.publish.client.known import named, refreshed, repositories

    folder = repositories_folder()
    known = repositories(folder)
    if source is not None:
        known = [named(source, known)]
    root = into.absolute() if into else Path(get_nipy_user_dir())
    with console_reporter(quiet=quiet or as_json) as reporter:
        fresh = [refreshed(each, folder) for each in known]
        try:
            got = get_package(name, fresh, root, reporter)
        except TakenError as error:
            raise _of_another(error) from error
    if as_json:
        document = {
            "name": got.name,
            "version": got.version,
            "relpath": got.relpath,
            "directory": str(got.directory),
            "repository": got.repository,
            "new": got.new,
        }
        click.echo(json.dumps(document, indent=2))
        return
    verb = "is in" if got.new else "was already in"
    console().print(f"{got.name} {got.version} {verb} {got.directory}", markup=False)
    if into:
        console().print(f"It is found where NIPY_DATA_PATH has {root}", markup=False)


def _of_another(taken: "TakenError") -> "RepositoryError":
    """Return the error with the package that the data is of, and how that gives its place."""
    from nipack.advice.commands import remove_command
    from nipack.inventory.owners import BY_HAND, GET, find_owner
    from nipack.publish.errors import RepositoryError

    owner = find_owner(str(taken.directory), taken.relpath)
    if owner == BY_HAND:
        return taken
    way = f"remove {owner.name} with {owner.manager}"
    if owner.manager == GET:
        way = remove_command(str(taken.directory))
    return RepositoryError(
        f"{taken.directory}: belongs to {owner.name} {owner.version} ({owner.manager}), so it is "
        f"not replaced; to have the other in its place, first: {way}; or choose another folder "
        "with --into"
    )
