"""Every copy of data packages in the data path."""

from __future__ import annotations

import os

from ..layout import CONFIG_NAME, DATA_ROOT, RECORDS
from ..lookup.errors import DataError
from ..lookup.files import folder_names
from ..lookup.records import Record
from ..lookup.search import (
    Wanted,
    candidates,
    every_candidate,
    find_data_path,
    given_data_path,
    mark_choice,
)
from .payload import read_metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..lookup.search import Candidate, Root, SearchSettings, Status


class Copy(Record):
    """A copy of a data package: what the search makes of it, and why.

    `root` is None for a directory that was named by its path; its `relpath` is what its last two
    names would be.
    """

    __slots__ = ("path", "reason", "relpath", "root", "status", "version")
    relpath: str | None
    path: str
    root: Root | None
    status: Status | None
    version: str | None
    reason: str


def installed_copies(settings: SearchSettings) -> Iterator[Copy]:
    """Yield every copy of every data package below the roots, by relpath, in the search's order."""
    roots = find_data_path(settings).roots
    for relpath in relpaths_below(roots):
        yield from copies_below(relpath, roots)


def installed_relpaths(settings: SearchSettings) -> list[str]:
    """Return the relpath of every data package in the data path, sorted."""
    return relpaths_below(find_data_path(settings).roots)


def relpaths_below(roots: Iterable[Root]) -> list[str]:
    """Return the relpath of every data package below these roots, sorted."""
    return sorted({relpath for root in roots for relpath in _relpaths(root.path)})


def other_copies(copy: Copy, settings: SearchSettings) -> Iterator[Copy]:
    """Yield the other copies of the same version of a package."""
    if copy.relpath is not None and copy.version is not None:
        for other in copies_below(copy.relpath, find_data_path(settings).roots):
            if other.version == copy.version and other.path != copy.path:
                yield other


def is_path(place: str) -> bool:
    """Tell whether a place is a directory's path rather than a relpath."""
    return place[:1] in (".", "~", "/", "\\") or bool(os.path.splitdrive(place)[0])


def copy_at(path: str) -> Copy:
    """Return the copy in a directory, or raise DataError where there is none."""
    if not os.path.isdir(path):
        raise DataError(f"{path} is not a directory; name the directory that has the config.ini")
    return copy_in(path)


def copy_in(path: str) -> Copy:
    """Return the copy in a directory, which may be gone by now."""
    above, name = os.path.split(path)
    umbrella = os.path.basename(above)
    [found] = candidates(given_data_path([above]).roots, name)
    return Copy(
        relpath=f"{umbrella}/{name}" if umbrella else None,
        path=path,
        root=None,
        status=None,
        version=found.version,
        reason=found.reason,
    )


def copies_below(relpath: str, roots: Sequence[Root]) -> Iterator[Copy]:
    """Yield the copies of a data package below these roots, in the search's order."""
    wanted = Wanted.read({"relpath": relpath})
    for found in mark_choice(every_candidate(roots, wanted.relative)):
        if found.status not in ("not a directory", "repeated") and _is_there(found, relpath):
            yield Copy(
                relpath=relpath,
                path=found.path,
                root=found.root,
                status=found.status,
                version=found.version,
                reason=found.reason,
            )


def _is_there(found: Candidate, relpath: str) -> bool:
    """Tell whether a package is there, be it that its data is gone."""
    # A folder without a config.ini, empty or left over, is no data of anybody's.
    gone = found.status in ("absent", "no config.ini")
    return not gone or relpath in _recorded(found.root.path)


def _relpaths(root: str) -> Iterator[str]:
    """Yield the relpath of each data package below a root."""
    for umbrella in folder_names(root):
        for name in folder_names(os.path.join(root, umbrella)):
            if os.path.isfile(os.path.join(root, umbrella, name, CONFIG_NAME)):
                yield f"{umbrella}/{name}"
    yield from _recorded(root)


def _recorded(root: str) -> list[str]:
    """Return the relpaths of the packages that have left their records beside a root."""
    share, name = os.path.split(os.path.normpath(root))
    if os.path.normcase(os.path.join(os.path.basename(share), name)) != os.path.normcase(DATA_ROOT):
        return []
    records = os.path.join(os.path.dirname(share), *RECORDS.split("/"))
    relpaths = (
        read_metadata(os.path.join(records, name)).relpath for name in folder_names(records)
    )
    return [relpath for relpath in relpaths if relpath is not None]
