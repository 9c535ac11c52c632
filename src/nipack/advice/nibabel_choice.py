"""What unmodified `nibabel.data` would choose, worked out without it.

It reads no ini file of the prefix, takes the first directory whatever is in it, does not expand
`~`, loses a path with a `%`, and stops with the parser's error at a malformed ini file.
"""

from __future__ import annotations

import configparser
import glob
import os
import shlex
import sys

from ..environment import get_home_dir
from ..layout import CONFIG_NAME
from ..lookup.errors import IniError
from ..lookup.ini import read_bytes
from ..lookup.ini_parser import refuse_bomb
from ..lookup.records import Record
from ..lookup.search import data_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from ..lookup.search import Candidate, Wanted

    NibabelStatus = Literal["chosen", "unusable", "error", "not found"]


class NibabelChoice(Record):
    """What nibabel makes of the same machine.

    `path` is the directory it takes, or the ini file it stops at. `differs` tells whether that is
    another directory than nipack's, and `remedy` what to change so that it is not.
    """

    __slots__ = ("differs", "path", "reason", "remedy", "status", "version")
    status: NibabelStatus
    path: str | None
    version: str | None
    reason: str
    differs: bool
    remedy: str | None

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.path}: {self.reason}" if self.path else self.reason


class _Stop(Exception):
    """Nibabel ends here: the status, the place and the reason."""

    def __init__(self, status: NibabelStatus, path: str | None, reason: str) -> None:
        super().__init__(reason)
        self.status, self.path, self.reason = status, path, reason


def nibabel_choice(
    wanted: Wanted,
    ours: Candidate | None,
    *,
    data_path: Sequence[str] | None,
    system_dir: str | None,
) -> NibabelChoice:
    """Return what `nibabel.data.datasource_or_bomber` would choose beside our choice."""
    path = version = None
    try:
        roots = list(_data_path(system_dir)) if data_path is None else data_path
        path = _first_directory(roots, wanted.relative)
        version = _version(path)
        _check_minimum(version, wanted.minimum, path)
        status: NibabelStatus = "chosen"
        reason = f"version {version}"
    except _Stop as stop:
        status, path, reason = stop.status, stop.path, stop.reason
    differs = ours is not None and (status != "chosen" or not _same(path, ours.path))
    # Without data of ours, an ini file that stops nibabel is worth a word all the same.
    differs = differs or status == "error"
    remedy = _remedy(status, path, ours) if differs else None
    return NibabelChoice(
        status=status, path=path, version=version, reason=reason, differs=differs, remedy=remedy
    )


def _same(path: str | None, other: str) -> bool:
    return path is not None and os.path.realpath(path) == os.path.realpath(other)


def _data_path(system_dir: str | None) -> Iterator[str]:
    """Yield what `nibabel.data.get_data_path` returns."""
    variable = os.environ.get("NIPY_DATA_PATH")
    if variable:
        yield from variable.split(os.path.pathsep)
    user_dir = _user_dir()
    inis = sorted(glob.glob(os.path.join(system_dir, "*.ini"))) if system_dir is not None else []
    for file in [os.path.join(user_dir, CONFIG_NAME), *inis]:
        value = _path_setting(file)
        if value:
            yield from value.split(os.path.pathsep)
    yield data_root(sys.prefix)
    if sys.prefix == "/usr":
        yield data_root("/usr/local")
    yield user_dir


def _user_dir() -> str:
    # As nibabel's, which does not expand a '~'.
    chosen = os.environ.get("NIPY_USER_DIR")
    if chosen is not None:
        return os.path.abspath(chosen)
    return os.path.join(get_home_dir(), ".nipy" if os.name == "posix" else "_nipy")


def _path_setting(file: str) -> str:
    try:
        return _parsed(file).get("DATA", "path")
    except configparser.Error:
        return ""


def _parsed(file: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    try:
        refuse_bomb(read_bytes(file).decode("latin-1"), file)
    except (OSError, IniError) as error:
        if not os.path.exists(file) or isinstance(error, PermissionError):
            return parser  # it reads on
        raise _Stop("error", file, "it may wait for this forever") from error
    try:
        # With the locale's encoding: so does nibabel.
        parser.read(file)
    except (configparser.Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        place = file if line is None else f"{file}:{line}"
        raise _Stop("error", place, f"it stops with {type(error).__name__}") from error
    return parser


def _first_directory(roots: Sequence[str], relative: str) -> str:
    for root in roots:
        directory = os.path.join(root, relative)
        if os.path.isdir(directory):
            return directory
    raise _Stop("not found", None, "it finds nothing")


def _version(path: str) -> str:
    parser = _parsed(os.path.join(path, CONFIG_NAME))
    try:
        version = parser.get("DEFAULT", "version")
    except configparser.Error:
        reason = "it takes this, which has no version, and looks no further"
        raise _Stop("unusable", path, reason) from None
    try:
        numbers = version.split(".")
        float(f"{int(numbers[0])}.{int(numbers[1])}")
    except (ValueError, IndexError) as error:
        reason = f"it stops with {type(error).__name__} at version {version!r}"
        raise _Stop("error", path, reason) from None
    return version


def _check_minimum(version: str, minimum: str | None, path: str) -> None:
    if minimum is None:
        return
    from packaging.version import InvalidVersion, Version

    try:
        if Version(version) >= Version(minimum):
            return
    except InvalidVersion:
        raise _Stop("error", path, f"it stops with InvalidVersion at {version!r}") from None
    reason = f"it takes this version {version}, which is too old, and looks no further"
    raise _Stop("unusable", path, reason)


def _remedy(status: NibabelStatus, path: str | None, ours: Candidate | None) -> str:
    if status == "error" and path is not None and not os.path.isdir(path):
        return f"fix {path}"
    if ours is None:
        return f"fix {path}, or remove it"
    setting = _setting_line(os.path.abspath(os.path.expanduser(ours.root.path)))
    return setting if path is None else f"{setting}, or remove {path}"


def _setting_line(root: str) -> str:
    # What is there already stays, after the new.
    others = bool(os.environ.get("NIPY_DATA_PATH"))
    if os.name == "nt":
        return f'set "NIPY_DATA_PATH={root}' + (';%NIPY_DATA_PATH%"' if others else '"')
    return f"export NIPY_DATA_PATH={shlex.quote(root)}" + (":$NIPY_DATA_PATH" if others else "")
