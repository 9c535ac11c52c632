"""Mistakes in the settings that name roots: directories that are not there, wrong separators."""

from __future__ import annotations

import os

from ..inventory.owners import removed_owner
from ..lookup.errors import IniError
from ..lookup.ini import decode, plain_settings, read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..lookup.search import Root


def mistakes(roots: Iterable[Root]) -> Iterator[str]:
    """Yield `where: what is wrong; what to do` for each root that is named and is not there."""
    for root in roots:
        # The other roots are places by default, which need not be there.
        if root.origin.source not in ("NIPY_DATA_PATH", "ini file") or os.path.isdir(root.path):
            continue
        wrong = wrong_separator(root.path)
        if set(root.path[:1] + root.path[-1:]) & {'"', "'"}:
            problem = f"the quotes are taken as part of the name {root.path}"
            yield f"{root.origin}: {problem}; write it without them"
        elif wrong is not None:
            problem = f"one directory is named, '{root.path}'"
            yield f"{root.origin}: {problem}; write '{os.pathsep}' between two, not '{wrong}'"
        elif root.origin.file and (removed := removed_owner(root.origin.file)):
            # Taken out by hand, it would be missing after the next installation, too.
            problem = f"'{root.path}' is not a directory, since {removed} was removed"
            yield f"{root.origin}: {problem}; to remove this, too: sudo apt purge {removed}"
        else:
            yield f"{root.origin}: '{root.path}' is not a directory; correct or remove it"


def misspelt(files: Iterable[str]) -> Iterator[str]:
    """Yield what to write in each ini file whose section or key is another than is read."""
    for file in files:
        try:
            sections = plain_settings(decode(read_bytes(file), file)) or {}
        except (OSError, IniError):
            continue  # said elsewhere
        keys = sections.get("DATA", {})
        for section in sections:
            if section != "DATA" and section.strip().upper() == "DATA":
                yield f"{file}: [{section}] is not read; write [DATA]"
        if keys and "path" not in keys and "path" not in sections.get("DEFAULT", {}):
            key, (_, line) = next(iter(keys.items()))
            yield f"{file}:{line}: [DATA] has '{key}', and no path; write path = DIRECTORY"


def wrong_separator(path: str) -> str | None:
    """Return the separator of another system's that stands in a path, if there is one."""
    if os.pathsep == ":":
        return ";" if ";" in path else None
    # The colon of a drive (C:\data) is none.
    return ":" if ":" in os.path.splitdrive(path)[1] else None
