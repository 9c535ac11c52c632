"""The variables and binds by which installed data is found without links: `nipack env`.

No package sets one of them: most libraries have one directory for all that they read and write, and
with that in a place where nobody may write, they fetch nothing else.
"""

from __future__ import annotations

import os

from ..lookup.records import Record
from .linking import known
from .shells import HOME, assignment, quoted
from .skeleton import README
from .table import LIBRARIES, Surroundings, library_directories
from .views import offers, roots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .table import Library


class Export(Record):
    """A variable for a library, and what it brings with it.

    In `value` HOME stands for the home of whoever sets it: an administrator sets it for others.
    """

    __slots__ = ("library", "name", "note", "value")
    library: str
    name: str
    value: str
    note: str


_ONE_PLACE = "only what is installed is found then, and nothing else can be fetched"
_NOTES = {
    "templateflow": _ONE_PLACE,
    "mne": f"{_ONE_PLACE}; mne keeps the path in its own configuration, where it outlives this",
    "nilearn": "your own directory comes first; new data goes there",
    "nimare": "your own directory comes first; new data goes there",
}


def exports(
    libraries: Iterable[str] = (), *, tree: str | None = None, here: Surroundings | None = None
) -> tuple[Export, ...]:
    """Return the variables for these libraries, or for all that data is installed for.

    They name the umbrella that is a library's directory as it is, or, with a `tree`, what
    `nipack link --root` made there. Raises DataError for a library that is not known.
    """
    here = here or Surroundings.now()
    names = known(libraries) or tuple(LIBRARIES)
    found = (each for name in names for each in _of_library(LIBRARIES[name], tree, here))
    return tuple(found)


def _of_library(library: Library, tree: str | None, here: Surroundings) -> Iterator[Export]:
    if not library.variables:
        return
    place = _tree_place(library, tree) if tree is not None else _umbrella(library)
    if place is None:
        return
    value = place
    if library.shared:
        value = os.pathsep.join([*_own(library, place, here), place])
    note = _NOTES.get(library.name, _ONE_PLACE)
    if library.name == "nilearn" and not os.path.exists(os.path.join(place, README)):
        note += (
            f"; {place} has no {README}, which nilearn wants to write there, so that each download "
            "of anything fails: nipack link nilearn --root DIR makes a tree that has one"
        )
    yield Export(
        library=library.name, name=library.shared or library.variables[0], value=value, note=note
    )
    if library.name == "templateflow":
        note = "up to 24.2.0 it writes at every import, which fails there"
        yield Export(library=library.name, name="TEMPLATEFLOW_AUTOUPDATE", value="off", note=note)


def _own(library: Library, place: str, here: Surroundings) -> Iterator[str]:
    """Yield where a library looks without its list of shared directories, which `place` is for."""
    variables = {k: v for k, v in here.variables.items() if k != library.shared}
    alone = here.__class__(variables=variables, home=here.home, platform=here.platform)
    default = library.default(here)
    home = os.path.join(here.home, "")
    for each in library_directories(library, alone):
        if each == default and each.startswith(home) and here.platform != "win32":
            yield f"{HOME}/{each.removeprefix(home)}"
        elif each != place:
            yield each


def _tree_place(library: Library, tree: str) -> str | None:
    place = os.path.join(os.path.abspath(os.path.expanduser(tree)), library.tree)
    return place if os.path.isdir(place) else None


def _umbrella(library: Library) -> str | None:
    """Return the first root's umbrella that is the library's directory as it is."""
    if library.umbrella is None:
        return None
    places = (os.path.join(root, library.umbrella) for root in roots())
    return next((place for place in places if os.path.isdir(place)), None)


def binds(libraries: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the roots that a container has to be given, so that links into them lead somewhere."""
    known(libraries)
    found = {}
    for offer in offers(libraries):
        for root in roots():
            if offer.directory.startswith(os.path.join(root, "")):
                found[root] = True
    return tuple(found)


def export_lines(found: Iterable[Export], shell: str) -> list[str]:
    """Return the lines that a shell reads, each variable after what it brings with it."""
    return [
        line
        for each in found
        for line in (f"# {each.library}: {each.note}", assignment(each.name, each.value, shell))
    ]


def bind_options(found: Iterable[str], shell: str = "sh") -> str:
    """Return the options of apptainer that give a container these directories, to read only."""
    return " ".join(f"--bind {quoted(f'{root}:{root}:ro', shell)}" for root in found)
