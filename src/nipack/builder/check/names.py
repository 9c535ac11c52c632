"""Names of files that not every system can make, and files that nobody meant to release."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from nipack import layout
from nipack.builder.rules import problem_at
from nipack.system.errors import Problem

# "Naming Files, Paths, and Namespaces" of Microsoft's Win32 documentation.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\N{SUPERSCRIPT ONE}"
    r"\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}]) *(\..*)?",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_MAX_PATH = 259  # characters, the closing NUL not counted
# C:\Users\somebodyslogin\AppData\Local\miniforge3\envs\analysis
_PREFIX_LENGTH = 60

_JUNK = (
    *(".DS_Store", "._*", "__MACOSX", ".Spotlight-V100", ".Trashes", ".fseventsd"),
    *("Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN"),
    *(".directory", ".nfs????????????????*", "*~", ".*.swp", "#*#"),
    *(".git", ".hg", ".svn", ".bzr", "CVS", "__pycache__", "*.pyc", ".ipynb_checkpoints"),
)
# What `nipack build` and others make of data.
_PACKAGES = ("?*.conda", "?*_all.deb", "?*-py3-none-any.whl")


def name_problems(paths: Iterable[str], relpath: str) -> Iterator[Problem]:
    """Yield what is wrong with the names of a payload, whose paths are relative to its directory.

    A folder's name is reported once, however many files are in it.
    """
    seen: set[str] = set()
    for path in paths:
        for part in (*reversed(PurePosixPath(path).parents), PurePosixPath(path)):
            name = part.as_posix()
            if name != "." and name not in seen:
                seen.add(name)
                yield from _windows_problems(part, f"{relpath}/{name}")
        yield from _length_problems(path, relpath)
        yield from _own_package(path, relpath)
    yield from _junk(paths, relpath)


def _windows_problems(path: PurePosixPath, where: str) -> Iterator[Problem]:
    reason = ""
    if _RESERVED.fullmatch(path.name):
        reason = "is a device's name on Windows"
    elif found := _FORBIDDEN.search(path.name):
        reason = f"has '{found[0]}', which Windows does not take"
    elif path.name.endswith((".", " ")):
        reason = "ends in a dot or a space, which Windows drops"
    if reason:
        yield problem_at("name-windows", where, f"its name {reason}", "rename it")


def _length_problems(path: str, relpath: str) -> Iterator[Problem]:
    length = _PREFIX_LENGTH + 1 + len(f"{layout.payload_directory(relpath)}/{path}")
    if length > _MAX_PATH:
        message = f"in an environment its path has about {length} characters, and Windows takes 259"
        remedy = f"shorten its names by {length - _MAX_PATH}"
        yield problem_at("name-too-long", f"{relpath}/{path}", message, remedy)


def _own_package(path: str, relpath: str) -> Iterator[Problem]:
    name = PurePosixPath(path).name.lower()
    if any(fnmatchcase(name, pattern) for pattern in _PACKAGES):
        message = "it is a package, not data"
        remedy = "move it out of the data directory, and build with -o elsewhere"
        yield problem_at("own-package", f"{relpath}/{path}", message, remedy)


def _junk(paths: Iterable[str], relpath: str) -> Iterator[Problem]:
    found: set[str] = set()
    for path in paths:
        parts = PurePosixPath(path).parts
        for depth, part in enumerate(parts, 1):
            name = "/".join(parts[:depth])
            if any(fnmatchcase(part, pattern) for pattern in _JUNK):
                if name not in found:
                    found.add(name)
                    message = "it is not data, but what a desktop, an editor or a tool left behind"
                    yield problem_at("junk", f"{relpath}/{name}", message, "remove it")
                break
