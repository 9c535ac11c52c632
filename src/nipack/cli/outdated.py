"""`nipack outdated`."""

import json
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from nipack.cli.console import console, console_reporter, expanded, print_error
from nipack.cli.options import json_option, quiet_option, sources_argument

if TYPE_CHECKING:
    from nipack.builder.authoring.outdated import Standing


@click.command(
    short_help="List the packages whose source has a newer release.",
    epilog="""\b
Examples:
  nipack outdated recipes
  nipack outdated recipes/nipy-templates recipes/nipy-data --json

\b
Then follow a release, look at it, and make its packages:
  nipack bump latest recipes/nipy-templates
  nipack check recipes/nipy-templates

\b
With --exit-code it exits with 1 if there is a newer release.  It always exits with 1 if a source
could not be asked.""",
)
@sources_argument()
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there is a newer release.")
@json_option
@quiet_option("Print only what is outdated, and no progress.")
def outdated(sources: tuple[str, ...], exit_code: bool, as_json: bool, quiet: bool) -> None:
    """List the packages whose source has a newer release, by asking where it comes from.

    SOURCE is a folder with a package.yaml, or a folder of such folders.  What is asked is the page
    that debian/watch names, too: the folder of the source's address, or GitHub's list of releases.
    Four servers are asked at a time, and nothing is downloaded but those pages.
    """
    from nipack.builder.authoring.outdated import standings

    found: list[Standing] = []
    names = expanded(sources)
    with console_reporter(quiet=quiet or as_json, of_bytes=False) as reporter:
        advance = reporter.step("ask", len(names))
        for each in standings(names):
            found.append(each)
            advance(1)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
    else:
        _print(found, quiet=quiet)
    failed = any(each.error for each in found)
    sys.exit(int(failed or (exit_code and any(each.is_outdated for each in found))))


def _document(found: Sequence["Standing"]) -> dict[str, object]:
    return {
        "packages": [
            {
                "source": each.source,
                "name": each.name,
                "version": each.version,
                "newest": each.newest and each.newest.version,
                "address": each.newest and each.newest.address,
                "outdated": each.is_outdated,
            }
            for each in found
        ],
        "errors": [each.error for each in found if each.error],
    }


def _print(found: Sequence["Standing"], *, quiet: bool) -> None:
    for each in found:
        if each.error:
            print_error(each.error)
        elif each.newest is not None and each.is_outdated:
            newest = f"{each.newest.version} is at {each.newest.address}"
            console().print(f"{each.name} {each.version}: {newest}")
        elif not quiet:
            console().print(f"{each.name} {each.version}: the newest")
    behind = [each for each in found if each.is_outdated]
    if behind and not quiet:
        console().print(f"to follow a release: nipack bump latest {shlex.quote(behind[0].source)}")
