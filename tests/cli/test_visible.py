"""What strangers' names and texts do to a terminal: nothing."""

import io
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from tests.machine import add_records, install

from nipack.cli.visible import (
    VisibleStream,
    exact,
    folded,
    make_output_visible,
    print_paths,
    print_text,
    visible,
    width_of,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names of POSIX")
# Clears the screen, sets the title, deletes, begins a C1 command, turns the text round.
TRICKS = "\x1b[2J\x1b]0;x\x07\x7f\x9b1m\u202egpj\r"
NIPACK = [sys.executable, "-m", "nipack"]
COMMANDS = (
    ["where", "nipy/templates"],
    ["where", "nipy/templates", "--explain"],
    ["where", "nipy/templates", "none"],
    ["where", "nipy/none"],
    ["list"],
    ["list", "--json"],
    ["list", "--cite"],
    ["verify"],
    ["verify", "--json"],
    ["doctor"],
    ["doctor", "nipy/none", "--json"],
    ["check", "ROOT/nipy"],
    ["build", "ROOT/nipy", "-o", "ROOT/out"],
    ["recipe", "ROOT/nipy"],
    ["init", "ROOT/nipy"],
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root whose every name has a terminal's commands in it."""
    root = tmp_path_factory.mktemp(f"a{TRICKS}".replace("/", "")) / "share" / "nipy"
    install(root)
    data = install(root, relpath=f"lab{TRICKS}/atlas{TRICKS}")
    (data / f"file{TRICKS}").touch()
    (data / "link").symlink_to(f"nowhere{TRICKS}")
    add_records(root.parent.parent, license=f"MIT{TRICKS}")
    (root / "nipy" / "templates" / f"extra{TRICKS}").touch()
    (root / "nipy" / "templates" / "link").symlink_to(f"nowhere{TRICKS}")
    return root


def shown(words: list[str], root: Path) -> tuple[bytes, bytes]:
    """Return what a command prints on stdout and stderr."""
    place = str(root)
    command = [sys.executable, "-m", "nipack", *(word.replace("ROOT", place) for word in words)]
    environment = {**os.environ, "NIPY_DATA_PATH": place}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode in (0, 1, 2), done.stderr
    assert b"bug in nipack" not in done.stderr
    return done.stdout, done.stderr


def commands_in(text: bytes) -> set[str]:
    plain = text.decode("utf-8")
    return {each for each in plain if each != "\n" and each != "\t" and visible(each) != each}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words).replace("/", "."))
@pytest.mark.slow
def test_no_name_gives_a_terminal_commands(root: Path, words: list[str]) -> None:
    stdout, stderr = shown(words, root)
    assert commands_in(stderr) == set()
    if words == COMMANDS[0]:
        # A program gets the path as it is.
        assert stdout.decode() == f"{root / 'nipy' / 'templates'}\n"
    else:
        assert commands_in(stdout) == set()
    if "--json" in words:
        json.loads(stdout)


def test_a_path_is_visible_to_a_person(root: Path) -> None:
    import pty

    process, terminal = pty.fork()
    if process == 0:
        variables = {**os.environ, "NIPY_DATA_PATH": str(root)}
        os.execve(sys.executable, [*NIPACK, "where", "nipy/templates"], variables)
    said = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    os.close(terminal)
    assert b"\x1b[2J" not in said
    assert rb"\x1b[2J" in said


def test_json_stays_json() -> None:
    text = json.dumps({"name": TRICKS})
    assert json.loads(visible(text)) == {"name": TRICKS}
    assert visible("größe \u8133\tx\n") == "größe \u8133\tx\n"


@pytest.mark.slow(1)
def test_names_that_are_not_utf_8_are_listed(tmp_path: Path) -> None:
    root = tmp_path / "share" / "nipy"
    install(root, relpath=os.fsdecode(b"nipy/templ\xe4tes"))
    for words in (["list"], ["verify"], ["doctor"], ["list", "--json"]):
        command = [sys.executable, "-m", "nipack", *words]
        environment = {**os.environ, "NIPY_DATA_PATH": str(root)}
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        assert b"templ" in done.stdout


