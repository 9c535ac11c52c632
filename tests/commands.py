"""Run nipack as a person does, without waiting each time until Python has read its modules.

A server that has imported the command line forks for each command: a process with streams, a folder
and variables of its own, that runs `nipack.cli.main` and ends as that does.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_PRELOADED = ["tests.commands", "nipack.cli.app", "nipack.cli.build", "nipack.builder.flows.build"]
# Variables that Python reads when it starts, not when it runs.
_OF_PYTHON = ("PYTHON", "LC_", "LANG")


def run_nipack(
    *words: object, cwd: Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run nipack in a process of its own; return what it printed, and its status."""
    command = [sys.executable, "-m", "nipack", *map(str, words)]
    variables = {**os.environ, **(env or {})}
    if sys.platform == "win32" or any(name.startswith(_OF_PYTHON) for name in env or {}):
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdout", "stderr")]
        process = context.Process(target=_run, args=(command, cwd, variables, *streams))
        process.start()
        process.join()
        assert process.exitcode is not None
        said = [path.read_text("utf-8") for path in streams]
    return subprocess.CompletedProcess(command, process.exitcode, *said)


def _run(command: list[str], cwd: Path, variables: dict[str, str], out: Path, err: Path) -> None:
    """Become the command: this process was forked for it."""
    for number, path in enumerate((Path(os.devnull), out, err)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number, mode in enumerate(("r", "w", "w"))
    )
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(cwd)
    # As `python -m` has them.
    sys.argv[:] = [str(Path(sys.modules["nipack"].__path__[0]) / "__main__.py"), *command[3:]]

    from nipack.cli import main

    main()


# A process that is started by a large one begins with the peak of that; this one is small.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
"""


def peak_memory(*command: str) -> int:
    """Return the most memory that a command had, in bytes."""
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True
    )
    return int(measured.stdout)
