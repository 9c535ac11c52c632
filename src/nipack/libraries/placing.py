"""One file of a package in a library's directory: a link, or a copy where a link would be a danger.

Several libraries write through a link into the file that it leads to. So a link is made only where
whoever runs this may not write that file; else a copy, which shares the disk's blocks if it can.
"""

from __future__ import annotations

import os
import shutil
from itertools import pairwise

from ..layout import DATA_ROOT
from .aside import made_aside, renamed_into_nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal

    # What is at a place: ours as it should be, ours but another, somebody else's, nothing, or a
    # file without a byte.
    Found = Literal["ours", "stale", "own", "absent", "empty"]

_EFFECTIVE = os.access in os.supports_effective_ids
# linux/fs.h: the two files have their blocks in common, until one of them is written to.
_FICLONE = 0x40049409


def may_write(path: str) -> bool:
    """Tell whether this process may write a file, or make files in a directory."""
    return os.access(path, os.W_OK, effective_ids=_EFFECTIVE)


def is_our_link(place: str, roots: Iterable[str]) -> bool:
    """Tell whether a link leads into installed data, be it that this is gone."""
    try:
        target = os.readlink(place)
    except OSError:
        return False
    parts = os.path.normpath(target).split(os.sep)
    shared = any("/".join(pair) == DATA_ROOT for pair in pairwise(parts))
    return os.path.isabs(target) and (shared or is_below(target, roots))


def is_below(path: str, directories: Iterable[str]) -> bool:
    """Tell whether a path is in one of several directories, as the names say."""
    path = os.path.normcase(os.path.normpath(path))
    return any(
        path.startswith(os.path.normcase(os.path.normpath(each)) + os.sep) for each in directories
    )


def state_of(copied: str) -> tuple[int, ...]:
    """Return size and time of a copy, by which a change of it is known."""
    made = os.stat(copied)
    return (made.st_size, made.st_mtime_ns)


def find(place: str, source: str, roots: Iterable[str], noted: tuple[int, ...] | None) -> Found:
    """Tell what is at a place, where a link to `source` is to be; `noted` is of a copy of ours."""
    if os.path.islink(place):
        if os.path.realpath(place) == os.path.realpath(source):
            return "ours"
        return "stale" if is_our_link(place, roots) else "own"
    try:
        found = os.stat(place)
    except OSError:
        return "absent"
    if os.path.isdir(place):
        return "own"
    of = os.stat(source)
    if (of.st_size, of.st_mtime_ns) == (found.st_size, found.st_mtime_ns):
        return "ours"  # a copy, which has its source's time; another process may have made it
    if noted is not None and noted == (found.st_size, found.st_mtime_ns):
        return "stale"
    if os.path.realpath(place) == os.path.realpath(source):
        return "ours"  # the library's directory is the installed one
    return "own" if found.st_size else "empty"


def place_link(place: str, source: str, found: Found) -> bool:
    """Make a link at a place in one step; tell whether there is one, for another may be first."""
    return _put(place, found, lambda name: os.symlink(source, name))


def place_copy(place: str, source: str, found: Found) -> bool:
    """Make a copy at a place in one step, sharing blocks where the file system can."""
    return _put(place, found, lambda name: copy_file(source, name))


def _put(place: str, found: Found, make: Callable[[str], None]) -> bool:
    def put(made: str) -> bool:
        make(made)
        if found == "absent":
            return renamed_into_nothing(made, place)
        os.replace(made, place)
        return True

    return made_aside(os.path.dirname(place), put)


def copy_file(source: str, place: str) -> None:
    """Copy a file's bytes, as a clone where the file system has that, and the time of them."""
    with open(source, "rb") as reader, open(place, "xb") as writer:
        if not _clone(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, 1 << 20)
    times = os.stat(source)
    os.utime(place, ns=(times.st_mtime_ns, times.st_mtime_ns))


def _clone(source: int, place: int) -> bool:
    try:
        from fcntl import ioctl
    except ImportError:
        return False
    try:
        ioctl(place, _FICLONE, source)
    except OSError:
        return False
    return True


def same_bytes(one: str, other: str) -> bool:
    """Tell whether two files have the same bytes."""
    try:
        if os.path.getsize(one) != os.path.getsize(other):
            return False
        with open(one, "rb") as first, open(other, "rb") as second:
            while block := first.read(1 << 20):
                if block != second.read(1 << 20):
                    return False
    except OSError:
        return False
    return True
