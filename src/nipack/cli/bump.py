"""`nipack bump`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from nipack.cli.console import console

if TYPE_CHECKING:
    from nipack.builder.authoring.bump import Bump, Part


@click.command(
    short_help="Raise the version in config.ini.",
    epilog="""\b
Examples:
  nipack bump minor nipy-templates/templates     0.2 becomes 0.3
  nipack bump major nipy-templates/templates     0.2 becomes 1.0
  nipack bump minor nipy-templates --dry-run

\b
Then make the packages and publish them:
  nipack build nipy-templates -f sdist -f wheel -f conda -f deb""",
)
@click.argument("part", type=click.Choice(["major", "minor"]))
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--dry-run", "-n", is_flag=True, help="Say what would change, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def bump(part: str, directory: Path, dry_run: bool, as_json: bool) -> None:
    """Raise the major or minor version in config.ini, and in a package.yaml beside it.

    DIRECTORY is the data directory, the folder around it, or a package.yaml in one of the two.  No
    other byte of the files changes.
    Data without a config.ini has its version in the package.yaml alone.
    """
    from nipack.builder.authoring.bump import apply_bump, plan_bump

    planned = plan_bump(directory, cast("Part", part))
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


def _print(planned: "Bump", *, dry_run: bool) -> None:
    verb = "would become" if dry_run else "is now"
    for change in planned.changes:
        console().print(f"{change.path}: version {planned.before} {verb} {planned.after}")
    if planned.stale:
        fields = " and ".join(planned.stale)
        are = "are" if planned.stale[1:] else "is"
        console().print(f"change {fields} in the definition too, which {are} of {planned.before}")
