"""What people search for reaches the metadata of every format."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import zstandard
from conda_package_streaming.package_streaming import stream_conda_component
from debian.debfile import DebFile
from packaging.metadata import Metadata
from tests.builder.samples import RecordingReporter, define, plain

from nipack.builder.flows.build import build
from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.formats import formats
from nipack.builder.recipes import recipe_formats

WORDS = """\
keywords: [cortex, "white matter"]
species: [Homo sapiens]
space: [MNI152NLin2009cAsym, fsaverage]
resolution: [1 mm, 2 x 2 x 3.5 mm]
description: Averages of 152 brains.
"""
FACTS = [
    "- Keywords: cortex, white matter",
    "- Species: Homo sapiens",
    "- Space: MNI152NLin2009cAsym, fsaverage",
    "- Resolution: 1 mm, 2 x 2 x 3.5 mm",
]
TERMS = ["cortex", "white matter", "Homo sapiens", "MNI152NLin2009cAsym", "fsaverage"]


def test_each_format_has_the_words_where_people_search(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree, WORDS)
    every = [formats()[name] for name in ("conda", "deb", "wheel", "sdist", "pacman")]
    made = {
        each.format: each.path
        for each in build(str(tree), every, tmp_path / "dist", RecordingReporter())
    }
    with made["conda"].open("rb") as stream:
        [about] = [
            json.loads((tar.extractfile(info) or stream).read())
            for tar, info in stream_conda_component(made["conda"].name, stream, "info")
            if info.name == "info/about.json"
        ]
    assert about["keywords"] == TERMS
    assert about["description"].splitlines()[-4:] == FACTS

    with DebFile(str(made["deb"])) as deb:
        described = deb.debcontrol()["Description"]
    assert all(f"\n  {fact}" in described for fact in FACTS)

    with zipfile.ZipFile(made["wheel"]) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Metadata.from_email(wheel.read(name))
    assert metadata.keywords == ["neuroimaging", "data", *TERMS]
    assert all(fact in str(metadata.description) for fact in FACTS)

    # Neither a source tarball's PKG-INFO nor pacman's has a field for each.
    with zstandard.open(made["pacman"], "rb") as plain_tar:
        tarballs = made["sdist"].read_bytes(), plain_tar.read()
    for content in tarballs:
        package = package_json(content)
        assert (package["keywords"], package["species"]) == (TERMS[:2], TERMS[2:3])
        assert (package["space"], package["resolution"][1]) == (TERMS[3:], "2 x 2 x 3.5 mm")


def package_json(tarball: bytes) -> Any:
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        [member] = [each for each in tar.getmembers() if each.name.endswith("/package.json")]
        return json.loads((tar.extractfile(member) or io.BytesIO()).read())


def test_each_recipe_has_the_words_in_its_description(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree, WORDS)
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "dist", draft=True)
    names = {"conda": "recipe.yaml", "debian": "control", "rpm": "nipy-templates.spec"}
    every = [recipe_formats()[name] for name in names]
    for made in make_recipes(str(tree), every, options):
        text = (made.directory / names[made.format]).read_text("utf-8")
        assert all(fact.removeprefix("- ") in text for fact in FACTS), made.format


def test_what_else_a_recipe_carries_is_package_json(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree, WORDS)
    options = RecipeOptions(recipes=tmp_path / "r", packages=tmp_path / "dist", draft=True)
    for made in make_recipes(str(tree), list(recipe_formats().values()), options):
        [found] = made.directory.rglob("package.json")
        assert json.loads(found.read_text("utf-8"))["resolution"] == ["1 mm", "2 x 2 x 3.5 mm"]
