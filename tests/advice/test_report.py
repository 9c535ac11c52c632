"""The words for a search: a terminal's width, and commands that fit what is meant."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.machine import Machine, install, make_machine, write

import nipack
from nipack.advice.report import failure
from nipack.cli.app import nipack as command_line
from nipack.data import DataError, datasource_or_bomber, make_datasource


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command_line, arguments)


def tried(root: str) -> str:
    found = nipack.explain("nipy/templates", data_path=[root, "/b"])
    return failure(found).partition("in this order:\n")[2].partition("\n\n")[0]


def test_a_table_is_no_wider_than_a_terminal(machine: Machine) -> None:
    fits = "/" + "a" * 38
    assert tried(fits) == (
        f"  {fits}/nipy/templates  not there  [data_path]\n"
        f"  /b/nipy/templates{' ' * 37}  not there  [data_path]"
    )
    assert max(map(len, tried(fits).splitlines())) == 80
    assert tried(f"{fits}a") == (
        f"  {fits}a/nipy/templates\n"
        "    not there  [data_path]\n"
        "  /b/nipy/templates\n"
        "    not there  [data_path]"
    )


@pytest.mark.parametrize("command", ["where", "doctor", "verify"])
def test_nothing_is_installed_for_what_is_mistyped(command: str, machine: Machine) -> None:
    install(machine.own_root, relpath="nipy/examplepkg")
    said = run(command, "nipy/exampelpkg").output
    assert "Did you mean nipy/examplepkg, which is installed?" in said
    assert "No package manager" not in said
    assert "NIPY_DATA_PATH" not in said
    assert "No package manager here" in run(command, "nipy/templates").output


def test_what_a_program_asks_for_by_its_name_is_not_mistyped(machine: Machine) -> None:
    install(machine.own_root, relpath="nipy/data2")
    bomber = datasource_or_bomber({"relpath": "nipy/data", "name": "nipy-data"})
    assert "known to have nipy-data:" in str(bomber.msg)  # type: ignore[union-attr]


def test_doctor_says_what_is_near_once(machine: Machine) -> None:
    data = install(machine.base / "share/nipy")
    result = run("doctor", "nipy/templates")
    assert result.stdout.count(f"  {data}\n") == 1
    assert result.stdout.count("--fix") == 1
    # Where there is data to use, it is nobody's business what else lies about.
    install(machine.own_root)
    assert str(data) not in run("doctor", "nipy/templates").stdout
    write(machine.etc / "bad.ini", "nonsense")
    assert "bad.ini:1" in run("doctor", "nipy/templates").stdout


def test_a_directory_that_cannot_be_looked_into_may_hold_the_data(machine: Machine) -> None:
    (machine.own_root / "nipy").mkdir(parents=True)
    (machine.own_root / "nipy/templates").symlink_to("templates")
    with pytest.raises(DataError) as error:
        make_datasource({"relpath": "nipy/templates"})
    first = str(error.value).splitlines()[0]
    assert first.startswith(f"nipy/templates may be in {machine.own_root}/nipy/templates, which")
