"""`nipack diff`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nipack.cli.console import console, console_reporter, size_text
from nipack.cli.options import json_option, offline_option, quiet_option

if TYPE_CHECKING:
    from nipack.difference.versions import Difference

_SHOWN = 20


@click.command(
    short_help="Show what changed in the data between two versions.",
    epilog="""\b
Examples:
  nipack diff nipy-templates-0.2.tar.gz nipy-templates-0.3.tar.gz
  nipack diff ~/data/nipy-templates-0.2 recipes/nipy-templates
  nipack diff nipy-templates-0.2 nipy-templates-0.3 --json
  nipack diff nipy-templates-0.2 nipy-templates-0.3 --picture changes

\b
With --exit-code it exits with 1 if results may change, as git diff does.""",
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--picture",
    "pictures",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write a PNG for each changed image: slices of old, new and their difference.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if results may change.")
@offline_option
@json_option
@quiet_option()
def diff(
    old: str,
    new: str,
    pictures: Path | None,
    exit_code: bool,
    offline: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what changed in the data from OLD to NEW, and whether results may change.

    OLD and NEW are what nipack build takes: a folder, a tarball, a package.yaml or an address.
    Images whose bytes differ are compared by shape, affine, data type and every voxel, where
    nibabel is installed.
    """
    from nipack.builder.flows.diff import diff as compare
    from nipack.difference.versions import document

    with console_reporter(quiet=quiet or as_json) as reporter:
        found = compare(old, new, reporter, offline=offline, pictures=pictures)
    if as_json:
        click.echo(json.dumps(document(found), indent=2))
    else:
        print_difference(found)
    if exit_code and not found.same_for_analysis:
        sys.exit(1)


def print_difference(found: "Difference") -> None:
    """Print what changed, but of each kind no more than a screen can use."""
    from nipack.difference.words import sections, verdict

    out = console()
    old, new = found.old, found.new
    out.print(f"{old.version} ({size_text(old.size)}) -> {new.version} ({size_text(new.size)})")
    for section in sections(found, size_text):
        out.print(f"\n{section.title}:")
        for line in section.lines[:_SHOWN]:
            out.print(f"  {line}")
        if section.lines[_SHOWN:]:
            out.print(f"  and {len(section.lines) - _SHOWN} more lines; --json has them all")
    unread = "" if found.images_compared else " (install nibabel to compare images by voxel)"
    out.print(f"\n{verdict(found)}{'' if found.same_for_analysis else unread}")
