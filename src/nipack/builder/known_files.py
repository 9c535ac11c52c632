"""What is known of the files of a payload since they were last read, while nothing changes them.

It is kept in the cache, by the data directory's path.  A file is taken for the one that was read if
its size, the times of its last change, its mode, its inode and its device are the same, as git's
index does; the time that the system notes for each change of a file (ctime) is nobody's to set.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nipack import __version__
from nipack.builder.rules import problem_at
from nipack.builder.source.download import cache_directory
from nipack.builder.source.notes import read_note, write_note
from nipack.system.errors import Problem

log = logging.getLogger(__name__)

# Seconds: what was changed so shortly before it was read may have been changed once more, with no
# other time, where a file system counts in whole or in two seconds.
SETTLED = 3.0
# Only there is ctime the time of the last change.
_HAS_CHANGE_TIMES = os.name == "posix"

State = tuple[int, ...]


@dataclass(slots=True)
class _Known:
    """What is known of one file in a state."""

    state: State
    digests: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] | None = None


class KnownFiles:
    """What was read of the files of one data directory, in this run or in one before."""

    def __init__(self, place: Path | None = None, about: str = "") -> None:
        """Begin with what is in a file of the cache; with none, nothing is known or kept.

        `about` is what else the problems of a file depend on.
        """
        self._place, self._about = place, about
        self._began = time.time()
        self._known = _read(place, about) if place is not None else {}
        self._new: set[str] = set()

    def digests(self, path: str, state: os.stat_result, algorithms: Iterable[str]) -> Any:
        """Return a file's digests by algorithm, None where one of them is not known."""
        known = self._known.get(path)
        wanted = tuple(algorithms)
        if known is None or known.state != _state(state) or set(wanted) - known.digests.keys():
            return None
        return {name: known.digests[name] for name in wanted}

    def problems(self, path: str, state: os.stat_result) -> list[Problem] | None:
        """Return what is wrong in a file, None where that is not known."""
        known = self._known.get(path)
        return known.problems if known is not None and known.state == _state(state) else None

    def add_digests(self, path: str, state: os.stat_result, digests: dict[str, str]) -> None:
        """Take note of digests of what a file held, in a state from before it was read."""
        self._of(path, state).digests.update(digests)

    def add_problems(self, path: str, state: os.stat_result, problems: list[Problem]) -> None:
        """Take note of what is wrong in a file, in a state from before it was read."""
        self._of(path, state).problems = problems

    def _of(self, path: str, state: os.stat_result) -> _Known:
        known = self._known.get(path)
        if known is None or known.state != _state(state):
            known = self._known[path] = _Known(_state(state))
        self._new.add(path)
        return known

    def keep(self, directory: Path) -> None:
        """Write what is known of files that nothing has changed since, where that can be."""
        if self._place is None or not self._new:
            return
        files = {
            path: [
                known.state,
                known.digests,
                None if known.problems is None else [_words(each) for each in known.problems],
            ]
            for path, known in self._known.items()
            if path not in self._new or self._is_settled(f"{directory}/{path}", known.state)
        }
        write_note(self._place, {"about": self._about, "files": files})

    def _is_settled(self, path: str, state: State) -> bool:
        """Tell that a file is as it was before it was read, and was so for a while."""
        try:
            now = os.lstat(path)  # a Path takes its time
        except OSError:
            return False
        latest = max(now.st_mtime, now.st_ctime)
        return _state(now) == state and latest < self._began - SETTLED


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
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_mode,
        status.st_ino,
        status.st_dev,
    )


def _words(problem: Problem) -> tuple[str, str, str, str]:
    """Return what a problem says; how severe it is, its rule says."""
    return problem.code, problem.where, problem.message, problem.remedy


def _read(place: Path, about: str) -> dict[str, _Known]:
    document = read_note(place)
    try:
        if document is None or document["about"] != about:
            return {}
        return {
            path: _Known(
                tuple(state),
                digests,
                None if problems is None else [problem_at(*words) for words in problems],
            )
            for path, (state, digests, problems) in document["files"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.info("%s: nothing is known from it: %s", place, error)
        return {}
