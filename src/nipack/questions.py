"""What anybody may ask of installed data: `nipack.explain` and its like."""

from __future__ import annotations

import os

from .advice.diagnosis import diagnosis
from .advice.explanation import explanation
from .advice.missing import not_found
from .inventory.copies import copies_below, copy_at, installed_copies, installed_relpaths, is_path
from .inventory.installed import installed_packages
from .inventory.payload import read_manifest
from .inventory.verification import verify_copies
from .lookup.errors import DataError
from .lookup.search import (
    Wanted,
    every_candidate,
    find_data_path,
    given_data_path,
    mark_choice,
    newer_than_chosen,
)
from .lookup.settings import search_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .advice.diagnosis import Diagnosis
    from .advice.report import Explanation
    from .inventory.copies import Copy
    from .inventory.installed import InstalledPackage
    from .inventory.verification import Progress, Verification
    from .libraries.health import LibraryState
    from .lookup.search import Candidate, SearchSettings


def explain(
    relpath: str, min_version: str | None = None, *, data_path: Iterable[str] | None = None
) -> Explanation:
    """Return the whole search for the data at `relpath`, as `make_datasource` does it.

    Nothing is raised for data that is not there: then `chosen` is None. Raises ValueError for a
    `min_version` that is no version.
    """
    wanted = Wanted.read({"relpath": relpath, "min version": min_version})
    given = None if data_path is None else given_data_path(os.fspath(path) for path in data_path)
    return explanation(wanted, search_settings(), given)


def newer_copies(relpath: str, min_version: str | None = None) -> tuple[Candidate, ...]:
    """Return the copies of the data at `relpath` that are newer than the one that is found."""
    wanted = Wanted.read({"relpath": relpath, "min version": min_version})
    roots = find_data_path(search_settings()).roots
    tried = mark_choice(every_candidate(roots, wanted.relative, wanted.minimum))
    return tuple(newer_than_chosen(tried))


def list_packages(*, check: bool = False, quick: bool = False) -> tuple[InstalledPackage, ...]:
    """Return every copy of every data package in the data path, by relpath, the visible first.

    With `check` each is verified against its manifest, with `quick` by names and sizes alone.
    """
    checked = verify(quick=quick) if check or quick else ()
    return installed_packages(search_settings(), {each.path: each.state for each in checked})


def verify(
    *places: str,
    quick: bool = False,
    manifest: str | None = None,
    progress: Progress | None = None,
) -> tuple[Verification, ...]:
    """Check data against the manifest of its package, on all processors; each byte is read once.

    Each place is a relpath, of which every copy in the data path is checked, or, where it begins
    with a slash, a dot, a `~` or a drive, a data directory anywhere. Without any, all that is
    installed is checked. With `quick` it is names and sizes only. `manifest` is a SHA256SUMS to
    check against instead of the data's own. Raises DataError for a place where there is no data.
    """
    settings = search_settings()
    copies = [copy for place in places for copy in _copies_of(place, settings)]
    if not places:
        copies = list(installed_copies(settings))
    given = None if manifest is None else read_manifest(manifest)
    return verify_copies(copies, settings, quick=quick, manifest=given, progress=progress)


def _copies_of(place: str, settings: SearchSettings) -> list[Copy]:
    """Return the copies at a relpath, or the one in a directory; raise DataError where is none."""
    if is_path(place):
        return [copy_at(os.path.abspath(os.path.expanduser(place)))]
    found = list(copies_below(place, find_data_path(settings).roots))
    if not found:
        if os.path.isdir(place):
            there = os.path.join(".", place)
            raise DataError(
                f"{place} is not an installed package, but a directory here; write {there}"
            )
        raise not_found(Wanted.read({"relpath": place}), settings)
    return found


def diagnose(*relpaths: str, min_version: str | None = None, full: bool = False) -> Diagnosis:
    """Return what is wrong with the data at each relpath; without any, with all that is installed.

    Files are checked by name and size, with `full` by every byte. Raises ValueError for a
    `min_version` that is no version.
    """
    settings = search_settings()
    asked = relpaths or installed_relpaths(settings)
    definitions = [{"relpath": relpath, "min version": min_version} for relpath in asked]
    return diagnosis_of([Wanted.read(each) for each in definitions], settings, full=full)


def diagnose_libraries(*libraries: str) -> tuple[LibraryState, ...]:
    """Return how other libraries stand to installed data: all that data is there for, or these.

    Raises DataError for a library that is not known.
    """
    from .libraries.health import library_states  # most of what is asked is not of libraries

    return library_states(libraries)


def diagnosis_of(
    wanted: Iterable[Wanted], settings: SearchSettings, *, full: bool = False
) -> Diagnosis:
    """Return what is wrong with the data that is wanted, where the settings say it is."""
    return diagnosis(wanted, settings, full=full)
