"""`nipack diff`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.console import console, console_reporter, size_text
from nipack.cli.options import json_option, offline_option, quiet_option

if TYPE_CHECKING:
    from nipack.builder.flows.diff import ChangedFile, Difference

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
With --exit-code it exits with 1 where results may change, as git diff does.""",
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
@click.option("--exit-code", is_flag=True, help="Exit with 1 where results may change.")
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

    with console_reporter(quiet=quiet or as_json) as reporter:
        found = compare(old, new, reporter, offline=offline, pictures=pictures)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2, default=str))
    else:
        _print(found)
    if exit_code and not found.same_for_analysis:
        sys.exit(1)


def _document(found: "Difference") -> dict[str, Any]:
    document = asdict(found)
    for changed, each in zip(document["changed"], found.changed, strict=True):
        changed["same_for_analysis"] = each.same_for_analysis
    return {
        "same_data": found.same_data,
        "same_for_analysis": found.same_for_analysis,
        **document,
    }


def _print(found: "Difference") -> None:
    out = console()
    old, new = found.old, found.new
    out.print(f"{old.version} ({size_text(old.size)}) -> {new.version} ({size_text(new.size)})")
    sections = (
        ("Added", list(found.added)),
        ("Removed", list(found.removed)),
        ("Moved", [f"{before} -> {after}" for before, after in found.moved]),
        ("Changed", [line for each in found.changed for line in _changed(each)]),
    )
    for title, lines in sections:
        if lines:
            out.print(f"\n{title}:")
            for line in lines[:_SHOWN]:
                out.print(f"  {line}")
            if lines[_SHOWN:]:
                out.print(f"  and {len(lines) - _SHOWN} more lines; --json has them all")
    out.print(f"\n{_verdict(found)}")


def _changed(each: "ChangedFile") -> list[str]:
    sizes = " -> ".join(
        "link" if s is None else size_text(s) for s in (each.old_size, each.new_size)
    )
    more = each.image.lines() if each.image else []
    if each.same_for_analysis:
        more.append("only the way it is stored changed")
    if each.picture:
        more.append(f"picture: {each.picture}")
    return [f"{each.path} ({sizes})", *(f"  {line}" for line in more)]


def _verdict(found: "Difference") -> str:
    if found.same_data:
        return "The data is the same: results stay as they are."
    if found.same_for_analysis:
        return "Every path leads to the same values as before: results stay as they are."
    unread = "" if found.images_compared else " (install nibabel to compare images by voxel)"
    return f"Results of analyses that read what changed may change: run them again.{unread}"
