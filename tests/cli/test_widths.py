"""What a command prints fits the terminal: lines end at words, and tables become records."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from tests.cli.test_terminal import NIPACK, Terminal
from tests.conftest import REPOSITORY
from tests.machine import install, write

from nipack.cli.console import plain_table, print_table
from nipack.cli.visible import folded
from nipack.cli.visible_console import VisibleConsole

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
COMMANDS = {
    "help": ["--help"],
    "where": ["where", "nipy/templates"],
    "explain": ["where", "nipy/templates", "--explain"],
    "explain what is there": ["where", "nipy/atlas7", "--explain"],
    "list": ["list", "--check"],
    "verify": ["verify"],
    "doctor": ["doctor"],
    "doctor of two": ["doctor", "nipy/templates", "nipy/atlas1"],
    "check": ["check", "bare data"],
    "build": ["build", "source", "bare data", "-o", "packages-of-this-laboratory"],
    "init": ["init", "bare data/templates", "-o", "new"],
    "bump": ["bump", "minor", "source", "--dry-run"],
    "diff": ["diff", "source", "newer"],
    "recipe": ["recipe", "source", "-o", "recipes", "--draft"],
    "publish": ["publish", "source", "site"],
    "link": ["link", "nilearn"],
    "env": ["env"],
    "get": ["get", "nipy-none"],
    "repository": ["repository", "list"],
    "a wrong word": ["link", "no-library"],
    "help of build": ["build", "--help"],
    "help of recipe": ["recipe", "--help"],
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path, with twenty packages of which one half hides the other."""
    with tempfile.TemporaryDirectory(prefix="n-", dir="/tmp") as name:
        top = Path(name)
        for number in range(10):
            for root in ("one", "another place"):
                data = install(top / root, f"0.{number}", f"nipy/atlas{number}")
                write(data / "T1.nii.gz", "not compressed")
        install(top / "bare data", relpath="templates")
        write(top / "bare data" / "templates" / "T1.nii.gz", "not compressed")
        shutil.copytree(EXAMPLE, top / "source")
        shutil.copytree(EXAMPLE, top / "newer")
        for file in ("package.yaml", "examplepkg/config.ini"):
            text = (top / "newer" / file).read_text("utf-8")
            (top / "newer" / file).write_text(text.replace("0.1", "0.2"), "utf-8")
        (top / "home").mkdir()
        yield top


def shown(words: list[str], place: Path, columns: int) -> list[str]:
    """Return the lines that a command shows in a terminal so wide, without its colours."""
    environment = {
        **os.environ,
        "HOME": str(place / "home"),
        "NIPY_DATA_PATH": f"{place}/one:{place}/another place:{place}/not there",
        "COLUMNS": str(columns),
        "LINES": "25",
    }
    start = [*NIPACK[:1], "-c", START, str(place), *words]
    terminal = Terminal(start, environment)
    terminal.end()
    assert "Traceback" not in terminal.shown
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.shown).replace("\r\n", "\n")
    # What a bar has drawn is gone when the line is written again.
    return [line.rpartition("\r")[2].rstrip() for line in text.splitlines()]


START = "import os, sys; os.chdir(sys.argv.pop(1)); from nipack.cli import main; main()"


@pytest.mark.slow(30)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_is_longer_than_the_terminal_and_no_word_is_broken(
    command: str, place: Path
) -> None:
    words = {}
    for columns in (80, 120, 2000):
        before = set(place.iterdir())
        lines = shown(COMMANDS[command], place, columns)
        # What a run has left would be another's news.
        for left in set(place.iterdir()) - before:
            shutil.rmtree(left)
        assert lines
        assert not [line for line in lines if len(line) > columns and " " in line.strip()]
        words[columns] = {word for line in lines for word in line.split()}
        assert len(lines) < 250, "what repeats is to be said once"
    # Records leave out the titles of what is empty.
    assert words[80] <= words[2000]
    assert words[120] <= words[2000]


def test_a_line_goes_on_deeper_and_a_command_and_a_path_stay_whole() -> None:
    assert folded("a few words of prose", 12) == "a few words\n  of prose"
    assert folded("  - one-two three four", 12) == "  - one-two\n    three\n    four"
    assert folded("x /a/path/that/is/long y", 12) == "x\n  /a/path/that/is/long\n  y"
    for command in (
        "  sudo apt install nipy-templates",
        "  '/opt/my env/bin/python' -m pip install nipy-templates",
        "conda install --prefix /opt/conda nipy-templates",
        "  curl -fsSL https://example.org/x.sources | sudo tee /etc/apt/sources.list.d/x.sources",
    ):
        assert folded(command, 12) == command


def test_what_marks_a_row_stands_before_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    narrow = VisibleConsole(file=screen, width=20, soft_wrap=True)
    monkeypatch.setattr("nipack.cli.console.console", lambda: narrow)
    table = plain_table("", "path", "found")
    table.add_row("*", "/a/long/path", "version 0.3")
    table.add_row("", "/another", "not there")
    print_table(table)
    assert screen.getvalue() == (
        "*  path   /a/long/path\n   found  version 0.3\n\n   path   /another\n   found  not there\n"
    )
