"""nipack's own packaging says the same of nipack in every place."""

import re
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from packaging.requirements import Requirement
from tests.update_bot import DIGEST, updated

from nipack import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOP = Path(__file__).resolve().parent.parent
OWN = TOP / "recipes" / "nipack"
# conda's names of what is named otherwise where pip installs from.
CONDA_NAMES = {"isal": "python-isal"}


def project(folder: str = "nipack-build") -> list[Requirement]:
    """Return what a distribution of this project requires."""
    text = (TOP / folder / "pyproject.toml").read_text("utf-8")
    return [Requirement(each) for each in tomllib.loads(text)["project"]["dependencies"]]


def own_text(name: str) -> str:
    return (OWN / name).read_text("utf-8")


def recipe_of(name: str) -> dict[str, Any]:
    """Return a recipe as its builder reads it, with the values of its names."""
    text = own_text(name)
    if name == "meta.yaml":
        text = jinja2.Template(text).render()
    else:
        for key, value in yaml.safe_load(text)["context"].items():
            text = text.replace(f"${{{{ {key} }}}}", value)
    recipe: dict[str, Any] = yaml.safe_load(text)
    return recipe


def outputs(name: str) -> dict[str, Any]:
    return {
        output["package"]["name"] if "package" in output else output["name"]: output
        for output in recipe_of(name)["outputs"]
    }


RECIPES = pytest.mark.parametrize("name", ["recipe.yaml", "meta.yaml"])


@RECIPES
def test_the_outputs_need_what_the_project_says(name: str) -> None:
    for output, folder in (
        ("nipack", "."),
        ("nipack-build", "nipack-build"),
        ("nipack-autolink", "nipack-autolink"),
    ):
        wanted = {
            (CONDA_NAMES.get(each.name, each.name).lower(), str(each.specifier))
            for each in project(folder)
        }
        found = outputs(name)[output]["requirements"]["run"]
        parted = {(each.partition(" ")[0], each.partition(" ")[2]) for each in found}
        assert parted == wanted | {("python", ">=3.10")}


@RECIPES
def test_the_oldest_python_builds_and_tests_a_recipe(name: str) -> None:
    """So conda-forge wants it of what is for every Python (CFEP 25)."""
    text = (TOP / "pyproject.toml").read_text("utf-8")
    oldest = tomllib.loads(text)["project"]["requires-python"].removeprefix(">=")
    exactly = f"python {oldest}.*" if name == "recipe.yaml" else f"python {oldest}"
    for output in outputs(name).values():
        assert output["requirements"]["host"][0] == exactly
        assert output["requirements"]["run"][0] == f"python >={oldest}"
        if name == "meta.yaml":
            assert exactly in output["test"]["requires"]
        else:
            [tested] = [each["python"] for each in output["tests"] if "python" in each]
            assert f"python {tested['python_version']}" == exactly


@RECIPES
def test_the_feedstock_is_called_as_the_project(name: str) -> None:
    assert recipe_of(name)["extra"]["feedstock-name"] == "nipack"


def test_both_recipes_and_debian_have_the_version() -> None:
    recipe, meta = recipe_of("recipe.yaml"), recipe_of("meta.yaml")
    changelog = (TOP / "debian" / "changelog").read_text("utf-8")
    assert recipe["recipe"]["version"] == meta["package"]["version"] == __version__
    assert re.findall(r"^nipack \((.*)-\d+\)", changelog) == [__version__]
    # conda-forge's bot finds the version by its name, and writes it anew.
    for name, named in (("recipe.yaml", "version: "), ("meta.yaml", "{% set version = ")):
        assert (OWN / name).read_text("utf-8").count(f'{named}"{__version__}"') == 1


@RECIPES
def test_conda_forge_s_bot_makes_the_next_version(name: str, tmp_path: Path) -> None:
    """Of the recipe as a feedstock has it: with a release for this checkout."""
    opening = "{{" if name == "meta.yaml" else "${{"
    address = f"https://example.org/nipack-{opening} version }}}}.tar.gz"
    source = f"  url: {address}\n  sha256: {'a' * 64}\n"
    file = tmp_path / name
    text = re.sub(r"(?m)^  path: \.\./\.\.\n(  use_gitignore: true\n)?", source, own_text(name))
    file.write_text(text, "utf-8")
    after, asked = updated(file, "9.10")
    assert asked == ["https://example.org/nipack-9.10.tar.gz"]
    assert after == text.replace(f'"{__version__}"', '"9.10"').replace("a" * 64, DIGEST)


def test_rattler_build_reads_the_recipe() -> None:
    rattler_build = pytest.importorskip("rattler_build")
    variants = rattler_build.Stage0Recipe.from_file(OWN / "recipe.yaml").render()
    assert {each.recipe.package.name for each in variants} == {
        "nipack",
        "nipack-build",
        "nipack-autolink",
    }


def test_debian_needs_what_the_project_says() -> None:
    control = (TOP / "debian" / "control").read_text("utf-8").partition("\nPackage: nipack\n")[2]
    depends = set(re.findall(r"python3-([a-z0-9-]+)", control.partition("\nSuggests")[0]))
    # Debian 12 lacks isal and blake3, for which zlib and sha256 stand in; its Python has tomllib.
    wanted = {
        each.name.lower().removeprefix("py").removeprefix("thon-")
        for each in project()
        if each.name not in ("blake3", "isal", "tomli")
    }
    assert depends == wanted
