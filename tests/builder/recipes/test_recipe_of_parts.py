"""Recipes of data in parts: golden, for it is what gets built, and what they cannot make."""

import os
from pathlib import Path

import pytest
from tests.builder.recipes.test_contract import GOLDEN, rendered, texts_below
from tests.builder.recipes.test_hostile_parts import lists_of
from tests.builder.samples import PARTS, in_parts

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import RecipeFormat, recipe_formats
from nipack.builder.recipes.rpm import RpmRecipe
from nipack.system.errors import RecipeError, ToolError

SPLITTING = [each for each in recipe_formats().values() if each.splits]
splitting = pytest.mark.parametrize("format", SPLITTING, ids=lambda each: each.name)
# The first part has a version and a revision of its own, the last that of the whole.
GOLDEN_PARTS = PARTS.replace('version: "0.3"', 'version: "0.2"\n    revision: 2', 1).replace(
    '"config.ini"]\n    version: "0.3"', '"config.ini"]\n    summary: Labels of regions'
)
MORE = """\
license: CC0-1.0
redistribution: verified
homepage: https://example.org/templates
maintainer: {name: Ada Lovelace, email: ada@example.org, github: ada}
description: Averages of many brains.
copyright: [{files: ["*"], holders: [Ada Lovelace], license: CC0-1.0, text: Use it as you like.}]
"""


@splitting
def test_what_is_rendered_of_parts_is_golden(
    format: RecipeFormat,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nipack.builder.manifest.__version__", "(version)")
    # makepkg gives them all the version of the whole.
    parts = PARTS if format.name == "arch" else GOLDEN_PARTS
    source = in_parts(tmp_path, parts, MORE)
    found = texts_below(rendered(source, format, tmp_path).directory)
    golden = GOLDEN / "parts" / format.name
    if request.config.getoption("--update-golden"):
        for path, text in found.items():
            (golden / path).parent.mkdir(parents=True, exist_ok=True)
            (golden / path).write_text(text, "utf-8")
    assert found == texts_below(golden)


@splitting
def test_every_file_is_in_the_list_of_one_package(format: RecipeFormat, tmp_path: Path) -> None:
    source = in_parts(tmp_path)
    recipe = rendered(source, format, tmp_path)
    data = source / "templates"
    assert lists_of(recipe.directory) == sorted(
        path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()
    )


@splitting
def test_a_recipe_of_one_package_is_not_mixed_with_that_of_several(
    format: RecipeFormat, tmp_path: Path
) -> None:
    source = in_parts(tmp_path)
    definition = (source / "package.yaml").read_text("utf-8")
    (source / "package.yaml").write_text(definition.partition("parts:")[0], "utf-8")
    one = {file.path for file in rendered(source, format, tmp_path).files}
    (source / "package.yaml").write_text(definition, "utf-8")
    with pytest.raises(RecipeError, match=r"that made one package .*; delete it"):
        rendered(source, format, tmp_path)
    for path in one:
        path.unlink()
    several = {file.path for file in rendered(source, format, tmp_path).files}
    (source / "package.yaml").write_text(definition.partition("parts:")[0], "utf-8")
    with pytest.raises(RecipeError, match=r"that made several packages"):
        rendered(source, format, tmp_path)
    # What no recipe of the other shape writes again must be among what it is refused for.
    assert {path.name for path in one - several} <= {
        *("SHA256SUMS", "package.json", "install", "meta.yaml", "lookup.py"),
        "nipy-templates.lintian-overrides",
    }


def swapped(tmp_path: Path, *texts: str) -> tuple[Path, Path]:
    """Make a folder that has been a link to another, with files of these names."""
    link = PARTS.replace('"*_res-02*"', '"*_res-02*", "other", "same/*", "*.2"')
    before, after = (in_parts(tmp_path / version, link) for version in ("before", "after"))
    for source in (before, after):
        same = source / "templates" / "same"
        same.mkdir()
        (same / "a.2").write_bytes(b"a")
    (before / "templates" / "other").mkdir()
    for name in texts:
        (before / "templates" / "other" / name).write_bytes(b"b")
    (after / "templates" / "other").symlink_to("same")
    (after / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 0.4\n", "utf-8")
    text = (after / "package.yaml").read_text("utf-8").replace("0.3", "0.4")
    (after / "package.yaml").write_text(text, "utf-8")
    return before, after


def test_a_part_lets_its_own_folder_become_a_link(tmp_path: Path) -> None:
    before, after = swapped(tmp_path, "b.2")
    recipe = rendered(after, recipe_formats()["debian"], tmp_path, previous=before)
    scripts = {path.name: path.read_text("utf-8") for path in recipe.directory.glob("*maintscript")}
    assert scripts == {
        "nipy-templates-2mm.maintscript": "dir_to_symlink /usr/share/nipy/nipy/templates/other "
        "same 0.4-1~\n"
    }


def test_a_folder_of_two_parts_that_becomes_a_link_is_refused(tmp_path: Path) -> None:
    before, after = swapped(tmp_path, "b.2", "b.txt")
    with pytest.raises(RecipeError, match=r"other: the debian recipe cannot .* two packages have"):
        rendered(after, recipe_formats()["debian"], tmp_path, previous=before)


def test_a_part_of_another_version_is_refused_for_arch(tmp_path: Path) -> None:
    source = in_parts(tmp_path, GOLDEN_PARTS, MORE)
    refused = (
        r"package\.yaml:7: the arch recipe cannot carry it: a PKGBUILD gives all its packages one "
        r"version and release, 0\.3-1, and this part has 0\.2-3; leave out its version and "
    )
    with pytest.raises(RecipeError, match=refused):
        rendered(source, recipe_formats()["arch"], tmp_path)


def test_conda_build_does_not_build_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there, and what builds a recipe.yaml is not."""
    builder = tmp_path / "programs" / "conda-build"
    builder.parent.mkdir()
    builder.write_text("#!/bin/sh\nexit 9\n", "utf-8")
    builder.chmod(0o755)
    monkeypatch.setenv("PATH", str(builder.parent), prepend=os.pathsep)
    monkeypatch.setattr("nipack.system.rattler.is_installed", lambda: False)
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "recipes", packages=tmp_path / "dist", build=True
    )
    said = r"data in parts has a recipe\.yaml and no meta\.yaml, .*; install rattler-build: "
    with pytest.raises(ToolError, match=said):
        list(make_recipes(str(in_parts(tmp_path)), [recipe_formats()["conda"]], options))
    assert not (tmp_path / "dist").exists()


class OfOne(RpmRecipe):
    """A recipe format that another distribution has brought, and that makes one package."""

    name, splits = "mine", False


def test_a_recipe_that_makes_one_package_says_so(tmp_path: Path) -> None:
    refused = r"package\.yaml:6: the mine recipe does not carry parts yet; render arch and conda "
    with pytest.raises(RecipeError, match=refused):
        rendered(in_parts(tmp_path), OfOne(), tmp_path)
    assert not (tmp_path / "recipes").exists()
