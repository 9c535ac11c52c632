"""Other programs are run, read, quoted where they fail, and ended where nipack has to end."""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nipack.system.errors import ToolError
from nipack.system.programs import Program, run

SHELL = Program(name="sh", package="apt install dash")


def test_what_it_prints_is_returned_in_its_order(tmp_path: Path) -> None:
    assert (
        run(SHELL, ["-c", "echo 1; echo 2 >&2; pwd"], directory=tmp_path) == f"1\n2\n{tmp_path}\n"
    )


def test_what_it_prints_is_in_one_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run(SHELL, ["-c", "echo $LC_ALL"], directory=tmp_path) == "C.UTF-8\n"


def test_stdout_goes_where_it_is_wanted(tmp_path: Path) -> None:
    target = tmp_path / "out"
    said = run(SHELL, ["-c", "echo 1; echo 2 >&2"], directory=tmp_path, output=target)
    assert (said, target.read_bytes()) == ("2\n", b"1\n")


@pytest.mark.slow(1)
def test_each_line_is_logged_while_it_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    run(SHELL, ["-c", "echo one; sleep 0.3; echo two"], directory=tmp_path)
    one, two = (each for each in caplog.records if each.getMessage().startswith("sh: "))
    assert (one.getMessage(), two.getMessage()) == ("sh: one", "sh: two")
    assert two.created - one.created > 0.2


def test_a_failure_quotes_the_last_lines_only(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run(SHELL, ["-c", "seq 100; exit 3"], directory=tmp_path)
    first, *quoted, remedy = str(caught.value).splitlines()
    assert first == "sh -c seq 100; exit 3: ended with status 3; its last lines:"
    assert quoted == [f"  {number}" for number in range(61, 101)]
    assert remedy == "  fix what they name; the recipe itself was written"


def test_a_program_that_is_no_file_on_the_path_is_started_in_its_own_way(tmp_path: Path) -> None:
    start = (sys.executable, "-c", "import sys; sys.exit(' '.join(sys.argv[1:]))")
    program = Program(name="speaker", package="pip install speaker", start=start)
    with pytest.raises(ToolError, match=r"(?s)^speaker a b: ended with status 1;.*\n  a b\n"):
        run(program, ["a", "b"], directory=tmp_path)


# A shell lets what it starts in the background ignore SIGINT, these tests among it.
INTERRUPTIBLE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from nipack.cli import main
main()
"""


def test_a_password_in_an_address_is_not_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    words = ["-c", "exit 3", "--channel=https://ada:secret@example.org/channel"]
    with pytest.raises(ToolError) as caught:
        run(SHELL, words, directory=tmp_path)
    assert "--channel=https://example.org/channel: ended with" in str(caught.value)
    assert "--channel=https://example.org/channel" in caplog.text
    assert "secret" not in f"{caught.value} {caplog.text}"


def test_an_interruption_is_not_hidden_by_a_program_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = subprocess.Popen.wait

    def interrupted(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        monkeypatch.undo()
        wait(process, timeout)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(SHELL, ["-c", "exit 0"], directory=tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_a_program_whose_start_is_interrupted_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal comes when the program runs, and nobody knows of it yet."""
    started = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self.pid)
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(SHELL, ["-c", "exec sleep 60"], directory=tmp_path)
    signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.slow
def test_an_interruption_ends_all_that_a_builder_has_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    fake, noted, held = tmp_path / "rpmbuild", tmp_path / "started", tmp_path / "held"
    script = f"trap '' INT\nexec 3> {held}\nsleep 60 &\necho > {noted}\nwait\n"
    fake.write_text(f"#!/bin/sh\n{script}", "utf-8")
    fake.chmod(0o755)
    os.mkfifo(held)
    holders = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    example = Path(__file__).resolve().parents[2] / "recipes" / "nipy-examplepkg"
    words = ["recipe", str(example), "-f", "rpm", "--build", "-o", "r", "--dist", "dist"]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *words],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not noted.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
    # The pipe ends with the last process that has it open.
    select.select([holders], [], [], 60)
    assert os.read(holders, 1) == b""
    os.close(holders)
    assert not (tmp_path / "dist").exists()
