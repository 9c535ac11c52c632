"""`nipack where`."""

import json
import os
import shlex
import sys
import warnings
from typing import TYPE_CHECKING

import click

from nipack import data
from nipack.advice.nearest import not_there
from nipack.cli.console import plain_table, print_error, print_table, print_warning
from nipack.cli.parameters import MinimumVersion, Relpath
from nipack.data import Bomber, ConfigWarning, DataError, VersionedDatasource

if TYPE_CHECKING:
    from nipack.advice.explanation import Explanation


@click.command(
    short_help="Print where installed data is.",
    epilog="""\b
Examples:
  nipack where nipy/templates
  nipack where nipy/templates ICBM152/2mm/T1.nii.gz
  fslview $(nipack where nipy/templates ICBM152/2mm/T1.nii.gz)
  nipack where nipy/templates --explain          every place looked at, and why
  nipack where nipy/data --min-version 0.3 --json""",
)
@click.argument("relpath", type=Relpath())
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option(
    "--min-version",
    metavar="VERSION",
    type=MinimumVersion(),
    help="Pass over data that is older.",
)
@click.option("--explain", is_flag=True, help="Print the whole search, the chosen place marked.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def where(
    relpath: str, files: tuple[str, ...], min_version: str | None, explain: bool, as_json: bool
) -> None:
    """Print where the data at RELPATH is, or where each FILE of it is.

    RELPATH is umbrella/directory, as in nipy/templates.  The data is looked up as nipy and nibabel
    look it up.  Where it is not found, or a FILE is not in it, says why and exits with 1.
    """
    if explain and files:
        raise click.UsageError("--explain is of the data at RELPATH: give it no FILE")
    if explain:
        _explain(relpath, min_version, as_json=as_json)
    else:
        _locate(relpath, files, min_version, as_json=as_json)


def _explain(relpath: str, min_version: str | None, *, as_json: bool) -> None:
    import nipack
    from nipack.lookup.records import plain

    found = nipack.explain(relpath, min_version)
    if as_json:
        chosen = found.chosen.path if found.chosen else None
        click.echo(json.dumps({"chosen": chosen, **plain(found)}, indent=2))
    else:
        _print_explanation(found)
    if found.chosen is None:
        sys.exit(1)


def _print_explanation(found: "Explanation") -> None:
    from rich.text import Text

    from nipack.advice.report import choice, conclusions, what_to_install

    table = plain_table("", "path", "found", "because of")
    for each in found.tried:
        chosen = each.status == "chosen"
        cells = ("*" if chosen else "", each.path, each.reason, str(each.root.origin))
        table.add_row(*map(Text, cells), style="bold green" if chosen else None)
    click.echo(choice(found) + "\n")
    print_table(table)
    for block in (*conclusions(found), *what_to_install(found)):
        click.echo(f"\n{block}")


def _locate(
    relpath: str, files: tuple[str, ...], min_version: str | None, *, as_json: bool
) -> None:
    source = _source(relpath, min_version)
    paths = [source.get_filename(*file.split("/")) for file in files]
    missing = [file for file in files if not source.exists(*file.split("/"))]
    errors = [_not_there(source, file) for file in missing]
    if as_json:
        document = {
            "relpath": relpath,
            "path": source.base_path,
            "version": source.version,
            "files": paths,
            "missing": [source.get_filename(*file.split("/")) for file in missing],
            "errors": errors,
        }
        click.echo(json.dumps(document, indent=2))
    elif not missing:
        click.echo("\n".join(paths or [source.base_path]))
    else:
        for error in errors:
            print_error(error)
    if missing:
        sys.exit(1)


def _source(relpath: str, min_version: str | None) -> VersionedDatasource:
    """Return the data; where it is not found, the error tells of the ini files passed over."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConfigWarning)
        source = _found(relpath, min_version)
    for warning in caught:
        print_warning(str(warning.message))
    return source


def _found(relpath: str, min_version: str | None) -> VersionedDatasource:
    package = {"relpath": relpath}
    if min_version is None:
        return data.make_datasource(package)
    source = data.datasource_or_bomber({**package, "min version": min_version})
    if isinstance(source, Bomber):
        raise DataError(str(source.msg))
    return source


def _not_there(source: VersionedDatasource, file: str) -> str:
    base = source.base_path
    command = f'dir /s "{base}"' if os.name == "nt" else f"ls -R {shlex.quote(base)}"
    return not_there(file, base, source.list_files(), remedy=f"to see what is: {command}")
