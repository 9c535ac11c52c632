"""`nipack doctor`."""

import difflib
import os
from typing import TYPE_CHECKING

import click

import nipack
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
  nipack doctor templateflow                what TemplateFlow finds, and what is in its way
  nipack doctor nipy/templates --fix        name the data's place in your config.ini
  nipack doctor nipy/templates --json || exit 1""",
)
@click.argument("words", metavar="[RELPATH|LIBRARY]...", nargs=-1, type=Relpath(or_library=True))
@click.option(
    "--min-version",
    metavar="VERSION",
    type=MinimumVersion(),
    help="Treat older data as unusable.",
)
@click.option("--full", is_flag=True, help="Check every byte, not only names and sizes.")
@click.option("--fix", is_flag=True, help="Write a user config.ini that names data found nearby.")
@click.option("--yes", "-y", is_flag=True, help="With --fix: do not ask.")
@json_option
def doctor(
    words: tuple[str, ...],
    min_version: str | None,
    full: bool,
    fix: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say whether the data at each RELPATH is usable, and if not, why not and how to fix it.

    For a LIBRARY (templateflow, nilearn, mne, ...), say what it finds of installed data in its own
    directory and what is in the way.  Without either, look at everything that is installed.  Exits
    with 0 where all of it is usable.

    With --fix, data that is near but not searched is named in your own config.ini: it is shown
    first, what it says is kept, and nothing of the system is touched.
    """
    if fix and as_json:
        raise click.UsageError(
            "--fix shows what it writes, and asks: it cannot be combined with --json"
        )
    if yes and not fix:
        raise click.UsageError("--yes only makes sense with --fix, which asks")
    if fix:
        found = nipack.diagnose(*(each for each in words if "/" in each), min_version=min_version)
        if not found:
            _fix(found, yes=yes)
    show(answers.diagnosis(words, min_version, full=full), as_json=as_json)


def _fix(found: "Diagnosis", *, yes: bool) -> None:
    """Write the user's config.ini when it is wanted."""
    from nipack.advice.user_config import read_config, with_roots, write_config

    # The first that is near to each package: it is the likeliest.
    roots = [
        next(near.root for near in package.explanation.near_misses if near.root)
        for package in found.packages
        if not package.usable and any(near.root for near in package.explanation.near_misses)
    ]
    if not roots:
        click.echo("there is no data nearby that an ini file could name: nothing to write\n")
        return
    file = os.path.join(environment.get_nipy_user_dir(), "config.ini")
    before = read_config(file)
    after = with_roots(before, file, list(dict.fromkeys(roots)))
    _show(file, before, after)
    if yes or click.confirm(f"write {file}?"):
        write_config(file, after)
        click.echo(f"wrote {file}\n")


def _show(file: str, before: bytes, after: bytes) -> None:
    texts = (before.decode("utf-8").splitlines(), after.decode("utf-8").splitlines())
    name = file if before else os.devnull
    for line in difflib.unified_diff(*texts, name, file, lineterm=""):
        click.echo(line)
