"""`nipack where`, in a shell script and for a person."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.commands import run_nipack
from tests.machine import Machine, install, make_machine, write

from nipack.cli.app import nipack


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nipack, ["where", *arguments])


@pytest.mark.slow(1)
def test_the_path_alone_for_shell_scripts(tmp_path: Path) -> None:
    root = tmp_path / "with a space"
    data = install(root)
    image = write(data / "ICBM152/2mm/T1.nii.gz", "")
    script = (
        f'"{sys.executable}" -m nipack where nipy/templates &&'
        f' test -f "$("{sys.executable}" -m nipack where nipy/templates ICBM152/2mm/T1.nii.gz)"'
    )
    environment = {**os.environ, "NIPY_DATA_PATH": str(root)}
    said = subprocess.check_output(["sh", "-c", script], env=environment, text=True)
    assert said == f"{data}\n"
    said = run_in(environment, "where", "nipy/templates", "config.ini", "ICBM152/2mm/T1.nii.gz")
    assert said == f"{data / 'config.ini'}\n{image}\n"


def run_in(environment: dict[str, str], *arguments: str) -> str:
    done = run_nipack(*arguments, cwd=Path.cwd(), env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_that_is_not_there(machine: Machine) -> None:
    data = install(machine.own_root)
    write(data / "ICBM152/2mm/T1.nii.gz", "")
    result = run("nipy/templates", "ICBM152/2mm/t1.nii.gz", "config.ini", "unlike")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"error: ICBM152/2mm/t1.nii.gz is not in {data}; did you mean ICBM152/2mm/T1.nii.gz?",
        f"error: unlike is not in {data}; to see what is: ls -R {data}",
    ]
    result = run("nipy/templates", "unlike", "--json")
    document = json.loads(result.stdout)
    assert document["missing"] == [str(data / "unlike")]
    assert "unlike is not in" in document["errors"][0]
    assert (result.exit_code, result.stderr) == (1, "")


def test_data_that_is_too_old_is_an_error(machine: Machine) -> None:
    install(machine.own_root, "0.2")
    assert run("nipy/templates").exit_code == 0
    result = run("nipy/templates", "--min-version", "0.3")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "0.2 is installed, but 0.3 or newer is needed" in result.stderr


def test_a_minimum_that_is_no_version(machine: Machine) -> None:
    result = run("nipy/templates", "--min-version", "new")
    assert result.exit_code == 2
    assert "'min version' must be a version" in result.stderr


def test_the_whole_search_is_a_table(machine: Machine) -> None:
    install(machine.own_root)
    install(machine.home / ".nipy", "0.4")
    write(machine.etc / "bad.ini", "path = /x\n")
    result = run("nipy/templates", "--explain")
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in machine.short(result.stdout).splitlines()]
    chosen = "T/prefix/share/nipy/nipy/templates"
    assert lines == [
        f"nipy/templates 0.3 is in {chosen}",
        "",
        "path found because of",
        f"* {chosen} version 0.3 sys.prefix",
        f"T/home/.nipy/nipy/templates version 0.4, hidden by {chosen} user directory",
        "",
        "Skipped:",
        "T/etc/nipy/bad.ini:1: no section; write [DATA] on a line above this one",
        "",
        "Unmodified nibabel differs:",
        "T/etc/nipy/bad.ini:1: it stops with MissingSectionHeaderError",
        "for the same as nipack's: fix T/etc/nipy/bad.ini:1",
    ]


def test_the_whole_search_as_json(machine: Machine) -> None:
    data = install(machine.own_root)
    document = json.loads(run("nipy/templates", "--explain", "--json").stdout)
    assert document["chosen"] == str(data)
    assert [each["status"] for each in document["tried"]] == ["chosen", "absent"]
    result = run("nipy/data", "--explain", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["chosen"] is None


def test_an_explanation_takes_no_file(machine: Machine) -> None:
    assert run("nipy/templates", "T1.nii", "--explain").exit_code == 2


def test_a_malformed_ini_is_told_once(machine: Machine) -> None:
    ini = write(machine.home / ".nipy" / "config.ini", "path = /x\n")
    result = run("nipy/templates")
    assert result.exit_code == 1
    assert f"Skipped:\n  {ini}:1: no section" in result.stderr
    assert "warning" not in result.stderr.lower()
    data = install(machine.own_root)
    for words in (["nipy/templates"], ["nipy/templates", "--min-version", "0.1"]):
        result = run(*words)
        assert result.stdout == f"{data}\n"
        [line] = result.stderr.splitlines()
        assert line.startswith(f"warning: skipped {ini}:1: no section")


def test_a_newer_copy_that_is_hidden_is_told_on_stderr(machine: Machine) -> None:
    data = install(machine.own_root, "0.3")
    newer = install(machine.home / ".nipy", "0.10")
    result = run("nipy/templates")
    assert (result.exit_code, result.stdout) == (0, f"{data}\n")
    assert result.stderr == (
        f"warning: {data} hides a newer copy, version 0.10 in {newer}; remove one\n"
    )
    install(machine.home / ".nipy", "0.2")
    assert run("nipy/templates").stderr == ""
