"""`nipack doctor`."""

import difflib
import os
from typing import TYPE_CHECKING

import click

from nipack import environment
from nipack.cli import answers
from nipack.cli.console import show
from nipack.cli.options import json_option
from nipack.cli.parameters import MinimumVersion, Relpath

if TYPE_CHECKING:
    from nipack.advice.diagnosis import Diagnosis


@click.command(
    short_help="Find out why data is not found, and fix it.",
    epilog="""\b
Examples:
  nipack doctor                             everything that is installed
  nipack doctor nipy/templates nipy/data --min-version 0.3
  nipack doctor nipy/templates --fix        name the data's place in your config.ini
  nipack doctor nipy/templates --json || exit 1""",
)
@click.argument("relpaths", metavar="[RELPATH]...", nargs=-1, type=Relpath())
@click.option(
    "--min-version",
    metavar="VERSION",
    type=MinimumVersion(),
    help="Data that is older is not usable.",
)
@click.option("--full", is_flag=True, help="Check every byte, not names and sizes alone.")
@click.option("--fix", is_flag=True, help="Write a user config.ini that names what is near.")
@click.option("--yes", "-y", is_flag=True, help="With --fix: do not ask.")
@json_option
def doctor(
    relpaths: tuple[str, ...],
    min_version: str | None,
    full: bool,
    fix: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say whether the data at each RELPATH is usable, and else why not and what mends it.

    Exits with 0 where all of it is usable.  Without a RELPATH, everything installed is looked at.
    With --fix, data that is near but not looked at is named in your own config.ini: it is shown
    first, what it says is kept, and nothing of the system is touched.
    """
    if fix and as_json:
        raise click.UsageError("--fix shows what it writes, and asks: it goes not with --json")
    if yes and not fix:
        raise click.UsageError("--yes is for --fix: without it nothing is asked")
    found = _diagnosis(relpaths, min_version, full=full)
    if fix and not found and _fix(found, yes=yes):
        found = _diagnosis(relpaths, min_version, full=full)
    show(answers.diagnosis(found), as_json=as_json)


def _diagnosis(relpaths: tuple[str, ...], min_version: str | None, *, full: bool) -> "Diagnosis":
    import nipack

    return nipack.diagnose(*relpaths, min_version=min_version, full=full)


def _fix(found: "Diagnosis", *, yes: bool) -> bool:
    """Write the user's config.ini when it is wanted; tell whether it was."""
    from nipack.advice.user_config import read_config, with_roots, write_config

    # The first that is near to each package: it is the likeliest.
    roots = [
        next(near.root for near in package.explanation.near_misses if near.root)
        for package in found.packages
        if not package.usable and any(near.root for near in package.explanation.near_misses)
    ]
    if not roots:
        click.echo("no data is near that an ini file could name: nothing to write\n")
        return False
    file = os.path.join(environment.get_nipy_user_dir(), "config.ini")
    before = read_config(file)
    after = with_roots(before, file, list(dict.fromkeys(roots)))
    _show(file, before, after)
    if not yes and not click.confirm(f"write {file}?"):
        return False
    write_config(file, after)
    click.echo(f"wrote {file}\n")
    return True


def _show(file: str, before: bytes, after: bytes) -> None:
    texts = (before.decode("utf-8").splitlines(), after.decode("utf-8").splitlines())
    name = file if before else os.devnull
    for line in difflib.unified_diff(*texts, name, file, lineterm=""):
        click.echo(line)
