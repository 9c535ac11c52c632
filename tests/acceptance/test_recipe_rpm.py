"""Fedora's linter on the recipe and on what was built from it."""

import subprocess
from pathlib import Path

import pytest

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats

pytestmark = [pytest.mark.slow, pytest.mark.tools("rpmbuild", "rpm2archive", "rpmlint")]

# What is odd about the awkward data itself stays for its maintainer to read.
TRUE_REMARKS = {
    "awkward": {
        "backup-file-in-package",
        "files-duplicate",
        "hidden-file-or-dir",
        "non-executable-script",
        "zero-length",
    },
    "pbrain": {"hidden-file-or-dir"},
}


def test_rpmlint_has_nothing_to_say_of_the_packaging(
    sample: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "recipes", packages=tmp_path / "dist", build=True
    )
    [recipe] = make_recipes(str(sample), [recipe_formats()["rpm"]], options)
    name = recipe.directory.parent.name
    files = [*recipe.packages, recipe.directory / f"{name}.spec"]
    done = subprocess.run(
        ["rpmlint", "-r", recipe.directory / f"{name}.rpmlintrc", *files],
        capture_output=True,
        text=True,
    )
    assert "2 packages and 1 specfiles checked" in done.stdout
    remarks = [line for line in done.stdout.splitlines() if ": W: " in line or ": E: " in line]
    expected = TRUE_REMARKS.get(request.node.callspec.params["sample"], set())
    # Debian's rpmlint has no list of licences, and data that no address names has no URL.
    here = {"invalid-license", "invalid-url"}
    assert {line.split()[2] for line in remarks} - here == expected, done.stdout
