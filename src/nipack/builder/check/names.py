"""Names of files that not every system can make, and files that nobody meant to release."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate

from nipack import layout
from nipack.builder.formats import formats
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


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)))


_JUNK = _any_of(
    *(".DS_Store", "._*", "__MACOSX", ".Spotlight-V100", ".Trashes", ".fseventsd"),
    *("Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN"),
    *(".directory", ".nfs????????????????*", "*~", ".*.swp", "#*#"),
    *(".git", ".hg", ".svn", ".bzr", "CVS", "__pycache__", "*.pyc", ".ipynb_checkpoints"),
)


def name_problems(paths: Iterable[str], relpath: str) -> Iterator[Problem]:
    """Yield what is wrong with the names of a payload, whose paths are relative to its directory.

    A folder's name is reported once, however many files are in it.
    """
    folders: set[str] = set()
    endings = tuple(each.ending for each in formats().values() if each.ending)
    for path in paths:
        for place in [*_new_folders(path, folders), path]:
            name = place.rpartition("/")[2]
            where = f"{relpath}/{place}"
            yield from _windows_problems(name, where)
        yield from _length_problems(path, relpath)
        yield from _own_package(path, relpath, endings)
    yield from _junk(paths, relpath)


def _new_folders(path: str, known: set[str]) -> list[str]:
    """Return the folders that a path is in and that were not known, the outermost first."""
    found: list[str] = []
    while (path := path.rpartition("/")[0]) and path not in known:
        known.add(path)
        found.append(path)
    return found[::-1]


def _windows_problems(name: str, where: str) -> Iterator[Problem]:
    reason = ""
    if _RESERVED.fullmatch(name):
        reason = "is a device's name on Windows"
    elif found := _FORBIDDEN.search(name):
        reason = f"has '{found[0]}', which Windows does not allow"
    elif name.endswith((".", " ")):
        reason = "ends in a dot or a space, which Windows drops"
    if reason:
        yield problem_at("name-windows", where, f"its name {reason}", "rename it")


def _length_problems(path: str, relpath: str) -> Iterator[Problem]:
    length = _PREFIX_LENGTH + 1 + len(f"{layout.payload_directory(relpath)}/{path}")
    if length > _MAX_PATH:
        message = (
            f"in an environment its path has about {length} characters, and Windows allows 259"
        )
        remedy = f"shorten its names by {length - _MAX_PATH}"
        yield problem_at("name-too-long", f"{relpath}/{path}", message, remedy)


def _own_package(path: str, relpath: str, endings: tuple[str, ...]) -> Iterator[Problem]:
    name = path.rpartition("/")[2].lower()
    if name.endswith(endings) and any(name.endswith(each) and name != each for each in endings):
        message = "it is a package, not data"
        remedy = "move it out of the data directory, and build with -o elsewhere"
        yield problem_at("own-package", f"{relpath}/{path}", message, remedy)


def _junk(paths: Iterable[str], relpath: str) -> Iterator[Problem]:
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for depth, part in enumerate(parts, 1):
            name = "/".join(parts[:depth])
            if _JUNK.match(part):
                if name not in found:
                    found.add(name)
                    message = "it is not data, but what a desktop, an editor or a tool left behind"
                    yield problem_at("junk", f"{relpath}/{name}", message, "remove it")
                break
