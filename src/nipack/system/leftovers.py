"""What is temporary: how it is named, held while its program lives, and cleared if one was killed.

A name has 64 random bits in it: process ids are the same in containers that share a folder.
Whoever makes something temporary holds a lock on it, which the system drops with the process,
however that ends.  So what nobody holds was left by a killed process, and the next run clears it.
Windows lets nobody move a file that is open, so there nothing is held, and nothing cleared.
"""

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from nipack.system.interruption import held_back

_PART = re.compile(r"\.nipack-[0-9a-f]{16}\.part")
_LOCK = re.compile(r"nipack-[0-9a-f]{16}\.lock")
# The ending of a folder that stands beside a part.
_FOLDER = ".folder"


@contextmanager
def part(directory: Path) -> Iterator[Path]:
    """Make a file with a name that no other has; it is gone afterwards, unless it was moved.

    What killed runs of this user were writing in the directory is cleared.
    """
    clear_parts(directory)
    with _held(lambda token: directory / f".nipack-{token}.part") as path:
        yield path


@contextmanager
def workspace() -> Iterator[Path]:
    """Make a folder in the system's place for such; it is gone afterwards.

    What killed runs of this user left there is cleared.
    """
    top = Path(tempfile.gettempdir())
    clear_workspaces(top)
    with _held(lambda token: top / f"nipack-{token}.lock") as lock:
        folder = lock.with_suffix("")
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            _remove(folder)


@contextmanager
def shared_workspace(directory: Path) -> Iterator[Path]:
    """Make a folder within a directory, which other machines see as well; it is gone afterwards.

    What killed runs of this user left there is cleared.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with part(directory) as lock:
        folder = lock.with_suffix(_FOLDER)
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            _remove(folder)


@contextmanager
def _held(path_of: Callable[[str], Path]) -> Iterator[Path]:
    """Make a file, named after a random token, and hold it; it is gone afterwards."""
    path, holder = Path(), None
    try:
        with held_back():
            while holder is None:
                path = path_of(secrets.token_hex(8))
                holder = _create(path)
        yield path
    finally:
        if holder is not None:
            path.unlink(missing_ok=True)
            _let_go(holder)


def _create(path: Path) -> int | None:
    """Create a file and return what holds it, None where somebody who clears was faster."""
    holder = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    if sys.platform == "win32":
        os.close(holder)
        return -1
    try:
        _lock(holder)
    except BlockingIOError:
        os.close(holder)
        return None
    except OSError:
        return holder  # A file system without locks: nobody can clear it.
    if _is(holder, path):
        return holder
    os.close(holder)
    return None


def _let_go(holder: int) -> None:
    if holder >= 0:
        os.close(holder)


@cache
def clear_parts(directory: Path) -> None:
    """Remove what killed runs of this user were writing in a directory; once in a run."""
    for path in _found(directory, _PART):
        _clear(path, path.with_suffix(_FOLDER))


@cache
def clear_workspaces(top: Path) -> None:
    """Remove the workspaces that killed runs of this user left below `top`; once in a run."""
    for path in _found(top, _LOCK):
        _clear(path, path.with_suffix(""))


def _found(directory: Path, name: re.Pattern[str]) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [Path(each.path) for each in entries if name.fullmatch(each.name)]
    except OSError:
        return []  # What cannot be listed is for others to tell of.


def _clear(path: Path, folder: Path | None = None) -> None:
    """Remove a file of this user's that nobody holds, and the folder that it stands for."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        # A pipe in its place must not be waited for, nor a link be followed.
        holder = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not _is_own(os.fstat(holder), stat.S_ISREG):
                return
            _lock(holder)
            if not _is(holder, path):
                return
            if folder is not None and os.path.lexists(folder):
                if not _is_own(folder.lstat(), stat.S_ISDIR):
                    return
                _remove(folder)
            path.unlink(missing_ok=True)
        finally:
            os.close(holder)


def _is_own(status: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    return is_kind(status.st_mode) and (not hasattr(os, "geteuid") or status.st_uid == os.geteuid())


def _is(holder: int, path: Path) -> bool:
    """Tell whether a path is that of the open file."""
    try:
        return os.path.samestat(os.fstat(holder), path.lstat())
    except FileNotFoundError:
        return False


def _lock(holder: int) -> None:
    """Lock an open file; raises BlockingIOError where another process has."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
