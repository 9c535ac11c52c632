"""How libraries stand to installed data: what is linked for each, and what is in the way."""

from __future__ import annotations

import os
import re
from itertools import groupby

from ..inventory.payload import read_json
from ..lookup.records import Record
from .linking import leads_nowhere, link
from .placing import is_below, may_write
from .skeleton import README, Skeleton, has_content, known_versions
from .table import LIBRARIES, Surroundings, library_directories, mne_settings
from .views import offers, roots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .linking import Placed
    from .views import Offer

# Up to this client, TemplateFlow writes into its directory at every import.
_LAST_THAT_WRITES = (24, 2, 0)
_MARKUP = re.compile(rb"\s*<(\?xml|!doctype|html|error)", re.IGNORECASE)
# What is markup by right.
_MARKUP_NAMES = (".xml", ".html", ".htm", ".gii", ".svg", ".dae")


class LibraryState(Record):
    """What a library finds of installed data in its own directory.

    `linked` of `total` files are in place. `problems` are what keeps it from them, each with what
    to do. `command` links what is not linked yet, and is empty where there is nothing to link.
    """

    __slots__ = ("command", "directories", "library", "linked", "problems", "total")
    library: str
    directories: tuple[str, ...]
    linked: int
    total: int
    problems: tuple[str, ...]
    command: str

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong: what is not linked yet is nothing wrong."""
        return not self.problems

    def __str__(self) -> str:
        """Return it as lines: the state, each problem, the command."""
        where = f" in {', '.join(self.directories)}" if self.directories else ""
        lines = [f"{self.library}: {self.linked} of {self.total} files in place{where}"]
        lines += [f"  {problem}" for problem in self.problems]
        if self.command:
            lines += ["To link the rest:", f"  {self.command}"]
        return "\n".join(lines)


def library_states(
    libraries: Iterable[str] = (), *, here: Surroundings | None = None
) -> tuple[LibraryState, ...]:
    """Return how each library stands that data is installed for, or that is named here.

    Nothing is changed, and no file of the user's own is read whole. Raises DataError for a library
    that is not known.
    """
    here = here or Surroundings.now()
    names = tuple(libraries)
    placed = link(names, dry_run=True, compare=False, here=here)
    offered = list(offers(names))
    found = {each.view.library for each in offered} | {each.library for each in placed} | {*names}
    by_library = {
        name: list(of) for name, of in groupby(sorted(placed, key=_library), key=_library)
    }
    return tuple(
        _state(name, by_library.get(name, []), [o for o in offered if o.view.library == name], here)
        for name in LIBRARIES
        if name in found
    )


def finders() -> dict[str, tuple[str, ...]]:
    """Return the libraries, besides nibabel and nipy, that have a view of each data directory."""
    found: dict[str, set[str]] = {}
    for each in offers():
        found.setdefault(each.directory, set()).add(each.view.library)
    return {
        directory: tuple(name for name in LIBRARIES if name in names)
        for directory, names in found.items()
    }


def _library(placed: Placed) -> str:
    return placed.library


def _state(
    name: str, placed: list[Placed], offered: list[Offer], here: Surroundings
) -> LibraryState:
    files = [each for each in placed if each.package is not None and each.source is not None]
    waiting = [each for each in placed if each.state in ("linked", "copied", "removed")]
    directories = library_directories(LIBRARIES[name], here)
    problems = [*_placed_problems(placed), *_own_problems(name, directories, offered, here)]
    return LibraryState(
        library=name,
        directories=directories,
        linked=sum(each.state == "there" for each in files),
        total=len(files),
        problems=tuple(dict.fromkeys(problems)),
        command=f"nipack link {name}" if waiting else "",
    )


def _placed_problems(placed: list[Placed]) -> Iterator[str]:
    for each in placed:
        if each.state == "removed":
            yield f"{each.path}: a link to data that is gone; nipack link {each.library} removes it"
        elif each.state == "other bytes" and leads_nowhere(each.path):
            yield f"{each.path}: a link of your own to data that is gone; remove it"
        elif each.state == "other bytes" and _is_error_page(each.path):
            yield f"{each.path}: a server's error page, not data; remove it"
        elif each.state == "other bytes":
            yield f"{each.path}: a file of your own, not the package's; it is what is found"
        elif each.state in ("no place", "failed"):
            yield f"{each.path}: {each.reason}" if each.path else each.reason


def _is_error_page(path: str) -> bool:
    if path.lower().endswith(_MARKUP_NAMES) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as stream:
            return bool(_MARKUP.match(stream.read(256)))
    except OSError:
        return False


def _own_problems(
    name: str, directories: tuple[str, ...], offered: list[Offer], here: Surroundings
) -> Iterator[str]:
    """Yield what a library is known to fail at."""
    installed = tuple(map(os.path.realpath, roots()))
    for directory in directories:
        if is_below(os.path.join(os.path.realpath(directory), "x"), installed):
            continue  # the library looks into what is installed itself, and has all of that
        if name == "templateflow":
            yield from _templateflow_problems(directory, here)
        elif name == "nilearn":
            yield from _nilearn_problems(directory)
        elif name == "brainglobe":
            yield from _brainglobe_problems(directory, offered)
    if name == "mne":
        yield from _mne_problems(here)


def _templateflow_problems(directory: str, here: Surroundings) -> Iterator[str]:
    writes = here.variables.get("TEMPLATEFLOW_AUTOUPDATE", "").lower() not in ("off", "0", "false")
    client = _version("templateflow")
    if client and client <= _LAST_THAT_WRITES and writes and _is_read_only(directory):
        spelled = ".".join(map(str, client))
        yield (
            f"{directory}: it is read-only, and templateflow {spelled} writes there at every "
            "import; set TEMPLATEFLOW_AUTOUPDATE=off, or take 24.2.2 or later"
        )
    missing = Skeleton.find().missing(directory) if has_content(directory) else ()
    if missing:
        some = ", ".join(missing[:3]) + (", ..." if missing[3:] else "")
        yield (
            f"{directory}: {len(missing)} templates that the client can fetch are not known there "
            f"({some}); nipack link templateflow adds them"
        )


def _nilearn_problems(directory: str) -> Iterator[str]:
    if _is_read_only(directory) and not os.path.exists(os.path.join(directory, README)):
        yield (
            f"{directory}: it is read-only and has no {README}, which nilearn writes into each of "
            f"its directories: its downloads fail; have its owner make {README}"
        )


def _brainglobe_problems(directory: str, offered: list[Offer]) -> Iterator[str]:
    atlases = {each.view.at.rpartition("_v")[0] for each in offered} - {""}
    there = {each for each in atlases if _has_atlas(directory, each)}
    parser = known_versions(directory)
    noted = set(parser["atlases"]) if parser is not None else set()
    if there - noted:
        yield (
            f"{directory}: last_versions.conf does not name {', '.join(sorted(there - noted))}, "
            "which BrainGlobe 2 needs without a network; nipack link brainglobe writes it"
        )


def _has_atlas(directory: str, atlas: str) -> bool:
    try:
        return any(name.startswith(f"{atlas}_v") for name in os.listdir(directory))
    except OSError:
        return False


def _mne_problems(here: Surroundings) -> Iterator[str]:
    file = mne_settings(here)
    for key, said in read_json(file).items():
        is_place = key == "MNE_DATA" or re.fullmatch(r"MNE_DATASETS_\w+_PATH", key)
        if is_place and isinstance(said, str) and not os.path.isdir(here.expand(said)):
            yield (
                f"{file}: {key} is {said}, which is not there; "
                f"python -c 'import mne; mne.set_config(\"{key}\", None)'"
            )


def _is_read_only(directory: str) -> bool:
    return os.path.isdir(directory) and not may_write(directory)


def _version(name: str) -> tuple[int, ...] | None:
    """Return the numbers of a distribution's version, if this interpreter has it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return tuple(int(each) for each in re.findall(r"\d+", version(name))[:3])
    except PackageNotFoundError:
        return None
