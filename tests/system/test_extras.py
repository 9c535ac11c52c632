"""A library that is missing is named before anything is done, with a line that installs it."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.conftest import REPOSITORY

from nipack.advice.commands import this_interpreter
from nipack.cli.app import nipack
from nipack.system import extras

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


@pytest.mark.parametrize("is_in_archive", [True, False])
def test_a_system_s_python_is_left_to_its_distribution(
    is_in_archive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PEP 668: pip installs nothing into it."""
    there = this_interpreter().replace(is_managed=True)
    monkeypatch.setattr(extras, "this_interpreter", lambda: there)
    monkeypatch.setattr(extras, "in_apt_archive", lambda package: is_in_archive)
    said = extras.how_to_have("asyncssh", "sftp", ModuleNotFoundError("No module named 'asyncssh'"))
    assert "pip install" not in said
    assert said.endswith("sudo apt install python3-asyncssh") == is_in_archive
    assert ("virtual environment" in said) != is_in_archive


def test_a_library_that_misses_one_of_the_system_is_not_to_be_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """createrepo_c on a minimal system, which has no GLib."""
    reason = "libgobject-2.0.so.0: cannot open shared object file"
    (tmp_path / "cyclonedx").mkdir()
    (tmp_path / "cyclonedx" / "__init__.py").write_text(f"raise ImportError({reason!r})\n", "utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "cyclonedx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    done = CliRunner().invoke(nipack, ["build", EXAMPLE, "--sbom", "-o", str(tmp_path / "dist")])
    assert done.exit_code == 1
    assert (
        f"--sbom needs cyclonedx-python-lib, which is installed and cannot be loaded: {reason}"
        in (" ".join(done.stderr.split()))
    )
    assert "pip install" not in done.stderr
