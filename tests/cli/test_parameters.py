"""What can be typed for a relpath and for a version, and what is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.machine import Machine, install, make_machine

from nipack.cli.app import nipack

ODD = [
    "templates",
    "./z/nipy/tmpl",
    "/home/x/nipy/tmpl",
    "nipy\\templates",
    "nipy/",
    "a/../b",
    "-x/y",
]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nipack, arguments)


@pytest.mark.parametrize("command", ["where", "doctor"])
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_relpath_is_refused(command: str, odd: str, machine: Machine) -> None:
    result = run(command, "--", odd)
    assert result.exit_code == 2
    assert "a relpath is umbrella/directory, e.g. nipy/templates" in result.stderr
    assert "install" not in result.output


def test_a_directory_needs_a_dot_before_it(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = install(tmp_path / "z", relpath="nipy/tmpl")
    assert "a relpath is umbrella/directory" in run("verify", "y").stderr
    result = run("verify", "z")
    assert result.exit_code == 2
    assert "'z' is a directory here; write ./z" in result.stderr
    result = run("verify", "z/nipy/tmpl")
    said = "is not an installed package, but a directory here; write ./z/nipy/tmpl\n"
    assert (result.exit_code, result.stderr) == (1, f"error: z/nipy/tmpl {said}")
    assert f"{data}" in run("verify", "./z/nipy/tmpl").stdout


@pytest.mark.parametrize(("typed", "shown"), [("v9", "9"), ("1.0-RC1", "1.0rc1"), ("0.30", "0.30")])
@pytest.mark.parametrize("command", ["where", "doctor"])
def test_a_minimum_is_shown_as_pep_440_spells_it(
    command: str, typed: str, shown: str, machine: Machine
) -> None:
    install(machine.own_root, "0.2")
    said = run(command, "nipy/templates", "--min-version", typed).output
    assert f" {shown} or newer is needed" in said
    assert typed == shown or typed not in said


@pytest.mark.parametrize("command", ["where", "doctor", "verify"])
@pytest.mark.parametrize(
    ("typed", "status"),
    [("nipy/exampelpkg", 1), ("Nipy/examplepkg", 1), ("nipy-examplepkg", 2), ("examplepkg", 2)],
)
def test_the_nearest_that_is_installed_is_named(
    command: str, typed: str, status: int, machine: Machine
) -> None:
    install(machine.own_root, relpath="nipy/examplepkg")
    install(machine.own_root, relpath="nipy/data")
    result = run(command, typed)
    assert result.exit_code == status
    assert "id you mean nipy/examplepkg" in result.output
    assert "id you mean" not in run(command, "other/thing").output
