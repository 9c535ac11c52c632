"""`nipack recipe`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nipack.cli.choice import FormatOption, NamedChoice
from nipack.cli.console import (
    ConsoleReporter,
    console,
    console_reporter,
    offline_option,
    plain_table,
)

if TYPE_CHECKING:
    from nipack.build.recipe_flow import Recipe, RecipeOptions
    from nipack.build.recipes import RecipeFormat


def _formats() -> "dict[str, RecipeFormat]":
    from nipack.build.recipes import recipe_formats

    return recipe_formats()


@click.command(
    short_help="Render what distributions ask for.",
    epilog="""\b
Examples:
  nipack recipe recipes/nipy-examplepkg           a folder with a package.yaml
  nipack recipe recipes/nipy-examplepkg -f debian --build
  nipack recipe package.yaml --previous nipy-templates-0.2.tar.gz
  nipack recipe nipy-templates-0.3.tar.gz --draft --dry-run

\b
The recipes go to recipes/NAME/conda, recipes/NAME/debian and so on; nothing else there is touched.
SOURCE_DATE_EPOCH sets the time that every file of the packages gets.""",
)
@click.argument("source", metavar="SOURCE")
@click.option(
    "--format",
    "-f",
    "chosen",
    cls=FormatOption,
    type=NamedChoice("format", _formats),
    multiple=True,
)
@click.option(
    "--out-dir",
    "-o",
    "recipes",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("recipes"),
    show_default=True,
    help="The directory that gets a folder for the package.",
)
@click.option("--build", is_flag=True, help="Have each recipe built by its distribution's tool.")
@click.option(
    "--dist",
    "packages",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="The directory that gets what --build makes.",
)
@click.option(
    "--previous",
    metavar="SOURCE",
    help="The version before: what changed since goes into the changelogs.",
)
@click.option(
    "--draft",
    is_flag=True,
    help="Render what is not to be submitted: the licence need not be settled.",
)
@click.option("--dry-run", "-n", is_flag=True, help="Read and render everything, write nothing.")
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print no warnings and no progress.")
def recipe(
    source: str,
    chosen: "tuple[RecipeFormat, ...]",
    recipes: Path,
    packages: Path,
    previous: str | None,
    build: bool,
    draft: bool,
    dry_run: bool,
    offline: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Render the source packages of SOURCE that distributions' maintainers submit.

    SOURCE is what `nipack build` takes, with a definition whose licence and redistribution are
    settled.  With --build, what is installed from each package is
    compared with what `nipack build` installs, to the byte.
    """
    from nipack.build.recipe_flow import RecipeOptions

    options = RecipeOptions(
        recipes=recipes,
        packages=packages,
        previous=previous,
        draft=draft,
        build=build,
        dry_run=dry_run,
        offline=offline,
    )
    with console_reporter(quiet=quiet or as_json) as reporter:
        results = _made(source, chosen, options, reporter)
        problems = [asdict(problem) for problem in reporter.problems]
    if as_json:
        document = {"recipes": [_as_dict(each) for each in results], "problems": problems}
        click.echo(json.dumps(document, indent=2))
    else:
        _print_results(results, dry_run=dry_run)


def _made(
    source: str,
    chosen: "tuple[RecipeFormat, ...]",
    options: "RecipeOptions",
    reporter: ConsoleReporter,
) -> "list[Recipe]":
    from nipack.build.recipe_flow import make_recipes
    from nipack.build.recipes import recipe_formats

    every = tuple(each for each in recipe_formats().values() if each.default)
    return list(make_recipes(source, chosen or every, options, reporter))


def _as_dict(made: "Recipe") -> dict[str, Any]:
    return {
        "format": made.format,
        "directory": str(made.directory),
        "files": [{"path": str(file.path), "state": file.state} for file in made.files],
        "packages": [str(path) for path in made.packages],
        "payload_id": made.payload_id,
    }


def _print_results(results: "list[Recipe]", *, dry_run: bool) -> None:
    table = plain_table("would write" if dry_run else "file", "state")
    for made in results:
        for file in made.files:
            table.add_row(_shown(file.path), file.state)
        for path in made.packages:
            table.add_row(_shown(path), "built")
    console().print(table)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
