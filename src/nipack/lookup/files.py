"""Read what strangers may have put there: regular files of bounded size, folders of any depth."""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Of an ini file, of a payload's SHA256SUMS, and of a record of a package manager, the largest of
# which have tens of megabytes.
MOST_OF_SETTINGS = 1 << 18
MOST_OF_MANIFESTS = 1 << 25
MOST_OF_RECORDS = 1 << 26


def read_regular(file: str, most: int = MOST_OF_RECORDS) -> bytes:
    """Return a file's bytes; raises OSError for what is no regular file, or has more bytes."""
    found = os.stat(file)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", file)
    if not stat.S_ISREG(found.st_mode):
        # A pipe would be waited for, and a device read, for ever.
        raise OSError(errno.EINVAL, "it is not a regular file", file)
    with open(file, "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", file)
    return data


def folder_names(directory: str) -> list[str]:
    """Return the names of the folders in a directory, and of links to some; sorted."""
    try:
        with os.scandir(directory) as entries:
            return sorted(each.name for each in entries if _is_folder(each))
    except OSError:
        return []


def walk(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each folder below one, with the names of its files and of its links to folders.

    As `os.walk`, but to any depth that this system can open, and folders apart from links to them.
    What cannot be read is passed over.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        names: list[str] = []
        links: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not _is_folder(entry):
                        names.append(entry.name)
                    elif entry.is_symlink():
                        links.append(entry.name)
                    else:
                        waiting.append(os.path.join(folder, entry.name))
        except OSError:
            continue
        yield folder, names, links


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False