class Terminal(io.StringIO):
    arrived = ""

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self.arrived = self.getvalue()


def test_lines_that_come_together_are_spelled_out() -> None:
    below = io.StringIO()
    stream = VisibleStream(below)
    stream.writelines(["a\x1b\n", "b\x7f\n"])
    assert below.getvalue() == "a\\x1b\nb\\u007f\n"
    assert exact(stream) is below  # type: ignore[arg-type]
    assert exact(below) is below
    assert stream.readable() is below.readable()


@pytest.mark.parametrize("below", [Terminal(), io.StringIO()])
def test_a_path_is_visible_to_a_person_and_exact_for_a_program(
    below: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", VisibleStream(below))
    print_paths(["/a\x1b", "/b"])
    assert getattr(below, "arrived", "/a\\x1b\n/b\n") == "/a\\x1b\n/b\n"
    assert below.getvalue() == ("/a\\x1b\n/b\n" if below.isatty() else "/a\x1b\n/b\n")


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "37")
    assert width_of(Terminal()) == 37
    assert width_of(io.StringIO()) is None


def test_a_line_goes_on_two_deeper_and_others_stay() -> None:
    text = "  one two three\nfour\n\nnipack get a long name"
    assert folded(text, 10) == "  one two\n    three\nfour\n\nnipack get a long name"
    assert folded("one two-three", 10) == "one\n  two-three"
    assert folded("exactly 10", 10) == "exactly 10"
    assert folded("a\tb  c\x0bd long-word-that-stays e", 9) == (
        "a\tb  c\x0bd\n  long-word-that-stays\n  e"
    )


@pytest.mark.parametrize(
    "command",
    [
        *("apt", "chmod", "conda", "curl", "dnf", "mkdir", "move", "mv", "nipack", "pip", "rm"),
        *("rmdir", "sudo", "tar", "uv", "zypper", "'/a b/python3.11'", '"C:\\a b\\python.exe"'),
        *('"/a b/python3"', "/usr/bin/python3.12", "C:\\python.exe", "python"),
    ],
)
def test_a_command_stays_in_one_line(command: str) -> None:
    text = f"  {command} what it is given"
    assert folded(text, 10) == text
    assert "\n" in folded(f"so {text}", 10)
    assert "\n" in folded(f"{command}x it is not", 10)


def test_what_a_terminal_takes_for_a_command_or_turns_text_round_is_spelled_out() -> None:
    for number in (*range(0x700), *range(0x2000, 0x2100), 0x10FFFF):
        letter = chr(number)
        command = unicodedata.category(letter) in ("Cc", "Zl", "Zp") and letter not in "\t\n"
        turned = unicodedata.bidirectional(letter) in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        }
        marked = letter in "\u061c\u200e\u200f"
        spelled = f"\\x{number:02x}" if number < 32 else f"\\u{number:04x}"
        expected = spelled if command or turned or marked else letter
        assert visible(f"a{letter}b") == f"a{expected}b"


def test_both_streams_are_made_visible_once(monkeypatch: pytest.MonkeyPatch) -> None:
    below = {name: io.StringIO() for name in ("stdout", "stderr")}
    for name, stream in below.items():
        monkeypatch.setattr(sys, name, stream)
    make_output_visible()
    made = [sys.stdout, sys.stderr]
    make_output_visible()
    assert [sys.stdout, sys.stderr] == made
    for name, stream in below.items():
        assert getattr(sys, name).write("a\x1b") == 2
        assert stream.getvalue() == "a\\x1b"
        assert exact(getattr(sys, name)) is stream


@pytest.mark.parametrize(("below", "said"), [(Terminal, "a\n  b\n"), (io.StringIO, "a b\n")])
def test_a_text_is_folded_only_for_a_terminal(
    below: type[io.StringIO], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "2")
    stream = below()
    monkeypatch.setattr("sys.stdout", stream)
    print_text("a b")
    assert stream.getvalue() == said
