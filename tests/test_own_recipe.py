"""nipack's own packaging says the same of nipack in every place."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

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


def outputs(name: str) -> dict[str, Any]:
    recipe = yaml.safe_load((OWN / name).read_text("utf-8"))
    return {
        output["package"]["name"] if "package" in output else output["name"]: output
        for output in recipe["outputs"]
    }


@pytest.mark.parametrize("name", ["recipe.yaml", "meta.yaml"])
def test_the_outputs_need_what_the_project_says(name: str) -> None:
    for output, folder in (("nipack", "."), ("nipack-build", "nipack-build")):
        wanted = {
            (CONDA_NAMES.get(each.name, each.name).lower(), str(each.specifier))
            for each in project(folder)
        }
        found = outputs(name)[output]["requirements"]["run"]
        parted = {(each.partition(" ")[0], each.partition(" ")[2]) for each in found}
        assert parted == wanted | {("python", ">=3.10")}


def test_both_recipes_and_debian_have_the_version() -> None:
    recipe = yaml.safe_load((OWN / "recipe.yaml").read_text("utf-8"))
    meta = yaml.safe_load((OWN / "meta.yaml").read_text("utf-8"))
    changelog = (TOP / "debian" / "changelog").read_text("utf-8")
    assert recipe["recipe"]["version"] == meta["package"]["version"] == __version__
    assert re.findall(r"^nipack \((.*)-\d+\)", changelog) == [__version__]


def test_rattler_build_reads_the_recipe() -> None:
    rattler_build = pytest.importorskip("rattler_build")
    variants = rattler_build.Stage0Recipe.from_file(OWN / "recipe.yaml").render()
    assert {each.recipe.package.name for each in variants} == {"nipack", "nipack-build"}


def test_debian_needs_what_the_project_says() -> None:
    control = (TOP / "debian" / "control").read_text("utf-8").partition("\nPackage: nipack\n")[2]
    depends = set(re.findall(r"python3-([a-z0-9-]+)", control.partition("\nSuggests")[0]))
    # Debian 12 lacks isal, which Python's own zlib stands in for; its Python has tomllib.
    wanted = {
        each.name.lower().removeprefix("py").removeprefix("thon-")
        for each in project()
        if each.name not in ("isal", "tomli")
    }
    assert depends == wanted
