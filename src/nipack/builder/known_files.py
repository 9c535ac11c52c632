"""What is known of the files of a payload since they were last read, while nothing changes them.

It is kept in the cache, by the data directory's path.  A file is taken for the one that was read if
its size, the times of its last change, its mode, its inode and its device are the same, as git's
index does; the time that the system notes for each change of a file (ctime) is nobody's to set.
"""

import hashlib
import io
import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from nipack import __version__
from nipack.builder.rules import problem_at
from nipack.builder.source.download import cache_directory
from nipack.builder.source.notes import read_text_note, write_pieces
from nipack.lookup.json_text import json_value
from nipack.system.errors import Problem
from nipack.system.hashing import PackedDigests

log = logging.getLogger(__name__)

# Seconds: what was changed so shortly before it was read may have been changed once more, with no
# other time, where a file system counts in whole or in two seconds.
SETTLED = 3.0
_PIECE = 1000  # files that a line tells of
_MODES: dict[int, int] = {}  # so that equal ones are one number
# Only there is ctime the time of the last change.
_HAS_CHANGE_TIMES = os.name == "posix"


class State(NamedTuple):
    """What the system says of a file: its size in bytes, its mode, and what else a change changes.

    There is one for each file of a package, so it is small.
    """

    size: int
    mode: int
    stamp: str


def states_of(directory: Path, paths: Iterable[str]) -> dict[str, State]:
    """Return the state of each file and link below a directory."""
    top = f"{directory}/"
    return {path: _state(os.lstat(f"{top}{path}")) for path in paths}


@dataclass(slots=True)
class _Known:
    """What is known of one file in a state, and whether it was found in this run."""

    state: State
    digests: Mapping[str, str] | None = None
    problems: Sequence[Problem] | None = None
    is_new: bool = True


class KnownFiles:
    """What was read of the files of one data directory, in this run or in one before."""

    def __init__(self, place: Path | None = None, about: str = "") -> None:
        """Begin with what is in a file of the cache; with none, nothing is known or kept.

        `about` is what else the problems of a file depend on.
        """
        self._place, self._about = place, about
        self._began = time.time()
        self._known = _read(place, about) if place is not None else {}

    def digests(
        self, path: str, state: State, algorithms: Sequence[str]
    ) -> Mapping[str, str] | None:
        """Return a file's digests by algorithm, None where one of them is not known."""
        known = self._known.get(path)
        if known is None or known.state != state or known.digests is None:
            return None
        if tuple(algorithms) == tuple(known.digests):
            return known.digests
        if any(name not in known.digests for name in algorithms):
            return None
        return PackedDigests({name: known.digests[name] for name in algorithms})

    def problems(self, path: str, state: State) -> Sequence[Problem] | None:
        """Return what is wrong in a file, None where that is not known."""
        known = self._known.get(path)
        return known.problems if known is not None and known.state == state else None

    def add_digests(self, path: str, state: State, digests: Mapping[str, str]) -> None:
        """Take note of digests of what a file held, in a state from before it was read."""
        if known := self._of(path, state):
            known.digests = {**known.digests, **digests} if known.digests else digests

    def add_problems(self, path: str, state: State, problems: Sequence[Problem]) -> None:
        """Take note of what is wrong in a file, in a state from before it was read."""
        if known := self._of(path, state):
            known.problems = problems

    def _of(self, path: str, state: State) -> _Known | None:
        if self._place is None:
            return None
        known = self._known.get(path)
        if known is None or known.state != state:
            known = self._known[path] = _Known(state)
        known.is_new = True
        return known

    def keep(self, directory: Path) -> None:
        """Write what is known of files that nothing has changed since, where that can be."""
        if self._place is None or not any(known.is_new for known in self._known.values()):
            return
        write_pieces(self._place, _lines(self._about, self._settled(f"{directory}/")))

    def _settled(self, top: str) -> Iterator[tuple[str, _Known]]:
        for path, known in self._known.items():
            if not known.is_new or self._is_settled(top + path, known.state):
                yield path, known

    def _is_settled(self, path: str, state: State) -> bool:
        """Tell that a file is as it was before it was read, and was so for a while."""
        try:
            now = os.lstat(path)  # a Path takes its time
        except OSError:
            return False
        latest = max(now.st_mtime, now.st_ctime)
        return _state(now) == state and latest < self._began - SETTLED


def _lines(about: str, files: Iterable[tuple[str, _Known]]) -> Iterator[str]:
    """Yield what is known as lines of JSON, a thousand files each: in one piece it is large."""
    yield f"{json.dumps(about)}\n"
    rows = map(_row, files)
    while some := list(islice(rows, _PIECE)):
        yield f"{json.dumps(some)}\n"


def _row(file: tuple[str, _Known]) -> list[Any]:
    path, known = file
    problems = None if known.problems is None else [_words(each) for each in known.problems]
    return [path, *known.state, dict(known.digests or {}), problems]


def known_files_of(directory: Path, relpath: str) -> KnownFiles:
    """Return what is known of the files of a data directory, for this nipack and this nibabel."""
    if not _HAS_CHANGE_TIMES:
        return KnownFiles()
    try:
        nibabel = version("nibabel")
    except PackageNotFoundError:
        nibabel = "none"
    name = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()
    place = cache_directory() / "files" / f"{name}.json"
    return KnownFiles(place, f"{relpath}, nipack {__version__}, nibabel {nibabel}")


def _state(status: os.stat_result) -> State:
    mode = _MODES.setdefault(status.st_mode, status.st_mode)
    times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return State(status.st_size, mode, f"{times} {status.st_ino} {status.st_dev}")


def _words(problem: Problem) -> tuple[str, str, str, str]:
    """Return what a problem says; how severe it is, its rule says."""
    return problem.code, problem.where, problem.message, problem.remedy


def _read(place: Path, about: str) -> dict[str, _Known]:
    found: dict[str, _Known] = {}
    try:
        lines = io.BytesIO(read_text_note(place))
        if json_value(lines.readline() or b"{}") != about:
            return {}
        for line in lines:
            for path, size, mode, stamp, digests, problems in json_value(line):
                found[path] = _Known(
                    State(size, _MODES.setdefault(mode, mode), stamp),
                    PackedDigests(digests),
                    None if problems is None else tuple(problem_at(*words) for words in problems),
                    is_new=False,
                )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.info("%s: nothing is known from it: %s", place, error)
        return {}
    return found
