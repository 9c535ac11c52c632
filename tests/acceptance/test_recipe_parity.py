"""What is installed from a recipe's package is what `nipack build` makes: formats times samples."""

import gzip
import subprocess
from pathlib import Path

import pytest

from nipack.build.flow import build
from nipack.build.formats import formats
from nipack.build.recipe_flow import RecipeOptions, make_recipes
from nipack.build.recipes import RecipeFormat, recipe_formats

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tools("dpkg-buildpackage", "dh", "rpmbuild", "rpm2archive", "dpkg-deb"),
]


@pytest.mark.parametrize("format", recipe_formats().values(), ids=lambda each: each.name)
def test_the_built_recipe_installs_what_nipack_builds(
    sample: Path, format: RecipeFormat, tmp_path: Path
) -> None:
    options = RecipeOptions(recipes=tmp_path / "recipes", packages=tmp_path / "dist", build=True)
    [recipe] = make_recipes(str(sample), [format], options)
    ours = dict(_installed_by_nipack(sample, format.prefix, tmp_path))
    (tmp_path / "read").mkdir()
    theirs = {
        each.path: each
        for each in format.contents(recipe.packages[0], tmp_path / "read")
        if not format.is_own(each.path, recipe.directory.parent.name)
    }
    assert theirs == ours


def _installed_by_nipack(sample: Path, prefix: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Yield what nipack's .deb installs for the prefix /usr, by its path from there."""
    from dataclasses import replace

    assert prefix == "/usr"
    [artifact] = build(str(sample), [formats()["deb"]], tmp_path / "own")
    for content in formats()["deb"].contents(artifact.path, lambda count: None):
        path = content.path.removeprefix("usr/")
        if not path.startswith(("share/doc/", "share/lintian/")):
            yield path, replace(content, path=path)
