"""`nipack verify`."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from nipack.cli import answers
from nipack.cli.console import console, console_reporter, show
from nipack.cli.options import json_option, quiet_option
from nipack.cli.parameters import Relpath
from nipack.system.words import counted

if TYPE_CHECKING:
    from nipack.publish.verification import RepositoryCheck


class _Place(Relpath):
    """A relpath, a directory, or the address of a repository."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it is, or refuse what none can be."""
        text = str(value)
        return text if _is_repository(text) else super().convert(value, param, ctx)


def _is_repository(place: str) -> bool:
    return "://" in place or os.path.isfile(os.path.join(place, "repository.json"))


@click.command(
    short_help="Check installed data against its checksums.",
    epilog="""\b
Examples:
  nipack verify                             everything that is installed
  nipack verify nipy/templates nipy/data
  nipack verify --quick                     names and sizes only
  nipack verify /net/share/nipy-templates-0.3/templates
  nipack verify nipy/templates --quiet || echo damaged
  nipack verify https://data.lab.example    a whole repository
  nipack verify /mnt/mirror --against https://data.lab.example""",
)
@click.argument("places", metavar="[RELPATH]...", nargs=-1, type=_Place(or_directory=True))
@click.option("--quick", is_flag=True, help="Look at names and sizes only, and read no data.")
@click.option(
    "--manifest",
    metavar="FILE",
    help="The SHA256SUMS to check against, instead of the data's own.",
)
@click.option("--fingerprint", help="The key that a repository must be signed by.")
@click.option("--against", metavar="ADDRESS", help="The repository that one is a mirror of.")
@json_option
@quiet_option("Print nothing but problems.")
def verify(
    places: tuple[str, ...],
    quick: bool,
    manifest: str | None,
    fingerprint: str | None,
    against: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check each file of the data at RELPATH against the checksums of its package.

    Names each file that is missing, changed, truncated, unreadable or extra.  RELPATH is as in
    nipy/templates, of which every copy is checked, or a directory, which begins with a slash or a
    dot.  Without any, everything installed is checked.  It may be the address or the folder of a
    repository, too: then each file of it is read, and compared with what its key has signed.  One
    that was added (nipack repository add) must be signed by the key that it had.

    Exits with 1 where something is damaged, or where data that was asked for has no checksums.
    """
    repositories = [place for place in places if _is_repository(place)]
    if repositories:
        if len(repositories) < len(places) or manifest or quick:
            raise click.UsageError(
                "a repository is checked as a whole: name no data with it, and leave out --quick "
                "and --manifest"
            )
        _verify_repositories(repositories, fingerprint, against, as_json=as_json, quiet=quiet)
        return
    with _bar(disable=quick or quiet or as_json) as progress:
        answer = answers.verification(
            places, quick=quick, manifest=manifest, quiet=quiet, progress=progress
        )
    show(answer, as_json=as_json)


@contextmanager
def _bar(*, disable: bool) -> Iterator[Callable[[int, int], object] | None]:
    """Show a bar on a terminal; where there is none, its library is not even loaded."""
    if disable or not sys.stderr.isatty():
        yield None
        return
    with console_reporter() as reporter:
        task = reporter.progress.add_task("verify", total=None)
        yield lambda done, total: reporter.progress.update(task, completed=done, total=total)


def _verify_repositories(
    places: list[str], fingerprint: str | None, against: str | None, *, as_json: bool, quiet: bool
) -> None:
    from dataclasses import asdict

    from nipack.cli.get import repositories_folder
    from nipack.publish.client.known import pinned_certificates
    from nipack.publish.verification import check_repository

    found = []
    with console_reporter(quiet=quiet or as_json) as reporter:
        for place in places:
            advance = reporter.step("verify", None)
            found.append(
                check_repository(
                    place,
                    fingerprint=fingerprint,
                    pinned=pinned_certificates(place, repositories_folder()),
                    against=against,
                    advance=advance,
                )
            )
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            _print_repository(each, quiet=quiet)
    if any(each.problems for each in found):
        sys.exit(1)


def _print_repository(check: "RepositoryCheck", *, quiet: bool) -> None:
    if quiet and not check.problems:
        return
    state = counted(len(check.problems), "problem") if check.problems else "intact to the byte"
    by = f"signed by {check.fingerprint}" if check.fingerprint else "not signed"
    output = console()
    output.print(
        f"{check.address}: {check.title}, generation {check.generation} of {check.date}, {by}: "
        f"{state} ({counted(check.files, 'file')})"
    )
    if check.behind:
        where, which = ("behind", "the newest") if check.behind > 0 else ("ahead", "the other")
        many = counted(abs(check.behind), "generation")
        output.print(f"  it is {many} {where}: {which} is from {check.newest}")
    for problem in check.problems:
        output.print(f"  {problem}")
