"""Name further roots in the user's `config.ini`, and keep all else that it says."""

from __future__ import annotations

import os
import re

from ..lookup.errors import DataError, IniError
from ..lookup.ini import find_setting, read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read_config(file: str) -> bytes:
    """Return the file's bytes, none where it is not there, or raise DataError."""
    try:
        return read_bytes(file)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); make it readable") from error


def with_roots(data: bytes, file: str, roots: Sequence[str]) -> bytes:
    """Return the file's bytes with these roots after those that it names.

    Raises DataError for a malformed file, which a person has to fix first, and for a root that an
    ini file cannot name.
    """
    for root in roots:
        if not _can_be_named(root):
            raise DataError(f"{root}: no ini file can name this directory; rename or move it")
    try:
        value, line = find_setting(data, file, "DATA", "path")
    except IniError as error:
        raise DataError(str(error)) from error
    known = value.split(os.path.pathsep) if value else []
    places = set(map(os.path.normcase, known))
    new = [root for root in roots if os.path.normcase(root) not in places]
    if not new:
        return data
    # ConfigParser, and so nibabel, replaces a single '%'.
    text = os.path.pathsep.join(root.replace("%", "%%") for root in new)
    changed = _changed(data.decode("utf-8"), text, value, line).encode("utf-8")
    if find_setting(changed, file, "DATA", "path")[0] != os.path.pathsep.join([*known, *new]):
        problem = "its path is of several lines, or has a single '%', and cannot be added to"
        raise DataError(f"{file}:{line}: {problem}; write [DATA] path on one line, with '%%'")
    return changed


def _can_be_named(root: str) -> bool:
    try:
        root.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return root == root.strip() and not any(each in root for each in (os.path.pathsep, *"\r\n"))


def _changed(text: str, roots: str, value: str | None, line: int | None) -> str:
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if line is not None:
        setting = lines[line - 1]
        content = setting.rstrip("\r\n")
        ending = setting[len(content) :]
        between = os.path.pathsep if value else " "
        lines[line - 1] = f"{content.rstrip()}{between}{roots}{ending}"
        return "".join(lines)
    # As the file's own lines end, or those of this system.
    end = "\r\n" if "\r\n" in text or (os.linesep == "\r\n" and "\n" not in text) else "\n"
    for number, each in enumerate(lines):
        if each.strip() == "[DATA]":
            lines[number] = f"{each.rstrip()}{end}path = {roots}{end}"
            return "".join(lines)
    gap = end if text and not text.endswith("\n") else ""
    return f"{text}{gap}{end * bool(text)}[DATA]{end}path = {roots}{end}"


def write_config(file: str, data: bytes) -> None:
    """Put the bytes into the file at once, or raise DataError and leave it as it was."""
    target = os.path.realpath(file)
    temporary = f"{target}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except OSError as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        remedy = "make it writable, or set NIPY_DATA_PATH instead"
        raise DataError(f"{file}: cannot be written ({error.strerror}); {remedy}") from error
