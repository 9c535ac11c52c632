"""What strangers' names and texts do to a terminal: nothing."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.machine import add_records, install

from nipack.cli.visible import VisibleStream, exact, folded, print_paths, visible, width_of

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
    def isatty(self) -> bool:
        return True


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
