"""What others bring is found by an entry point, and what is wrong with it stops nobody."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builder.samples import plain

from nipack.builder.formats import formats
from nipack.builder.recipes import recipe_formats

MODULE = """\
from nipack.builder.formats import Format
from nipack.builder.formats.deb import DebFormat
from nipack.builder.recipes.rpm import RpmRecipe


class Ours(DebFormat):
    name = "ours"

    def file_name(self, package):
        return super().file_name(package) + ".ours"


class Spec(RpmRecipe):
    name = "spec"


class Nameless(Format):
    def file_name(self, package): ...
    def payload_root(self, package): ...
    def tree(self, package): ...
    def assemble(self, package, tree, output, advance): ...
    def contents(self, artifact, advance, found=None): ...


FORMAT, RECIPE, TAKEN, NAMELESS = Ours(), Spec(), DebFormat(), Nameless()


def __getattr__(name):
    if name == "UNFINISHED":
        return Format()
    raise AttributeError(name)
"""


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions; what they bring is looked for anew."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "others.py").write_text(MODULE, "utf-8")
    monkeypatch.syspath_prepend(str(site))
    formats.cache_clear()
    recipe_formats.cache_clear()
    yield site
    formats.cache_clear()
    recipe_formats.cache_clear()
    sys.modules.pop("others", None)


def distribution(site: Path, entries: str) -> None:
    info = site / "nipack_others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nipack-others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries, "utf-8")


def test_a_format_and_a_recipe_of_another_distribution(bring: Path) -> None:
    distribution(
        bring, "[nipack.formats]\nx = others:FORMAT\n[nipack.recipes]\ny = others:RECIPE\n"
    )
    assert list(formats())[-1] == "ours"
    assert list(recipe_formats())[-1] == "spec"


@pytest.mark.slow(1)
def test_it_is_built_by_its_name(bring: Path, tmp_path: Path) -> None:
    distribution(bring, "[nipack.formats]\nx = others:FORMAT\n")
    command = [sys.executable, "-m", "nipack", "build", str(plain(tmp_path)), "-f", "ours", "-q"]
    environment = os.environ | {"PYTHONPATH": str(bring)}
    run = subprocess.run(
        [*command, "-o", str(tmp_path / "dist")], env=environment, capture_output=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, b"")
    [made] = (tmp_path / "dist").iterdir()
    assert made.name == "nipy-templates_0.3-1_all.deb.ours"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("others:NOTHING", "cannot be loaded: AttributeError: .*; update or uninstall it"),
        ("not_there:X", "cannot be loaded: ModuleNotFoundError: .*; update or uninstall it"),
        ("others:MODULE", "cannot be loaded: "),
        ("others:Ours.name", "it does not have the interface; update or uninstall the package"),
        ("others:NAMELESS", "it does not have the interface; update or uninstall the package"),
        ("others:UNFINISHED", "cannot be loaded: "),
        ("others:TAKEN", "deb: the name is already taken; uninstall one of the two"),
    ],
)
def test_what_is_wrong_is_left_out_and_said(
    value: str, words: str, bring: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = list(formats())
    formats.cache_clear()
    distribution(bring, f"[nipack.formats]\nx = {value}\n")
    assert list(formats()) == own
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith("nipack-others, entry point x of nipack.formats: ")
    assert re.search(words, message)
