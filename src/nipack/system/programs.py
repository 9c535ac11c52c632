"""Run other programs: the one place where it happens."""

import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nipack.system.address import public_address
from nipack.system.errors import ToolError
from nipack.system.interruption import held_back

log = logging.getLogger(__name__)

# Enough for the reason to be among them where conda-build ends with a long traceback of its own.
_LAST_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, and the package that has it: what to install where it is missing.

    `start` is what starts one that is no file on the PATH.
    """

    name: str
    package: str
    start: tuple[str, ...] = ()


def run(
    program: Program,
    arguments: Sequence[str | Path],
    *,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    output: Path | None = None,
    seconds: float | None = None,
) -> str:
    """Run a program in a directory and return what it printed; `output` gets its stdout instead.

    Raises ToolError: it is missing, took more than so many seconds, or failed, with its last lines.
    """
    words = [*_start(program), *map(str, arguments)]
    log.debug("in %s: %s", directory, [public_address(word) for word in words])
    # Messages in the user's language could not be told apart by anybody who helps him.
    variables = os.environ | {"LC_ALL": "C.UTF-8"} | dict(environment or {})
    process: subprocess.Popen[bytes] | None = None
    with (output or Path(os.devnull)).open("wb") as stdout:
        try:
            # Between its start and the next line, nothing would know which program to end.
            with held_back():
                process = subprocess.Popen(
                    words,
                    cwd=directory,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout if output else subprocess.PIPE,
                    stderr=subprocess.PIPE if output else subprocess.STDOUT,
                    start_new_session=True,
                )
            with _time_limit(process, seconds):
                printed = _printed(program, process)
        except BaseException:
            if process is not None:
                _end(process)
            raise
    if process.returncode != 0:
        raise ToolError(_failure(program, arguments, process.returncode, printed))
    return printed


def require(programs: Sequence[Program]) -> None:
    """Raise ToolError that names every program which is missing, and what to install."""
    missing = [each for each in programs if not each.start and shutil.which(each.name) is None]
    if missing:
        raise ToolError("\n".join(map(_missing, missing)))


def _missing(program: Program) -> str:
    return f"{program.name}: not found; install it: {program.package}"


def _start(program: Program) -> tuple[str, ...]:
    path = shutil.which(program.name)
    if path is None and not program.start:
        raise ToolError(_missing(program))
    return program.start or (str(path),)


def _printed(program: Program, process: subprocess.Popen[bytes]) -> str:
    """Return what a program prints, each line logged at once."""
    stream, lines = process.stdout or process.stderr, []
    assert stream is not None, "one of the two is a pipe"
    with stream:
        for line in stream:
            lines.append(line.decode("utf-8", "backslashreplace"))
            log.debug("%s: %s", program.name, lines[-1].rstrip())
    process.wait()
    return "".join(lines)


@contextmanager
def _time_limit(process: subprocess.Popen[bytes], seconds: float | None) -> Iterator[None]:
    """End a program that takes more than so many seconds."""
    timer = threading.Timer(seconds or 0, _kill, [process])
    if seconds is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it has started, which would write into folders that are gone."""
    _kill(process)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    # It may have ended by itself just now; macOS says then that it may not be ended.
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _failure(program: Program, arguments: Sequence[str | Path], status: int, printed: str) -> str:
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()][-_LAST_LINES:]
    listed = "\n".join(f"  {line}" for line in lines) or "  (it printed nothing)"
    command = " ".join([program.name, *(public_address(str(each)) for each in arguments)])
    reason = f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}"
    return (
        f"{command}: {reason}; its last lines:\n{listed}\n"
        "  fix what they name; the recipe itself was written"
    )
