"""What a person sees in a terminal, and what Ctrl-C does there."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.machine import install, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
NIPACK = [sys.executable, "-m", "nipack"]
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A program in a terminal of its own: what is typed, and what is shown."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        import pty

        self.shown = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execve(sys.executable, words, {**environment, "TERM": "xterm"})

    def wait_for(self, seen: Callable[[str], bool], seconds: float = 30) -> str:
        """Read until something is shown, or the program has ended."""
        end = time.monotonic() + seconds
        while not seen(self.shown):
            if time.monotonic() > end:
                os.kill(self.process, signal.SIGKILL)
                raise AssertionError(self.shown)
            if not select.select([self.terminal], [], [], 0.2)[0]:
                continue
            try:
                self.shown += os.read(self.terminal, 65536).decode("utf-8", "replace")
            except OSError:  # EIO: the other end is closed
                break
        return self.shown

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def end(self) -> int:
        """Return the exit status; what is shown until then is read."""
        self.wait_for(lambda shown: False)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root whose data takes longer to read than anybody waits."""
    root = tmp_path / "share" / "nipy"
    data = install(root)
    with (data / "large.nii").open("wb") as large:
        large.truncate(60 << 30)
    names = ("config.ini", "large.nii")
    lines = [f"{'0' * 64}  share/nipy/nipy/templates/{name}\n" for name in names]
    records = tmp_path / "share" / "nipack" / "nipy-templates"
    write(records / "SHA256SUMS", "".join(lines))
    write(records / "package.json", json.dumps({"relpath": "nipy/templates"}))
    return root


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "NIPY_DATA_PATH": str(root), "COLUMNS": "80", "LINES": "25"}


@pytest.mark.parametrize(
    "command", [["verify"], pytest.param(["list", "--check"], marks=pytest.mark.slow)]
)
def test_ctrl_c_ends_at_once_and_leaves_the_terminal_as_it_was(
    root: Path, command: list[str]
) -> None:
    terminal = Terminal([*NIPACK, *command], environment(root))
    bar = command[0] == "verify"
    if bar:
        terminal.wait_for(lambda shown: "GB" in shown)
    else:
        time.sleep(2)
    terminal.type("\x03")
    assert terminal.end() == 130  # long before the data could be read
    assert terminal.shown.count(HIDE_CURSOR) == terminal.shown.count(SHOW_CURSOR) == int(bar)
    assert terminal.shown.rindex("error: ") > terminal.shown.rfind(SHOW_CURSOR)
    assert terminal.shown.endswith("interrupted\r\n")
    assert "Traceback" not in terminal.shown
    assert "Aborted" not in terminal.shown


@pytest.mark.slow(1)
def test_ctrl_c_at_a_question_writes_nothing(tmp_path: Path) -> None:
    data = install(tmp_path / "mine")
    variables = {**environment(data), "HOME": str(tmp_path / "home")}
    terminal = Terminal([*NIPACK, "doctor", "nipy/templates", "--fix"], variables)
    terminal.wait_for(lambda shown: "[y/N]" in shown)
    time.sleep(0.5)  # Python's readline loses a signal that comes before it waits for a key.
    terminal.type("\x03")
    assert terminal.end() == 130
    assert terminal.shown.endswith("interrupted\r\n")
    assert not (tmp_path / "home").exists()


def test_a_question_that_nobody_answers_is_a_no(tmp_path: Path) -> None:
    data = install(tmp_path / "mine")
    done = subprocess.run(
        [*NIPACK, "doctor", "nipy/templates", "--fix"],
        env={**environment(data), "HOME": str(tmp_path / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("there is no terminal to ask on; nothing was done\n")
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_the_bar_is_on_stderr_alone_and_gone_at_the_end(root: Path) -> None:
    import pty

    large = root / "nipy/templates/large.nii"
    os.truncate(large, 1 << 28)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*NIPACK, "verify"],
        env={**environment(root), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = ""
    while True:
        try:
            shown += os.read(ours, 65536).decode()
        except OSError:
            break
    os.close(ours)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "\x1b" not in printed
    assert printed.splitlines()[1:] == [
        "  config.ini: changed (its sha256 differs)",
        "  large.nii: changed (its sha256 differs)",
    ]
    assert "verify" in shown
    assert "268.4" in shown
    # The last that is written erases the bar and shows the cursor.
    assert shown.endswith("\x1b[2K") or SHOW_CURSOR in shown[shown.rindex("verify") :]


@pytest.mark.slow(1)
@pytest.mark.parametrize("words", [["verify"], ["verify", "--json"], ["verify", "--quiet"]])
def test_without_a_terminal_there_is_no_bar(root: Path, words: list[str]) -> None:
    os.truncate(root / "nipy/templates/large.nii", 1 << 20)
    done = subprocess.run([*NIPACK, *words], env=environment(root), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\x1b" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_program_says_so_in_json(root: Path, number: int) -> None:
    process = subprocess.Popen(
        [*NIPACK, "verify", "--json"],
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2)
    process.send_signal(number)
    printed, said = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert said == ""
    if number == signal.SIGINT:
        assert json.loads(printed) == {"errors": ["interrupted"]}
