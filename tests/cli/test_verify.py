"""`nipack verify`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.machine import Machine, add_records, install, make_machine

from nipack.cli.app import nipack


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nipack, ["verify", *arguments])


def test_intact_damaged_and_not_checked(machine: Machine) -> None:
    assert run().output == "no data package is installed: nothing to check\n"
    data = install(machine.own_root)
    result = run()
    assert result.exit_code == 0
    assert "nipy/templates: not checked; it has no SHA256SUMS" in result.stdout
    assert run("nipy/templates").exit_code == 1
    add_records(machine.prefix)
    result = run("nipy/templates")
    assert (result.exit_code, result.stdout) == (
        0,
        f"nipy/templates 0.3 in {data}: intact to the byte (1 files, 24 bytes)\n",
    )
    assert run("nipy/templates", "--quiet").output == ""
    (data / "extra").touch()
    result = run("--quiet", "--quick")
    assert result.exit_code == 1
    assert result.stdout == (f"nipy/templates 0.3 in {data}: damaged (1 extra)\n  extra: extra\n")
    (data / "config.ini").unlink()
    assert "templates: damaged (1 of 1 files, 1 extra)\n" in run("--quick").stdout
    (data / "config.ini").write_text("[DEFAULT]\nversion = 0.3\n", "utf-8")
    [document] = json.loads(run("--json").stdout)
    assert (document["state"], document["problems"][0]["damage"]) == ("damaged", "extra")


def test_data_that_is_not_there(machine: Machine) -> None:
    result = run("nipy/templates")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: nipy/templates is not installed")


def test_a_manifest_of_choice(machine: Machine) -> None:
    install(machine.own_root)
    sums = add_records(machine.prefix).rename(machine.directory / "kept") / "SHA256SUMS"
    assert run("nipy/templates").exit_code == 1
    assert run("nipy/templates", "--manifest", str(sums)).exit_code == 0
    result = run("nipy/templates", "--manifest", str(machine.directory / "none"))
    assert result.exit_code == 1
    assert "none: cannot be read (No such file or directory); name another" in result.stderr
