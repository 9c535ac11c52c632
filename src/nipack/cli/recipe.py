"""`nipack recipe`."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.choice import NamedChoice
from nipack.cli.console import (
    ConsoleReporter,
    console_reporter,
    expanded,
    plain_table,
    print_table,
)
from nipack.cli.options import (
    dry_run_option,
    folder_option,
    format_option,
    json_option,
    offline_option,
    quiet_option,
    sources_argument,
)
from nipack.cli.several import make_each, print_sum

if TYPE_CHECKING:
    from nipack.builder.flows.recipe import Recipe, RecipeOptions
    from nipack.builder.flows.targets import Targets
    from nipack.builder.recipes import RecipeFormat


def _formats() -> "dict[str, RecipeFormat]":
    from nipack.builder.recipes import recipe_formats

    return recipe_formats()


def _suites() -> dict[str, str]:
    return {suite: suite for each in _formats().values() for suite in each.suites}


_INDEX = ("noarch", "repodata.json")


def _read_channels(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Return channels as every builder takes them: a folder as an address."""
    return tuple(_channel(each) for each in values)


def _channel(value: str) -> str:
    if not value.startswith((".", "/", "~")):
        if Path(value, *_INDEX).is_file():
            message = f"{value} would be a channel of that name; for the folder write ./{value}"
            raise click.BadParameter(message)
        return value
    # Not Path's own, which knows no answer for a user who is not there.
    folder = Path(os.path.expanduser(value)).resolve()
    if not folder.joinpath(*_INDEX).is_file():
        raise click.BadParameter(
            f"{value} is not a conda channel: it has no noarch/repodata.json; name "
            "another folder, or index it: conda index"
        )
    return folder.as_uri()


@click.command(
    short_help="Render a recipe for a distribution's own builder.",
    epilog="""\b
Examples:
  nipack recipe recipes/nipy-examplepkg           a folder with a package.yaml
  nipack recipe recipes                           a folder of such folders
  nipack recipe recipes/nipy-examplepkg -f debian --build
  nipack recipe recipes/nipy-examplepkg -f debian --suite sid
  nipack recipe recipes/nipy-examplepkg -f conda --build --channel conda-forge
  nipack recipe package.yaml --previous nipy-templates-0.2.tar.gz
  nipack recipe nipy-templates-0.3.tar.gz --draft --dry-run

\b
The recipes go to recipes/NAME/conda, recipes/NAME/debian and so on; nothing
else there is touched.
SOURCE_DATE_EPOCH sets the time that every file of the packages gets.""",
)
@sources_argument()
@format_option(_formats)
@folder_option(
    "--out-dir",
    "-o",
    "recipes",
    default="recipes",
    meaning="The directory to write a folder for each package to.",
)
@click.option("--build", is_flag=True, help="Build each recipe with its distribution's tool.")
@folder_option(
    "--dist",
    "packages",
    default="dist",
    meaning="The directory to write the packages of --build to.",
)
@click.option(
    "--channel",
    "channels",
    metavar="CHANNEL",
    multiple=True,
    callback=_read_channels,
    help="A conda channel (name, address or ./folder) that has nibabel: with --build, the conda "
    "recipe's tests that need it are run too.  Can be given more than once.  [default: none]",
)
@click.option(
    "--suite",
    type=NamedChoice("suite", _suites),
    metavar="SUITE",
    help="The release of Debian whose policy and tools the debian recipe follows: bookworm, trixie "
    "or sid.  [default: bookworm, which later ones build too]",
)
@click.option(
    "--previous",
    metavar="SOURCE",
    help="The version before SOURCE: what changed since goes into the changelogs.",
)
@click.option(
    "--draft",
    is_flag=True,
    help="Render a draft, not to be submitted: the licence need not be settled.",
)
@dry_run_option("Read and render everything, but write nothing.")
@offline_option
@json_option
@quiet_option()
def recipe(
    sources: tuple[str, ...],
    chosen: "tuple[RecipeFormat, ...]",
    recipes: Path,
    packages: Path,
    suite: str | None,
    previous: str | None,
    build: bool,
    channels: tuple[str, ...],
    draft: bool,
    dry_run: bool,
    offline: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Render the source packages of each SOURCE that distributions' maintainers submit.

    SOURCE is what `nipack build` takes, with a definition whose licence and redistribution are
    settled.  With --build, what is installed from each package is compared with what `nipack build`
    installs, to the byte.
    """
    from nipack.builder.flows.recipe import RecipeOptions
    from nipack.builder.flows.targets import Targets

    _check_channels(channels, chosen, build=build, offline=offline)
    if suite is not None and chosen and not any(suite in each.suites for each in chosen):
        raise click.UsageError("--suite is for the debian recipe: add -f debian, or leave it out")
    chosen_sources = expanded(sources)
    if previous is not None and len(chosen_sources) > 1:
        raise click.UsageError("--previous needs exactly one SOURCE; name one at a time.")
    options = RecipeOptions(
        recipes=recipes,
        packages=packages,
        previous=previous,
        draft=draft,
        build=build,
        channels=channels,
        suite=suite,
        dry_run=dry_run,
        offline=offline,
    )
    made = Targets()
    with console_reporter(quiet=quiet or as_json) as reporter:
        outcome = make_each(
            chosen_sources,
            lambda source: _made(source, chosen, options, reporter, made=made),
            reporter,
            silent=as_json,
        )
    if as_json:
        document = {
            "recipes": [_as_dict(each) for each in outcome.results],
            "problems": [asdict(problem) for problem in reporter.problems],
            "errors": outcome.errors,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _print_results(outcome.results, dry_run=dry_run)
        print_sum(len(chosen_sources), outcome, "rendered")
    if outcome.errors:
        sys.exit(1)


def _check_channels(
    channels: tuple[str, ...], chosen: "tuple[RecipeFormat, ...]", *, build: bool, offline: bool
) -> None:
    if channels and not build:
        raise click.UsageError("--channel is for the tests of a build: add --build")
    if channels and chosen and not any(each.takes_channels for each in chosen):
        raise click.UsageError("--channel is for the conda recipe: add -f conda, or leave it out")
    remote = [each for each in channels if not each.startswith("file:")]
    if offline and remote:
        raise click.UsageError(
            f"--offline fetches nothing, and --channel {remote[0]} would: name a folder, or leave "
            "one of them out"
        )


def _made(
    source: str,
    chosen: "tuple[RecipeFormat, ...]",
    options: "RecipeOptions",
    reporter: ConsoleReporter,
    *,
    made: "Targets",
) -> "Iterator[Recipe]":
    from nipack.builder.flows.recipe import make_recipes
    from nipack.builder.recipes import recipe_formats

    every = tuple(each for each in recipe_formats().values() if each.default)
    return make_recipes(source, chosen or every, options, reporter, made=made)


def _as_dict(made: "Recipe") -> dict[str, Any]:
    return {
        "format": made.format,
        "directory": str(made.directory),
        "files": [{"path": str(file.path), "state": file.state} for file in made.files],
        "packages": [str(path) for path in made.packages],
        "payload_id": made.payload_id,
    }


def _print_results(results: "list[Recipe]", *, dry_run: bool) -> None:
    if not results:
        return
    table = plain_table("would write" if dry_run else "file", "state")
    for made in results:
        for file in made.files:
            table.add_row(_shown(file.path), file.state)
        for path in made.packages:
            table.add_row(_shown(path), "built")
    print_table(table)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
