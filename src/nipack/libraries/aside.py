"""What is made beside its place and gets it in one step, so that nobody sees half of it.

It is made in a folder that its process holds a lock on, which the system drops with the process,
however that ends: so what nobody holds was left by a killed one, and the next clears it.
(`system/leftovers.py` does so for what the tool makes.)
"""

from __future__ import annotations

import os
import shutil
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

# Windows lets nobody move a folder that is open: there nothing is held, and nothing cleared.
if sys.platform != "win32":
    import fcntl

_PREFIX, _LETTERS = ".nipack-", frozenset("0123456789abcdef")
_cleared: set[str] = set()


def made_aside(above: str, make: Callable[[str], Result]) -> Result:
    """Call a function with the path, in a directory, that it may make something at and move it.

    Makes the directory.  What is left at the path is gone afterwards, and so is what killed
    processes of this user left in the directory.
    """
    os.makedirs(above, exist_ok=True)
    clear_left(above)
    folder, holder = _held_folder(above)
    try:
        return make(os.path.join(folder, "made"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if holder >= 0:
            os.close(holder)


def renamed_into_nothing(made: str, place: str) -> bool:
    """Give a file or a link its place, but never over what somebody else has put there meanwhile.

    Tell whether it is this one that is there.
    """
    if os.path.islink(made):
        try:
            os.symlink(os.readlink(made), place)
        except FileExistsError:
            return False
        return True
    try:
        os.link(made, place)
    except FileExistsError:
        return False
    except OSError:  # A file system without hard links.
        if os.path.lexists(place):
            return False
        os.replace(made, place)
    return True


def _held_folder(above: str) -> tuple[str, int]:
    while True:
        folder = os.path.join(above, f"{_PREFIX}{os.urandom(8).hex()}")
        os.mkdir(folder)
        holder = _hold(folder)
        if holder is not None:
            return folder, holder


def _hold(folder: str) -> int | None:
    """Lock a folder; return what holds it, or None where somebody who clears was faster."""
    if sys.platform == "win32":
        return -1
    try:
        holder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(holder)
        return None
    except OSError:
        return holder  # A file system without locks: nobody can clear it.
    if _is(holder, folder):
        return holder
    os.close(holder)
    return None


def _is(holder: int, folder: str) -> bool:
    try:
        return os.path.samestat(os.fstat(holder), os.lstat(folder))
    except FileNotFoundError:
        return False


def clear_left(above: str) -> None:
    """Remove what killed processes of this user left in a directory; once in a process."""
    if above in _cleared:
        return
    _cleared.add(above)
    try:
        names = os.listdir(above)
    except OSError:
        return
    for name in names:
        letters = name.removeprefix(_PREFIX)
        if name.startswith(_PREFIX) and len(letters) == 16 and _LETTERS.issuperset(letters):
            _clear_folder(os.path.join(above, name))


def _clear_folder(folder: str) -> None:
    if sys.platform == "win32":
        return
    try:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return
        holder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(holder, folder):
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(holder)
