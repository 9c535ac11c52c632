"""What is installed from a recipe's package is what `nipack build` makes: formats times samples."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from nipack.builder.archive.members import Content
from nipack.builder.flows.build import build
from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.formats import formats
from nipack.builder.recipes import RecipeFormat, recipe_formats

pytestmark = pytest.mark.slow
recipes = pytest.mark.parametrize(
    "format",
    [
        pytest.param(each, marks=pytest.mark.tools(*(program.name for program in each.programs)))
        for each in recipe_formats().values()
    ],
    ids=lambda each: each.name,
)


@recipes
def test_the_built_recipe_installs_what_nipack_builds(
    sample: Path, format: RecipeFormat, tmp_path: Path
) -> None:
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "recipes", packages=tmp_path / "dist", build=True
    )
    [recipe] = make_recipes(str(sample), [format], options)
    assert format.prefix == "/usr"
    ours = _installed_by_nipack(sample, tmp_path / "own")
    (tmp_path / "read").mkdir()
    theirs = {
        each.path: each
        for each in format.contents(recipe.packages[0], tmp_path / "read")
        if not each.is_directory and not format.is_own(each.path, recipe.directory.parent.name)
    }
    assert theirs == ours


def _installed_by_nipack(sample: Path, directory: Path) -> dict[str, Content]:
    """Return what nipack's .deb installs, for the prefix /usr, by its path from there."""
    deb = formats()["deb"]
    [artifact] = build(str(sample), [deb], directory)
    contents = (
        replace(each, path=each.path.removeprefix("usr/"))
        for each in deb.contents(artifact.path, lambda count: None)
    )
    return {
        each.path: each
        for each in contents
        if not each.is_directory and not each.path.startswith(("share/doc/", "share/lintian/"))
    }


@pytest.mark.shared
@recipes
def test_a_release_at_an_address_is_built_without_network(
    format: RecipeFormat, real_tarball: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(real_tarball.read_bytes()).hexdigest()
    cached = tmp_path / "cache" / "downloads" / f"sha256-{digest}" / "file"
    cached.parent.mkdir(parents=True)
    shutil.copy(real_tarball, cached)
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    address = "https://release.invalid/nipy-templates-0.1.tar.gz"
    definition = tmp_path / "package.yaml"
    definition.write_text(
        "name: nipy-templates\nrelpath: nipy/templates\nversion: '0.1'\nsummary: templates\n"
        f"source:\n  address: {address}\n  sha256: {digest}\n",
        "utf-8",
    )
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "recipes", packages=tmp_path / "dist", build=True
    )
    [recipe] = make_recipes(str(definition), [format], options)
    assert recipe.packages
    if format.name != "debian":
        texts = [file.path.read_text("utf-8") for file in recipe.files]
        assert any(address in text for text in texts)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
@recipes
def test_data_without_a_config_gets_it_from_a_recipe_too(
    format: RecipeFormat, packed: bool, tmp_path: Path
) -> None:
    """A TemplateFlow template has none: the definition states the version."""
    data = tmp_path / "source" / "tpl-X"
    data.mkdir(parents=True)
    (data / "tpl-X_T1w.json").write_text("{}\n", "utf-8")
    (data / "template_description.json").write_text('{"Identifier": "X"}\n', "utf-8")
    if packed:
        shutil.make_archive(str(tmp_path / "tpl-X"), "gztar", tmp_path / "source")
    address = "tpl-X.tar.gz" if packed else "source/tpl-X"
    (tmp_path / "package.yaml").write_text(
        "name: templateflow-x\nrelpath: templateflow/tpl-X\nversion: '1.0'\nsummary: template\n"
        f"date: 2024-01-01\nsource: {{address: {address}}}\n",
        "utf-8",
    )
    options = RecipeOptions(
        draft=True, recipes=tmp_path / "recipes", packages=tmp_path / "dist", build=True
    )
    [recipe] = make_recipes(str(tmp_path), [format], options)
    contents = {each.path for each in format.contents(recipe.packages[0], tmp_path)}
    assert "share/nipy/templateflow/tpl-X/config.ini" in contents
