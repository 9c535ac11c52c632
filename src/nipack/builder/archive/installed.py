"""The files and links that an archive installs, with all that has to be known of them."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledFile:
    """A file that a package installs; `path` is relative to the prefix.

    `content` is where the bytes are, or the bytes.  Its mode is 0644 everywhere.
    """

    path: str
    size: int
    sha256: str
    md5: str | None
    content: Path | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledLink:
    """A symbolic link that a package installs; `path` is relative to the prefix.

    `leads_to` is the path of the file at its end, None where that is a folder.
    """

    path: str
    target: str
    leads_to: str | None


Installed = InstalledFile | InstalledLink


def sorted_tree(tree: Iterable[Installed]) -> tuple[Installed, ...]:
    """Return a tree in the one order that every archive has: by the bytes of the paths."""
    return tuple(sorted(tree, key=lambda installed: os.fsencode(installed.path)))


def text_file(path: str, content: str | bytes) -> InstalledFile:
    """Return a file that nipack writes itself."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    return InstalledFile(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        content=data,
    )
