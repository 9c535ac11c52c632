"""A library that is missing is named before anything is done, with a line that installs it."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY

from nipack.cli.app import nipack

EXAMPLE = str(REPOSITORY / "recipes" / "nipy-examplepkg")


@pytest.mark.parametrize(
    ("module", "words", "library"),
    [
        ("cyclonedx.model.bom", ["build", EXAMPLE, "--sbom"], "cyclonedx-python-lib"),
        ("distributed", ["build", EXAMPLE, "--scheduler", "tcp://127.0.0.1:1"], "distributed"),
    ],
)
def test_a_missing_library_is_named(
    module: str,
    words: list[str],
    library: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    done = CliRunner().invoke(nipack, words)
    assert done.exit_code == 1
    assert f"{library}; install it: " in done.stderr
    assert done.stderr.rstrip().endswith(f"pip install {library}")
    assert not list(tmp_path.rglob("*.deb"))
