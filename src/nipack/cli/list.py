"""`nipack list`."""

import click

from nipack.cli import answers
from nipack.cli.console import show
from nipack.cli.options import json_option


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
@json_option
def list_command(check: bool, quick: bool, cite: bool, as_json: bool) -> None:
    """List every copy of every data package where data is looked for.

    FROM is what installed it: conda, dpkg, rpm, pip or nipack get; by hand, none of them did.  A
    copy is visible when a look-up finds it, and else hidden by an earlier one or not usable.
    """
    show(answers.installed(check=check, quick=quick, cite=cite), as_json=as_json)
