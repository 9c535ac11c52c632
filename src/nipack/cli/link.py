"""`nipack link`, `nipack unlink` and `nipack env`: installed data for other libraries."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.choice import NamedChoice
from nipack.cli.console import print_warning
from nipack.cli.options import dry_run_option, json_option

if TYPE_CHECKING:
    from nipack.libraries.linking import Placed


def _libraries() -> Mapping[str, Any]:
    from nipack.libraries.table import LIBRARIES

    return LIBRARIES


_library_argument = click.argument(
    "libraries", metavar="[LIBRARY]...", nargs=-1, type=NamedChoice("library", _libraries)
)
_root_option = click.option(
    "--root", metavar="DIR", help="A directory for many users, with a folder for each library."
)


@click.command(
    short_help="Let other libraries find installed data.",
    epilog="""\b
Examples:
  nipack link                       for every library that data is installed for
  nipack link templateflow nilearn
  nipack link --dry-run
  nipack link --root /srv/data      a tree for all users of a cluster""",
)
@_library_argument
@_root_option
@click.option(
    "--copy",
    is_flag=True,
    help="Copy instead of linking, for containers and file systems without links.",
)
@dry_run_option()
@json_option
def link(
    libraries: tuple[Any, ...], root: str | None, copy: bool, dry_run: bool, as_json: bool
) -> None:
    """Link installed data into the directory where each LIBRARY looks for it.

    A placeholder of the library becomes a link; a file of your own stays, and is named.  Where you
    may write to the installed file yourself, it is a copy, for libraries write through links.
    """
    from nipack.libraries.linking import link as link_data
    from nipack.libraries.words import closed

    names = [each.name for each in libraries]
    placed = link_data(names, tree=root, copy=copy, dry_run=dry_run)
    for line in closed(root):
        print_warning(line)
    _print(placed, dry_run=dry_run, as_json=as_json)


@click.command(
    short_help="Undo what nipack link did.",
    epilog="""\b
Examples:
  nipack unlink
  nipack unlink templateflow --dry-run
  nipack unlink --root /srv/data""",
)
@_library_argument
@_root_option
@dry_run_option()
@json_option
def unlink(libraries: tuple[Any, ...], root: str | None, dry_run: bool, as_json: bool) -> None:
    """Take away the links to installed data, and the copies of it that nobody has changed."""
    from nipack.libraries.linking import unlink as unlink_data

    names = [each.name for each in libraries]
    _print(unlink_data(names, tree=root, dry_run=dry_run), dry_run=dry_run, as_json=as_json)


def _print(placed: "tuple[Placed, ...]", *, dry_run: bool, as_json: bool) -> None:
    from nipack.libraries.words import complaints, is_failure, summary
    from nipack.lookup.records import plain

    if as_json:
        click.echo(json.dumps(plain(placed), indent=2))
    else:
        lines = list(summary(placed, dry_run=dry_run))
        click.echo("\n".join(lines) or "nothing to do")
        for line in complaints(placed):
            print_warning(line)
    if is_failure(placed):
        sys.exit(1)


@click.command(
    short_help="Print the variables by which libraries find installed data.",
    epilog="""\b
Examples:
  nipack env nilearn
  eval "$(nipack env templateflow)"       on a machine without a network
  nipack env --root /srv/data             for what nipack link --root made
  nipack env --shell fish
  apptainer run $(nipack env --apptainer) fmriprep.sif""",
)
@_library_argument
@_root_option
@click.option(
    "--shell", type=click.Choice(["sh", "fish", "csh"]), default="sh", help="Whose words."
)
@click.option("--apptainer", is_flag=True, help="Print the options for a container instead.")
@json_option
def env(
    libraries: tuple[Any, ...], root: str | None, shell: str, apptainer: bool, as_json: bool
) -> None:
    """Print what an administrator exports where links are not wanted.

    Most libraries have one directory for all that they read and write: with the variable set, they
    find what is installed and can fetch nothing else.
    """
    from nipack.libraries.exports import bind_options, binds, export_lines, exports
    from nipack.lookup.records import plain

    names = [each.name for each in libraries]
    if apptainer:
        found = binds(names)
        click.echo(json.dumps(list(found)) if as_json else bind_options(found))
    else:
        variables = exports(names, tree=root)
        text = "\n".join(export_lines(variables, shell))
        click.echo(json.dumps(plain(variables), indent=2) if as_json else text)
