"""`nipack where`."""

import json
import os
import sys

import click

from nipack import data
from nipack.cli.console import print_error


@click.command(
    short_help="Print where installed data is.",
    epilog="""\b
Examples:
  nipack where nipy/templates
  nipack where nipy/templates ICBM152/2mm/T1.nii.gz
  fslview $(nipack where nipy/templates ICBM152/2mm/T1.nii.gz)
  nipack where nipy/data --min-version 0.3 --json""",
)
@click.argument("relpath")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--min-version", metavar="VERSION", help="Pass over data that is older.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def where(relpath: str, files: tuple[str, ...], min_version: str | None, as_json: bool) -> None:
    """Print where the data at RELPATH is, or where each FILE of it is.

    RELPATH is umbrella/directory, as in nipy/templates.  The data is looked up as nipy and nibabel
    look it up.  Where it is not found, or a FILE is not in it, says why and exits with 1.
    """
    package = {"relpath": relpath} | ({"min version": min_version} if min_version else {})
    source = data.make_datasource(package)
    paths = [source.get_filename(*file.split("/")) for file in files]
    missing = [path for path in paths if not os.path.exists(path)]
    if as_json:
        document = {
            "relpath": relpath,
            "path": source.base_path,
            "version": source.version,
            "files": paths,
            "missing": missing,
        }
        click.echo(json.dumps(document, indent=2))
    elif not missing:
        click.echo("\n".join(paths or [source.base_path]))
    if missing:
        listed = ", ".join(missing)
        print_error(
            f"not there: {listed}; version {source.version} may not have it, or a name is misspelt"
        )
        sys.exit(1)
