"""`nipack bump`."""

import json
import os
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from nipack.cli.console import console
from nipack.cli.options import dry_run_option, json_option

if TYPE_CHECKING:
    from nipack.builder.authoring.bump import Bump, Part


@click.command(
    short_help="Raise the version and date of a data package.",
    epilog="""\b
Examples:
  nipack bump minor nipy-templates/templates     0.2 becomes 0.3
  nipack bump major nipy-templates/templates     0.2 becomes 1.0
  nipack bump minor nipy-templates --dry-run
  nipack bump minor recipes/nipy-templates --date 2024-02-29

\b
Then make the packages and publish them:
  nipack build nipy-templates -f sdist -f wheel -f conda -f deb""",
)
@click.argument("part", type=click.Choice(["major", "minor"]))
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--date",
    "released",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the release.  [default: SOURCE_DATE_EPOCH, else today]",
)
@dry_run_option()
@json_option
def bump(
    part: str, directory: Path, released: datetime | None, dry_run: bool, as_json: bool
) -> None:
    """Raise the major or minor version in config.ini and package.yaml, and the date of the latter.

    DIRECTORY is the data directory, the folder around it, or the folder of a package.yaml, which
    may be elsewhere and name the data's folder as its source.  No other byte changes.
    Data without a config.ini has its version in the package.yaml alone.
    """
    from nipack.builder.authoring.bump import apply_bump, plan_bump

    planned = plan_bump(directory, cast("Part", part), _day(released))
    if not dry_run:
        apply_bump(planned)
    if as_json:
        document = {
            "before": planned.before,
            "after": planned.after,
            "files": [str(change.path) for change in planned.changes],
            "stale": planned.stale,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _print(planned, dry_run=dry_run)


def _day(released: datetime | None) -> date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if released is None and epoch.isascii() and epoch.isdigit():
        return datetime.fromtimestamp(int(epoch), timezone.utc).date()
    return (released or datetime.now().astimezone()).date()


def _print(planned: "Bump", *, dry_run: bool) -> None:
    verb = "would become" if dry_run else "is now"
    for change in planned.changes:
        console().print(f"{change.path}: version {planned.before} {verb} {planned.after}")
    for field in planned.stale:
        console().print(f"change {field} in the definition too, which is of {planned.before}")
