"""Killed at any call that writes, renames or syncs, a command leaves what was or what shall be.

Every file with a name of its own has all of its old bytes or all of the new ones, and the command,
run again, does its work and clears what was left.
"""

import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builder.samples import IMAGE
from tests.killed import Command, tree

pytestmark = [pytest.mark.slow(120), pytest.mark.tools("strace")]
log = logging.getLogger(__name__)
_NOTE = re.compile(r"cache/.*\.json")
Prepare = Callable[[Path], Command]


def source_in(folder: Path, version: str = "0.2") -> Path:
    """Write a small package with a definition."""
    data = folder / f"source-{version}" / "x"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.nii.gz").write_bytes(IMAGE)
    (data / "README.txt").write_text(f"data of {version}\n", "utf-8")
    (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    definition = {
        "name": "nipy-x",
        "relpath": "nipy/x",
        "version": version,
        "date": "2023-05-01",
        "license": "CC0-1.0",
        "redistribution": "verified",
        "summary": "brain data",
        "maintainer": {"name": "Ada", "email": "ada@example.org"},
        "source": {"address": "x"},
    }
    (data.parent / "package.yaml").write_text(json.dumps(definition), "utf-8")
    return data.parent


def beginning(folder: Path) -> Command:
    source = source_in(folder)
    (source / "package.yaml").unlink()
    return Command.of(folder, "init", source / "x", "--relpath", "nipy/x")


def raising(folder: Path) -> Command:
    return Command.of(folder, "bump", "minor", source_in(folder), "--date", "2024-02-29")


def linking(folder: Path) -> Command:
    """Link for a library that has one of the files already, as a placeholder."""
    prefix, files = folder / "prefix", {"a.txt": b"a", "deep/b.txt": b"b"}
    data = prefix / "share" / "nipy" / "templateflow" / "tpl-x"
    for name, content in {"config.ini": b"[DEFAULT]\nversion = 1.0\n", **files}.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    home = folder / "templateflow"
    (home / "tpl-x").mkdir(parents=True)
    (home / "tpl-x" / "a.txt").touch()
    where = {"NIPY_DATA_PATH": str(prefix / "share" / "nipy"), "TEMPLATEFLOW_HOME": str(home)}
    return Command.of(folder, "link", "templateflow", **where)


def unlinking(folder: Path) -> Command:
    command = linking(folder)
    done(command)
    return replace(command, words=("unlink", "templateflow"))


CASES = {
    "init": beginning,
    "bump": raising,
    "unlink": unlinking,
}


def done(command: Command) -> None:
    ended = command.run()
    assert ended.returncode == 0, ended.stdout + ended.stderr


def is_unfinished(path: str) -> bool:
    return path.startswith("temporary/") or "/.nipack-" in path


def seen(folder: Path) -> dict[str, object]:
    """Return what has a name of its own; notes of the cache are of times, so that their form is."""
    return {
        path: _compared(path, content)
        for path, content in tree(folder).items()
        if not is_unfinished(path)
    }


def _compared(path: str, content: bytes | str) -> object:
    if _NOTE.fullmatch(path):
        return type(json.loads(content))
    if path.endswith("/links.jsonl"):
        return set(content.splitlines())
    return content


def left(folder: Path) -> list[str]:
    """Return what has none, folders too, but for the file by which Python tries TMPDIR."""
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    tried = re.compile(r"temporary/[a-z0-9_]{8}")
    return [path for path in paths if is_unfinished(path) and not tried.fullmatch(path)]


class Trials:
    """A folder that is as it was before each trial."""

    def __init__(self, prepare: Prepare, top: Path) -> None:
        """Prepare it, and run the command once to see what it does."""
        self.folder, self._saved = top / "work", top / "saved"
        self.folder.mkdir()
        self.command = prepare(self.folder)
        shutil.copytree(self.folder, self._saved, symlinks=True)
        self.before = seen(self.folder)
        self.calls = list(self.command.calls())
        self.after = seen(self.folder)
        assert self.before != self.after
        assert left(self.folder) == []
        self.killed = 0

    def __iter__(self) -> Iterator[str]:
        """Kill the command at each of its calls; yield where, with what it left."""
        for call, number in self.calls:
            shutil.rmtree(self.folder)
            shutil.copytree(self._saved, self.folder, symlinks=True)
            # Which thread of several does what is not the same each time.
            if self.command.killed_at(call, number):
                self.killed += 1
                yield f"{call} {number}"
        assert self.killed > len(self.calls) / 2


@pytest.mark.parametrize("prepare", CASES.values(), ids=CASES.keys())
def test_killed_anywhere(prepare: Prepare, tmp_path: Path) -> None:
    trials = Trials(prepare, tmp_path)
    before, after = trials.before, trials.after
    wrong = []
    for place in trials:
        found = seen(trials.folder)
        wrong += [
            f"{place}: {path}: {found.get(path)!r:.80}"
            for path in found.keys() | before.keys() | after.keys()
            if found.get(path) not in (before.get(path), after.get(path))
        ]
        again = trials.command.run()
        # A bump that was done is followed by another.
        if found != after and seen(trials.folder) != after:
            wrong.append(f"{place}: run again: {again.stdout}{again.stderr}")
        if remains := left(trials.folder):
            wrong.append(f"{place}: left {remains}")
    assert wrong == [], f"{len(wrong)} faults, killed {trials.killed} times"
    log.info("killed %d times", trials.killed)
