"""Mistakes in the settings that name roots: directories that are not there, wrong separators."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from ..lookup.search import Root


def mistakes(roots: Iterable[Root], *, flavour: ModuleType = os.path) -> Iterator[str]:
    """Yield `where: what is wrong; what to do` for each root that somebody named and is not there.

    `flavour` is the system's `os.path`, with its separators.
    """
    for root in roots:
        # The other roots are places by default, which need not be there.
        if root.origin.source not in ("NIPY_DATA_PATH", "ini file") or flavour.isdir(root.path):
            continue
        wrong = wrong_separator(root.path, flavour)
        if wrong is not None:
            problem = f"one directory is named, '{root.path}'"
            yield f"{root.origin}: {problem}; write '{flavour.pathsep}' between two, not '{wrong}'"
        else:
            yield f"{root.origin}: '{root.path}' is no directory; correct it, or take it out"


def wrong_separator(path: str, flavour: ModuleType) -> str | None:
    """Return the separator of another system's that stands in a path, if there is one."""
    if flavour.pathsep == ":":
        return ";" if ";" in path else None
    # The colon of a drive (C:\data) is none.
    return ":" if ":" in flavour.splitdrive(path)[1] else None
