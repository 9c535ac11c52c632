"""`nipack verify`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from nipack.cli import answers
from nipack.cli.console import console_reporter, show
from nipack.cli.parameters import Relpath


@click.command(
    short_help="Check installed data against its checksums.",
    epilog="""\b
Examples:
  nipack verify                             everything that is installed
  nipack verify nipy/templates nipy/data
  nipack verify --quick                     names and sizes only
  nipack verify /net/share/nipy-templates-0.3/templates
  nipack verify nipy/templates --quiet || echo damaged""",
)
@click.argument("places", metavar="[RELPATH]...", nargs=-1, type=Relpath(or_directory=True))
@click.option("--quick", is_flag=True, help="Look at names and sizes only, and read no data.")
@click.option(
    "--manifest",
    metavar="FILE",
    help="The SHA256SUMS to check against, instead of the data's own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but problems.")
def verify(
    places: tuple[str, ...], quick: bool, manifest: str | None, as_json: bool, quiet: bool
) -> None:
    """Check each file of the data at RELPATH against the checksums of its package.

    Names each file that is missing, changed, truncated, unreadable or extra.  RELPATH is as in
    nipy/templates, of which every copy is checked, or a directory, which begins with a slash or a
    dot.  Without any, everything installed is checked.

    Exits with 1 where something is damaged, or where data that was asked for has no checksums.
    """
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
