"""Run other programs: the one place where it happens."""

import logging
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nipack.build.errors import ToolError

log = logging.getLogger(__name__)

_LAST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, and the package that has it: what to install where it is missing."""

    name: str
    package: str


def run(
    program: Program,
    arguments: Sequence[str | Path],
    *,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    output: Path | None = None,
) -> str:
    """Run a program in a directory and return what it printed; `output` gets its stdout instead.

    Raises ToolError: it is missing, or it failed, with its last lines.
    """
    path = shutil.which(program.name)
    if path is None:
        raise ToolError(f"{program.name}: not found; install it: {program.package}")
    words = [path, *map(str, arguments)]
    log.debug("in %s: %s", directory, words)
    # Messages in the user's language could not be told apart by anybody who helps him.
    variables = os.environ | {"LC_ALL": "C.UTF-8"} | dict(environment or {})
    with (output or Path(os.devnull)).open("wb") as stdout:
        done = subprocess.run(
            words,
            cwd=directory,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stdout if output else subprocess.PIPE,
            stderr=subprocess.PIPE if output else subprocess.STDOUT,
        )
    printed = ((done.stderr if output else done.stdout) or b"").decode("utf-8", "backslashreplace")
    if done.returncode != 0:
        raise ToolError(_failure(program, arguments, done.returncode, printed))
    return printed


def _failure(program: Program, arguments: Sequence[str | Path], status: int, printed: str) -> str:
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()][-_LAST_LINES:]
    listed = "\n".join(f"  {line}" for line in lines) or "  (it printed nothing)"
    command = " ".join([program.name, *map(str, arguments)])
    reason = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
    return (
        f"{command}: {reason}; its last lines:\n{listed}\n"
        "  mend what they name; the recipe itself was written"
    )
