"""Read files that strangers made: regular ones, of bounded size, inside the folder they belong to.

What is refused is an OSError whose text says why, as if the system had said it.
"""

import errno
import os
import re
import stat
from pathlib import Path, PureWindowsPath

from nipack.system.limits import how_to_raise, limits

_LARGEST_INI, _LONGEST_LINE = 64 << 10, 6000
# What makes and removes folders in the standard library calls itself for each one.
_DEEPEST = 200


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """Return the bytes of a regular file; raises OSError for any other, and for one that is larger.

    The limit is that of texts, unless another is given.
    """
    most = limits().text if limit is None else limit
    # A pipe would be waited for without an end.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content, chunk = bytearray(), b"-"
        while chunk and len(content) <= most:
            chunk = stream.read(most + 1 - len(content))
            content += chunk
    if len(content) > most:
        remedy = how_to_raise("text") if limit is None else "make it smaller"
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes ({remedy})", str(path))
    return bytes(content)


def read_text(path: Path, limit: int | None = None) -> str:
    """Return the text of a regular file in UTF-8, with or without a byte order mark.

    Raises OSError as `read_regular` does, or UnicodeDecodeError.
    """
    return read_regular(path, limit).decode("utf-8-sig")


def read_ini(path: Path) -> str:
    """Return the text of an ini file in UTF-8, which Python's parser can take in a moment.

    Raises OSError as `read_regular` does, or for a line so long that its expressions take minutes;
    or UnicodeDecodeError.
    """
    text = read_regular(path, _LARGEST_INI).decode("utf-8")
    if any(len(line) > _LONGEST_LINE for line in text.splitlines()):
        reason = f"a line of it has more than {_LONGEST_LINE:,} characters"
        raise OSError(errno.EFBIG, reason, str(path))
    return text


def path_inside(folder: Path, name: str) -> Path:
    """Return the path of a file that a stranger's text names, which lies in a folder.

    Raises OSError where it does not: by its words, or by a link on the way.
    """
    parts = re.split(r"[/\\]", name)
    if PureWindowsPath(name).anchor or name.startswith("/") or ".." in parts or "\0" in name:
        raise OSError(errno.EACCES, "not in the definition's folder", name)
    path = folder / name
    try:
        end = path.resolve(strict=True)
    except RuntimeError as error:  # how Python before 3.13 says that links go round
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    if not end.is_relative_to(folder.resolve()):
        raise OSError(errno.EACCES, "a link that leaves the definition's folder", name)
    return path


def why_unsafe(name: str) -> str:
    """Return why a stranger's path could lead out of a folder on some system, or nothing."""
    if ".." in name.split("/"):
        return "has '..' in its name"
    if name.count("/") > _DEEPEST:
        return f"is deeper than {_DEEPEST} folders"
    return why_unsafe_target(name)


def why_unsafe_target(path: str) -> str:
    """Return why a link's target is unsafe by its form alone, or nothing."""
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "has an absolute name"
    if "\\" in path:
        return "has a backslash in its name, which separates folders on Windows"
    if "\0" in path:
        return "has a NUL byte in its name"
    return ""


def why_unplaceable(path: str) -> str:
    """Return why a file cannot be put at a path below a folder, or nothing.

    What `why_unsafe` refuses, names that are not printed, and spellings of which there are several.
    """
    reason = why_unsafe(path)
    if not reason and not path.isprintable():
        reason = "has a character that is not printed"
    if not reason and any(part in ("", ".") for part in path.split("/")):
        reason = "is not a plain path such as atlas/labels.nii.gz"
    return reason
