"""What is installed, and who installed it."""

from __future__ import annotations

import os

from ..lookup.errors import DataError
from ..lookup.files import walk
from ..lookup.records import Record
from .copies import installed_copies
from .owners import find_owner
from .payload import NO_METADATA, find_manifest, metadata_of, read_metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ..lookup.search import Origin, SearchSettings, Status
    from .copies import Copy
    from .owners import Owner
    from .payload import Metadata
    from .verification import State


class InstalledPackage(Record):
    """A copy of a data package below one of the roots.

    It is visible where the search chooses it; `reason` says why it is not. `check` tells whether it
    was checked, and what came of it. Licence and citation are those of its `package.json`.
    """

    __slots__ = (
        "check",
        "citation",
        "license",
        "name",
        "origin",
        "owner",
        "path",
        "reason",
        "relpath",
        "size",
        "status",
        "version",
    )
    relpath: str
    version: str | None
    path: str
    origin: Origin
    status: Status
    reason: str
    owner: Owner
    name: str | None
    size: int
    license: str | None
    citation: tuple[dict[str, Any], ...]
    check: State

    @property
    def visible(self) -> bool:
        """Whether a look-up finds this copy."""
        return self.status == "chosen"


def installed_packages(
    settings: SearchSettings, states: Mapping[str, State] | None = None
) -> tuple[InstalledPackage, ...]:
    """Return every copy of every data package, by relpath, the visible first.

    `states` is what came of checking them, by their paths.
    """
    states = states or {}
    found = [
        _package(copy, states.get(copy.path, "not checked")) for copy in installed_copies(settings)
    ]
    return tuple(sorted(found, key=lambda each: (each.relpath, not each.visible)))


def _package(copy: Copy, check: State) -> InstalledPackage:
    assert copy.relpath is not None
    assert copy.root is not None
    assert copy.status is not None
    metadata, is_divided = _metadata(copy.path)
    owner = find_owner(copy.path, copy.relpath)
    if is_divided and owner.name is not None:
        # That of the config.ini is one of several.
        owner = owner.replace(name=metadata.name, version=copy.version)
    return InstalledPackage(
        relpath=copy.relpath,
        version=copy.version,
        path=copy.path,
        origin=copy.root.origin,
        status=copy.status,
        reason=copy.reason,
        owner=owner,
        name=metadata.name,
        size=_size_of(copy.path) if metadata.size is None else metadata.size,
        license=metadata.license,
        citation=metadata.citation,
        check=check,
    )


def owners_of(directory: str, relpath: str, files: Iterable[str]) -> tuple[Owner, ...]:
    """Return the package that a data directory belongs to; of data in parts, those of some files.

    It is asked for one file of each part, by which all of them are known.
    """
    try:
        manifest = find_manifest(directory)
    except DataError:
        manifest = None
    packages = manifest.packages if manifest is not None else ()
    if len(packages) < 2:
        return (find_owner(directory, relpath),)
    names = set(files)
    shares = [sorted(names & read_metadata(folder).files.keys()) for folder in packages]
    found = [find_owner(directory, relpath, share[0]) for share in shares if share]
    return tuple(dict.fromkeys(found)) or (find_owner(directory, relpath),)


def _metadata(directory: str) -> tuple[Metadata, bool]:
    """Return what is said of a copy, and whether that is in several packages."""
    try:
        manifest = find_manifest(directory)
        return metadata_of(manifest), manifest is not None and len(manifest.packages) > 1
    except DataError:
        return NO_METADATA, False


def _size_of(directory: str) -> int:
    size = 0
    for folder, names, _ in walk(directory):
        for name in names:
            try:
                size += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    return size
