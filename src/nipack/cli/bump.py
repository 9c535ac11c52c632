"""`nipack bump`."""

import difflib
import json
import os
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from packaging.version import InvalidVersion, Version

from nipack.cli.console import console, console_reporter
from nipack.cli.options import dry_run_option, json_option, offline_option

if TYPE_CHECKING:
    from nipack.builder.authoring.bump import Bump, Part


_PARTS = ("major", "minor")


class _Part(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """What is raised, or the release that is followed."""

    name = "part"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take a word that is known, or a version."""
        if value not in (*_PARTS, "latest") and not value[:1].isdigit():
            near = difflib.get_close_matches(value.lower(), (*_PARTS, "latest"), n=1)
            hint = f"did you mean {near[0]}?" if near else "write major, minor, latest or a version"
            self.fail(f"'{value}' is not one of them; {hint}", param, ctx)
        if value[:1].isdigit():
            try:
                Version(value)
            except InvalidVersion:
                self.fail(f"'{value}' is not a version; write e.g. 0.4", param, ctx)
        return value


@click.command(
    short_help="Raise the version and date of a data package.",
    epilog="""\b
Examples:
  nipack bump minor nipy-templates/templates     0.2 becomes 0.3
  nipack bump major nipy-templates/templates     0.2 becomes 1.0
  nipack bump minor nipy-templates --dry-run
  nipack bump minor recipes/nipy-templates --date 2024-02-29
  nipack bump minor recipes/nipy-templates --part 1mm
  nipack bump latest recipes/nipy-templates      follow the newest release of its source
  nipack bump 0.4 recipes/nipy-templates         follow this one

\b
Then make the packages and publish them:
  nipack build nipy-templates -f sdist -f wheel -f conda -f deb""",
)
@click.argument("part", metavar="major|minor|latest|VERSION", type=_Part())
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--date",
    "released",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the release.  [default: SOURCE_DATE_EPOCH, else today]",
)
@click.option(
    "--part",
    "parts",
    metavar="NAME",
    multiple=True,
    help="Raise this part, which has a version of its own, with the whole.",
)
@dry_run_option()
@offline_option
@json_option
def bump(
    part: str,
    directory: Path,
    released: datetime | None,
    parts: tuple[str, ...],
    dry_run: bool,
    offline: bool,
    as_json: bool,
) -> None:
    """Raise the major or minor version in config.ini and package.yaml, and the date of the latter.

    DIRECTORY is the data directory, the folder around it, or the folder of a package.yaml, which
    may be elsewhere and name the data's folder as its source.  No other byte changes.
    Data without a config.ini has its version in the package.yaml alone.

    With latest or a VERSION, a package.yaml whose source is an archive at an address follows that
    release: it is downloaded, and its version, address, digests and size are written, the date, and
    0 as the revision.
    """
    from nipack.builder.authoring.bump import apply_bump, plan_bump, plan_follow

    if part in _PARTS:
        planned = plan_bump(directory, cast("Part", part), _day(released), parts=parts)
    else:
        if parts:
            raise click.UsageError(
                f"--part raises a part by major or minor, and {part} is a release of the source; "
                "write major or minor"
            )
        version = None if part == "latest" else part
        with console_reporter(quiet=as_json) as reporter:
            planned = plan_follow(directory, version, _day(released), reporter, offline=offline)
    if not dry_run:
        apply_bump(planned)
    if as_json:
        document: dict[str, object] = {
            "before": planned.before,
            "after": planned.after,
            "files": [str(change.path) for change in planned.changes],
            "stale": planned.stale,
        }
        if planned.parts:
            document["parts"] = dict(planned.parts)
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
    for name, version in planned.parts.items():
        console().print(f"its part {name} {verb} {version}")
    for field in planned.stale:
        console().print(f"change {field} in the definition too, which is of {planned.before}")
