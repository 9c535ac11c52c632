"""The files and links that an archive installs, with all that has to be known of them."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from nipack.layout import CONFIG_NAME
from nipack.system.errors import ArtifactError
from nipack.system.fast_hash import PROOF
from nipack.system.hashing import digest_bytes

FILE_MODE = 0o644


class Role(Enum):
    """What a file is for, by which a format knows how its package manager is to treat it."""

    PAYLOAD = "payload"
    CONFIGURATION = "configuration"
    RECORD = "record"
    DOCUMENTATION = "documentation"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledFile:
    """A file that a package installs; `path` is relative to the prefix.

    `content` is the path of the bytes, or of a folder where `below` is their path, which is not
    kept twice; or it is the bytes.  `digests` are hexadecimal, by algorithm, sha256 and that of
    proofs always among them.  Its mode is 0644, unless a format has a reason for another.
    """

    path: str
    size: int
    digests: Mapping[str, str]
    content: str | bytes
    role: Role
    mode: int = FILE_MODE
    below: str | None = None

    @property
    def sha256(self) -> str:
        """The digest that every file has."""
        return self.digests["sha256"]

    def digest(self, algorithm: str) -> str:
        """Return a digest; raises ArtifactError if the package was read without it."""
        if algorithm not in self.digests:
            raise ArtifactError(
                f"{self.path}: its {algorithm} was not computed; read the package with the digests "
                "that the format declares"
            )
        return self.digests[algorithm]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledLink:
    """A symbolic link that a package installs; `path` is relative to the prefix.

    `leads_to` is the path of the file at its end, None where that is a folder.
    """

    path: str
    target: str
    leads_to: str | None
    role: Role = Role.PAYLOAD


Installed = InstalledFile | InstalledLink
Tree = tuple[Installed, ...]

# What any format asks of a file that nipack writes itself; they are small.
_ALGORITHMS = tuple(dict.fromkeys(("sha256", "md5", PROOF)))


def sorted_tree(tree: Iterable[Installed]) -> Tree:
    """Return a tree in the one order that every archive has: by the bytes of the paths.

    A payload's config.ini, by which look-ups know data, comes after all else, and that of the data
    directory after those further down, so that a package manager that unpacks in order never lets
    half of the data be found; dpkg removes it first.
    """
    return tuple(sorted(tree, key=_order))


def _order(installed: Installed) -> tuple[int, bytes]:
    path = installed.path
    if installed.role is not Role.PAYLOAD or path.rpartition("/")[2] != CONFIG_NAME:
        return -sys.maxsize, os.fsencode(path)
    return -path.count("/"), os.fsencode(path)


def directories_of(tree: Iterable[Installed]) -> set[str]:
    """Return every directory that something of a tree is in; '.' is the one of them all."""
    found: set[str] = set()
    for installed in tree:
        parent = installed.path
        while parent != "." and (parent := parent.rpartition("/")[0] or ".") not in found:
            found.add(parent)
    return found


def text_file(
    path: str, content: str | bytes, role: Role = Role.RECORD, *, mode: int = FILE_MODE
) -> InstalledFile:
    """Return a file that nipack writes itself."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    return InstalledFile(
        path=path,
        size=len(data),
        digests=digest_bytes(data, _ALGORITHMS).by_algorithm,
        content=data,
        role=role,
        mode=mode,
    )
