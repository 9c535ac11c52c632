"""Where a repository lies: a folder, or what else has these few operations.

Everything that is promised of publishers who work at once rests on one of them: `create`, which
exactly one of several callers does, with all of its bytes or none.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from nipack.publish.errors import RepositoryError
from nipack.publish.stores.bucket import BucketStore
from nipack.publish.stores.folder import FolderStore
from nipack.system.buckets import PROTOCOLS, is_in_bucket
from nipack.system.progress import Advance


class Store(Protocol):
    """A tree of files with slashes in their paths; a file is never seen with half of its bytes."""

    address: str
    """What a message calls it."""
    folder: Path | None
    """The folder that it is, or None."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        ...

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return a file's size in bytes and its sha256, or None where there is none."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of one that is there."""
        ...

    def create(self, path: str, content: bytes) -> None:
        """Write a file; raises ExistsError where there is one, with whatever bytes."""
        ...

    def create_from(self, path: str, source: Path, advance: Advance) -> None:
        """Write a file with the bytes of a local one, as `create` does."""
        ...

    def files(self, folder: str) -> Mapping[str, int]:
        """Return the size in bytes of each file below a folder, by its path from the top."""
        ...

    def age(self, path: str) -> float:
        """Return how many seconds ago a file was written; 0 where it is not known."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        ...

    def tidy(self) -> None:
        """Delete what an ended publisher has left half-written."""
        ...

    def probe(self) -> None:
        """Raise RepositoryError where it cannot be written, or does not keep `create`'s promise."""
        ...


def store_at(address: str) -> Store:
    """Return the store of a folder's path or of an address."""
    parts = urlsplit(address)
    # A single letter is a drive of Windows.
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", address):
        return FolderStore(Path(address))
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    if is_in_bucket(address):
        return BucketStore(address)
    if parts.scheme == "sftp":
        from nipack.publish.stores.sftp import SftpStore  # it takes its time

        return SftpStore(address)
    known = ", ".join(f"{each}://" for each in ("file", "sftp", *PROTOCOLS))
    raise RepositoryError(
        f"{address}: nothing can be stored there; give a folder, or one of {known}"
    )
