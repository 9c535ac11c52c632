"""A small conda channel for the tests, made of what is installed in their own environment.

Real are the files of each package: those of its wheel, as pip unpacked them here, with the version,
the requirements and the commands that its metadata states.  Real are the tools too: rattler-build
assembles each .conda, py-rattler indexes the channel.

What stands in: `python` is links to the interpreter that runs the tests, and a pyvenv.cfg that
makes the conda environment its `sys.prefix`; its version is the true one.
"""

import platform
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import rattler
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler_build import FileEntry, assemble_package
from tests.acceptance.systems import run

# conda's names of what is named otherwise where pip installs from.
CONDA_NAMES = {"isal": "python-isal"}

_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_HERE = str(rattler.Subdir.current())
_INDEX = """
import asyncio, os, sys
from rattler.index import index_fs
asyncio.run(index_fs(sys.argv[1], force=True))
os._exit(0)  # its threads outlive it
"""
# It is Python for the shell, and takes the interpreter that lies beside it.
_COMMAND = """#!/bin/sh
'''exec' "$(dirname "$0")/python" "$0" "$@"
' '''
import sys
from {module} import {name}
sys.exit({attribute}())
"""


def make_channel(directory: Path, names: Iterable[str]) -> Path:
    """Make a channel of Python, the named distributions and all that they require."""
    for subdir in ("noarch", _HERE):
        (directory / subdir).mkdir(parents=True)
    _add_python(directory)
    for distribution in _with_requirements(names):
        _add(directory, distribution)
    run(sys.executable, "-c", _INDEX, directory)
    return directory


def _add_python(channel: Path) -> None:
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    with TemporaryDirectory() as name:
        stage = Path(name)
        (stage / "bin").mkdir()
        for command in ("python", "python3", _PYTHON):
            (stage / "bin" / command).symlink_to(interpreter)
        (stage / "pyvenv.cfg").write_text(
            f"home = {interpreter.parent}\ninclude-system-site-packages = false\n", "utf-8"
        )
        assemble_package(
            "python",
            platform.python_version(),
            _HERE,
            "0",
            channel / _HERE,
            files_dir=stage,
            compression_level=1,
        )


def _with_requirements(names: Iterable[str]) -> list[metadata.Distribution]:
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found[name] = metadata.distribution(name)
            waiting += [each.name for each in _requirements(found[name])]
    return list(found.values())


def _requirements(distribution: metadata.Distribution) -> list[Requirement]:
    every = map(Requirement, distribution.requires or [])
    return [each for each in every if each.marker is None or each.marker.evaluate({"extra": ""})]


def _add(channel: Path, distribution: metadata.Distribution) -> None:
    pure = "Root-Is-Purelib: true" in (distribution.read_text("WHEEL") or "")
    subdir, python = (
        ("noarch", "python") if pure else (_HERE, f"python {platform.python_version()}")
    )
    required = _requirements(distribution)
    with TemporaryDirectory() as stage:
        assemble_package(
            _conda_name(distribution.name),
            distribution.version,
            subdir,
            "0",
            channel / subdir,
            files=[*_files(distribution, pure), *_commands(distribution, pure, Path(stage))],
            depends=[python, *(f"{_conda_name(r.name)} {r.specifier}".strip() for r in required)],
            noarch="python" if pure else None,
            compression_level=1,
        )


def _conda_name(name: str) -> str:
    name = canonicalize_name(name)
    return CONDA_NAMES.get(name, name)


def _files(distribution: metadata.Distribution, pure: bool) -> Iterator[FileEntry]:
    top = "site-packages" if pure else f"lib/{_PYTHON}/site-packages"
    for path in distribution.files or []:
        # Commands lie outside, and what Python compiled has other times.
        if not {"..", "__pycache__"} & set(path.parts):
            yield FileEntry.from_paths(str(distribution.locate_file(path)), f"{top}/{path}")


def _commands(distribution: metadata.Distribution, pure: bool, stage: Path) -> Iterator[FileEntry]:
    for each in distribution.entry_points.select(group="console_scripts"):
        script = stage / each.name
        name = each.attr.partition(".")[0]
        text = _COMMAND.format(module=each.module, name=name, attribute=each.attr)
        script.write_text(text, "utf-8")
        script.chmod(0o755)
        yield FileEntry.from_paths(script, f"{'python-scripts' if pure else 'bin'}/{each.name}")
