"""`nipack where`."""

import click

from nipack.cli import answers
from nipack.cli.console import show
from nipack.cli.options import json_option
from nipack.cli.parameters import MinimumVersion, Relpath


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
    help="Ignore older data.",
)
@click.option(
    "--explain", is_flag=True, help="Print the whole search, with the chosen place marked."
)
@json_option
def where(
    relpath: str, files: tuple[str, ...], min_version: str | None, explain: bool, as_json: bool
) -> None:
    """Print where the data at RELPATH is, or where each FILE of it is.

    RELPATH is umbrella/directory, as in nipy/templates.  The data is looked up as nipy and nibabel
    look it up.  Where it is not found, or a FILE is not in it, says why and exits with 1.
    """
    if explain and files:
        raise click.UsageError("--explain is for the data at RELPATH: leave out FILE")
    answer = (
        answers.explanation(relpath, min_version)
        if explain
        else answers.where(relpath, files, min_version)
    )
    show(answer, as_json=as_json)
