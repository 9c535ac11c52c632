"""The group of all commands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nipack import __version__
from nipack.cli.app import nipack
from nipack.cli.console import size_text


def test_help_and_version() -> None:
    runner = CliRunner()
    assert runner.invoke(nipack, ["--version"]).stdout == f"nipack, version {__version__}\n"
    for words in (["--help"], ["-h"]):
        result = runner.invoke(nipack, words)
        assert result.exit_code == 0
        assert "build" in result.stdout
        assert "where" in result.stdout
    for command in nipack.commands:
        result = runner.invoke(nipack, [command, "--help"])
        assert result.exit_code == 0
        assert f"nipack {command}" in result.stdout
        assert "Examples:" in result.stdout


def test_no_summary_is_cut() -> None:
    groups = [nipack, *(each for each in nipack.commands.values() if hasattr(each, "commands"))]
    assert len(groups) > 1
    for group in groups:
        words = [] if group is nipack else [group.name or ""]
        assert (
            "...\n" not in CliRunner().invoke(nipack, [*words, "--help"]).stdout.partition("\n")[2]
        )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = CliRunner().invoke(nipack, ["completion", shell])
    assert result.exit_code == 0
    assert "_NIPACK_COMPLETE" in result.stdout


def test_formats_are_completed() -> None:
    result = CliRunner().invoke(
        nipack,
        env={
            "_NIPACK_COMPLETE": "bash_complete",
            "COMP_WORDS": "nipack build --format c",
            "COMP_CWORD": "3",
        },
        prog_name="nipack",
    )
    assert result.stdout.split() == ["plain,conda"]


def test_without_the_builder_s_libraries_it_says_how_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text(
        "raise ModuleNotFoundError('No module named click', name='click')\n", "utf-8"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.executable = '/my env/python'\n"
        "sys.argv[1:] = ['build']; import nipack.cli as c; c.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "nipack: where, list, verify, doctor, link, unlink and env work as they are; "
        "build needs the tool, nipack-build (there is no click); install it from a checkout of "
        "nipack, in its folder: "
        "'/my env/python' -m pip install ./nipack-build\n"
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_066_886, "1.1 MB"),
        (497_000_000_000, "497.0 GB"),
        (4_970_000_000_000, "4970.0 GB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["where", "nipy/none"], 1, "nipy/none is not installed"),
        (["where", "none"], 2, "a relpath is umbrella/directory"),
        (["verify", "nipy/none"], 1, "nipy/none is not installed"),
        (["verify", "./none"], 1, "is not a directory"),
        (["init", "none"], 1, "none"),
        (["recipe", "none"], 1, "none"),
        (["bump", "minor", "none"], 1, "none"),
        (["bump", "none"], 2, "Invalid value"),
        (["check", "none"], 1, "none"),
        (["doctor", "--fix"], 2, "--json"),
    ],
)
def test_with_json_a_failure_is_json_too(words: list[str], status: int, said: str) -> None:
    result = CliRunner().invoke(nipack, [*words, "--json"])
    assert (result.exit_code, result.stderr) == (status, "")
    document = json.loads(result.stdout)
    assert said in str(document.get("errors") or document["problems"])


def test_a_bug_is_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nipack.list_packages", lambda **options: 1 / 0, raising=False)
    result = CliRunner().invoke(nipack, ["list", "--json"])
    assert result.exit_code == 70
    [error] = json.loads(result.stdout)["errors"]
    assert "this is a bug in nipack" in error
    result = CliRunner().invoke(nipack, ["where", "nipy/none", "--", "--json"])
    assert (result.stdout, result.exit_code) == ("", 1)


def test_no_line_of_the_help_is_cut() -> None:
    result = CliRunner().invoke(nipack, ["--help"], terminal_width=80)
    assert "Use data:" in result.stdout
    assert "..." not in result.stdout.partition("Use data:")[2]
    assert CliRunner().invoke(nipack, ["-V"]).stdout == f"nipack, version {__version__}\n"


def test_yes_is_for_fix() -> None:
    result = CliRunner().invoke(nipack, ["doctor", "--yes"])
    assert result.exit_code == 2
    assert "--yes only makes sense with --fix" in result.stderr


def test_every_command_is_below_whom_it_is_for() -> None:
    result = CliRunner().invoke(nipack, ["--help"])
    assert re.search(r"\nUse data:\n  where  .*\n(  .*\n)*\nMake data:\n  init  ", result.stdout)
    listed = re.findall(r"^  ([a-z]+)  ", result.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(nipack.commands)
