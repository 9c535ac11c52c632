"""Debian's own gates for the recipes: lintian, a clean build, autopkgtest, piuparts, debrepro."""

import subprocess
from pathlib import Path

import pytest

from nipack.build.recipe_flow import Recipe, RecipeOptions, make_recipes
from nipack.build.recipes import recipe_formats

DEBIAN = recipe_formats()["debian"]
pytestmark = [pytest.mark.slow, pytest.mark.tools("dpkg-buildpackage", "dh", "lintian")]


def make(source: Path, target: Path, *, previous: Path | None = None, build: bool = True) -> Recipe:
    options = RecipeOptions(
        recipes=target / "recipes",
        packages=target / "dist",
        previous=str(previous) if previous else None,
        build=build,
    )
    [recipe] = make_recipes(str(source), [DEBIAN], options)
    return recipe


def run(*command: str | Path, directory: Path) -> str:
    """Run a command, show what it printed where it fails, and return it."""
    done = subprocess.run(
        list(map(str, command)), cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    printed = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, printed[-6000:]
    return printed


def one(recipe: Recipe, suffix: str) -> Path:
    [path] = [path for path in recipe.packages if path.name.endswith(suffix)]
    return path


# What is odd about the awkward data itself stays for its maintainer to read.
TRUE_REMARKS = {
    "backup-file-in-package",
    "lengthy-symlink",
    "script-not-executable",
    "symlink-contains-spurious-segments",
    "unusual-interpreter",
}


def test_lintian_is_silent(sample: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    recipe = make(sample, tmp_path)
    printed = run(
        "lintian", "--allow-root", "-EvIL", "+pedantic", "--fail-on", "none",
        one(recipe, ".changes"), directory=tmp_path,
    )  # fmt: skip
    remarks = [line for line in printed.splitlines() if not line.startswith("N:")]
    awkward = request.node.callspec.params["sample"] == "awkward"
    assert {line.split()[2] for line in remarks} == (TRUE_REMARKS if awkward else set()), remarks
