"""A signal ends the program once, without a traceback, wherever it comes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import nipack.cli
number = signal.Signals[sys.argv.pop()]

class Cleared:
    def __del__(self):
        signal.raise_signal(number)

def in_a_destructor():
    Cleared()
    time.sleep(30)

def while_it_ends():
    try:
        signal.raise_signal(number)
        time.sleep(30)
    finally:
        signal.raise_signal(number)
        print("cleared away")

def at_the_end_of_python():
    import atexit
    atexit.register(signal.raise_signal, number)

def swallowed():
    try:
        signal.raise_signal(number)
    except BaseException:
        time.sleep(2.1)
        signal.raise_signal(number)

nipack.cli._run = globals()[sys.argv.pop()]
nipack.cli.main()
"""
STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


def run(case: str, name: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", PROGRAM, case, name]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", STATUS)
def test_a_signal_that_python_drops_is_heard_again(name: str) -> None:
    done = run("in_a_destructor", name)
    assert (done.returncode, done.stderr) == (STATUS[name], "")


@pytest.mark.parametrize("name", STATUS)
def test_a_second_signal_does_not_disturb_the_end(name: str) -> None:
    done = run("while_it_ends", name)
    assert (done.returncode, done.stdout, done.stderr) == (STATUS[name], "cleared away\n", "")


def test_a_signal_while_python_ends_has_no_traceback() -> None:
    done = run("at_the_end_of_python", "SIGINT")
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.slow
def test_one_that_comes_late_is_meant_again() -> None:
    done = run("swallowed", "SIGTERM")
    assert (done.returncode, done.stderr) == (STATUS["SIGTERM"], "")


def test_what_is_ignored_stays_so(tmp_path: Path) -> None:
    """As nohup has it."""
    program = "import signal; from nipack.cli import main; main()"
    done = subprocess.run(
        ["sh", "-c", f'trap "" HUP INT; exec {sys.executable} -c "$0" list', program],
        env={**os.environ, "NIPY_DATA_PATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
