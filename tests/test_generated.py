"""What is made from the code is what is in the repository."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

GENERATE = [sys.executable, str(REPOSITORY / "scripts" / "generate.py")]


@pytest.mark.parametrize("words", [["--quick"], pytest.param([], marks=pytest.mark.slow(40))])
def test_pages_and_drawings_are_those_of_the_code(words: list[str]) -> None:
    done = subprocess.run([*GENERATE, "--check", *words], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_what_is_stale_is_named_and_written(tmp_path: Path) -> None:
    """Tried on a copy of what the pages are made of."""
    for name in ("scripts", "docs", "src", "pyproject.toml", ".github"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "scripts").unlink()
    (tmp_path / "docs").unlink()
    (tmp_path / "docs" / "_static").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    names = ("fuzzed", "mutated", "privacy_rates")
    figures = [f"scripts/{name}.json" for name in names]
    copied = ("docs/definition.md", "docs/reliability.md", *figures)
    for path in (*(REPOSITORY / "scripts").glob("*.py"), *map(REPOSITORY.joinpath, copied)):
        (tmp_path / path.relative_to(REPOSITORY)).write_bytes(path.read_bytes())
    command = [sys.executable, str(tmp_path / "scripts" / "generate.py"), "--quick"]
    done = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "docs/checks.md is not what the code says now; run: scripts/generate\n"
    assert not (tmp_path / "docs" / "checks.md").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "docs/checks.md\n" in done.stdout
    assert (tmp_path / "docs" / "checks.md").read_bytes() == (
        REPOSITORY / "docs" / "checks.md"
    ).read_bytes()
    assert subprocess.run([*command, "--check"], capture_output=True).returncode == 0
