"""`nipack verify`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from nipack.cli.parameters import Relpath

if TYPE_CHECKING:
    from nipack.inventory.verification import Verification


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
    import nipack
    from nipack.inventory.verification import is_failure

    with _bar(disable=quick or quiet or as_json) as progress:
        found = nipack.verify(*places, quick=quick, manifest=manifest, progress=progress)
    if as_json:
        from nipack.lookup.records import plain

        click.echo(json.dumps(plain(found), indent=2))
    else:
        _print(found, quiet=quiet)
    if is_failure(found, asked_for=bool(places)):
        sys.exit(1)


@contextmanager
def _bar(*, disable: bool) -> Iterator[Callable[[int, int], object] | None]:
    """Show a bar on a terminal; where there is none, its library is not even loaded."""
    if disable or not sys.stderr.isatty():
        yield None
        return
    from nipack.cli.console import console_reporter

    with console_reporter() as reporter:
        task = reporter.progress.add_task("verify", total=None)
        yield lambda done, total: reporter.progress.update(task, completed=done, total=total)


def _print(found: "tuple[Verification, ...]", *, quiet: bool) -> None:
    for each in found:
        if quiet and each.state != "damaged":
            continue
        click.echo(_line(each))
        for problem in each.problems:
            click.echo(f"  {problem}")
    if not found and not quiet:
        click.echo("no data package is installed: nothing to check")


def _line(each: "Verification") -> str:
    from nipack.cli.console import size_text

    version = f" {each.version}" if each.version else ""
    where = f"{each.relpath}{version} in {each.path}" if each.relpath else f"{each.path}{version}"
    name = f"{where}: {each.state}"
    if each.state == "intact":
        how = "by name and size" if each.quick else "to the byte"
        name += f" {how} ({each.files} files, {size_text(each.size)})"
    elif each.problems:
        name += f" ({each.extent})"
    return name + (f"; {each.reason}" if each.reason else "")
