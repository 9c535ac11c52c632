"""Homes and links that a command has to live with."""

import importlib
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.machine import Machine, install, make_machine, ordinary_user

from nipack.cli.app import nipack

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="homes and modes of POSIX")
COMMANDS = (
    ["where", "nipy/templates"],
    ["where", "nipy/templates", "--explain"],
    ["where", "nipy/none", "--json"],
    ["list"],
    ["list", "--check", "--json"],
    ["verify"],
    ["doctor"],
    ["doctor", "nipy/none", "--json"],
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def run(words: list[str]) -> Result:
    result = CliRunner().invoke(nipack, words)
    assert result.exit_code in (0, 1), result.output
    assert "bug in nipack" not in result.output
    if "--json" in words:
        json.loads(result.stdout)
    return result


@pytest.mark.slow(1)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("variable", ["HOME", "NIPY_USER_DIR"])
def test_any_home_will_do(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, words: list[str], variable: str
) -> None:
    install(machine.own_root)
    for home in ("", "relative", "~", "~nobody", "~no such user/x", "/dev/null", "a\nb", "/x:y"):
        monkeypatch.setenv(variable, home)
        assert run(words).exit_code == (1 if "nipy/none" in words else 0)
    monkeypatch.delenv(variable)
    run(words)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_circles_of_links_have_an_end(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    data = install(machine.own_root)
    (data / "self").symlink_to(".")
    (data / "nowhere").symlink_to("nothing")
    (machine.own_root / "again").symlink_to(".")
    (machine.own_root / "nipy/circle").symlink_to("circle")
    (machine.directory / "root").symlink_to("root")
    monkeypatch.setenv("NIPY_DATA_PATH", str(machine.directory / "root"))
    said = run(words).output
    if words == ["where", "nipy/templates"]:
        assert said == f"{data}\n"


def test_fix_in_a_home_that_cannot_be_written(machine: Machine) -> None:
    install(machine.system)
    for directory in [machine.directory, *machine.directory.parents][:-2]:
        directory.chmod(0o755)
    machine.home.mkdir(mode=0o555)
    # What is imported may not be readable for others.
    run(["doctor", "nipy/templates"])
    importlib.import_module("nipack.advice.user_config")
    with ordinary_user():
        result = run(["doctor", "nipy/templates", "--fix", "--yes"])
    assert result.exit_code == 1
    assert "cannot be written (Permission denied); make it writable" in result.stderr
    assert list(machine.home.iterdir()) == []
