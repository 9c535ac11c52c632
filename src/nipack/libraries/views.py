"""What installed packages offer to libraries: each view, and the files that it places where."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

from ..inventory.payload import read_json
from ..layout import CONFIG_NAME, DATA_ROOT, METADATA_NAME, RECORDS
from ..lookup.files import folder_names
from ..lookup.records import Record
from ..lookup.search import find_data_path
from ..lookup.settings import search_settings
from .table import LIBRARIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any


class View(Record):
    """How a library finds a package's files: where below its directory, and which.

    `files` are patterns of the payload's paths, of which * and ? match slashes too; `rename` has
    the names of files that are called otherwise there. With `whole` it is the directory itself.
    """

    __slots__ = ("at", "files", "library", "project", "rename", "variable", "whole")
    library: str
    at: str
    files: tuple[str, ...]
    rename: Mapping[str, str]
    whole: bool
    project: str | None
    variable: str | None

    @classmethod
    def read(cls, document: Mapping[str, Any], relpath: str) -> View:
        """Return the view that a definition states, or the package.json made from it."""
        library, at = document["library"], document.get("at")
        chosen = bool(document.get("files") or document.get("rename"))
        default_whole = LIBRARIES[library].whole and not chosen
        return cls(
            library=library,
            at=relpath.rpartition("/")[2] if at is None else at,
            files=tuple(document.get("files", ())),
            rename=dict(document.get("rename", {})),
            whole=bool(document.get("whole", default_whole)),
            project=document.get("project"),
            variable=document.get("variable"),
        )

    def document(self) -> dict[str, Any]:
        """Return it as package.json has it, without what it does not say."""
        stated = {**self.as_dict(), "files": list(self.files), "rename": dict(self.rename)}
        return {name: value for name, value in stated.items() if value}

    def places(self, paths: Iterable[str]) -> dict[str, str]:
        """Return each path below the library's directory, with the payload's path that it is of."""
        return dict(self.pairs(paths))

    def pairs(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield each path below the library's directory, and the payload's path that it is of.

        Without `files`, those of `rename`, and else all. config.ini is nibabel's, and never among
        them.
        """
        wanted = self.files or (() if self.rename else ("*",))
        for path in paths:
            if path in self.rename:
                yield below(self.at, self.rename[path]), path
            elif path != CONFIG_NAME and any(fnmatchcase(path, each) for each in wanted):
                yield below(self.at, path), path


def below(at: str, name: str) -> str:
    """Return a name below a place, which is `.` for the library's directory itself."""
    return name if at in ("", ".") else f"{at}/{name}"


class Offer(Record):
    """A view of an installed package: its data directory, and what the package is called."""

    __slots__ = ("directory", "package", "view")
    package: str
    directory: str
    view: View

    def files(self) -> list[str]:
        """Return the payload's paths, sorted, with forward slashes."""
        return sorted(_paths(self.directory))


def roots() -> tuple[str, ...]:
    """Return the roots that data is looked for in, in order."""
    return tuple(root.path for root in find_data_path(search_settings()).roots)


def offers(wanted: Iterable[str] = ()) -> Iterator[Offer]:
    """Yield every view of installed data, the root that is searched first before the others.

    Data below an umbrella that is a library's directory as it is has a view without saying so.
    """
    names = set(wanted)
    for root in dict.fromkeys(map(os.path.abspath, roots())):
        stated = {}
        for package, document in _records(root):
            relpath = document["relpath"]
            for view in stated_views(document):
                stated[relpath, view.library] = True
                if not names or view.library in names:
                    directory = os.path.join(root, *relpath.split("/"))
                    yield Offer(package=package, directory=directory, view=view)
        yield from _umbrellas(root, names, stated)


def stated_views(document: Mapping[str, Any]) -> Iterator[View]:
    """Yield the views that a package.json states; of what is not of their form, nothing."""
    listed = document.get("views")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and _is_sound(each):
            yield View.read(each, document["relpath"])


def umbrella_view(relpath: str) -> View | None:
    """Return the view that data has by its umbrella alone, or None."""
    umbrella, _, at = relpath.partition("/")
    for library in LIBRARIES.values():
        if library.umbrella == umbrella and at:
            return View.read({"library": library.name, "at": at}, relpath)
    return None


def is_place(text: object) -> bool:
    """Tell whether a text is a path below a directory that cannot lead out of it."""
    if not isinstance(text, str) or not text.isprintable() or "\\" in text or ":" in text:
        return False
    return text == "." or not any(name in ("", ".", "..") for name in text.split("/"))


def _is_sound(document: Mapping[str, Any]) -> bool:
    """Tell whether a view is of the form that nipack writes: a stranger's may lead anywhere."""
    files, rename = document.get("files", []), document.get("rename", {})
    words = [document.get(name) for name in ("project", "variable")]
    return (
        document.get("library") in LIBRARIES
        and is_place(document.get("at", "."))
        and isinstance(files, list)
        and all(isinstance(each, str) for each in files)
        and isinstance(rename, dict)
        and all(map(is_place, rename.values()))
        and all(each is None or is_place(each) for each in words)
    )


def _records(root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and package.json of each package whose data is there, below a root."""
    above, name = os.path.split(os.path.normpath(root))
    if os.path.join(os.path.basename(above), name) != os.path.join(*DATA_ROOT.split("/")):
        return
    records = os.path.join(os.path.dirname(above), *RECORDS.split("/"))
    for folder in folder_names(records):
        document = read_json(os.path.join(records, folder, METADATA_NAME))
        relpath = document.get("relpath")
        # The whole of several parts says what the one with the config.ini says.
        if "parts" in document or not is_place(relpath):
            continue
        if os.path.isdir(os.path.join(root, *str(relpath).split("/"))):
            whole = document.get("part_of")
            yield whole if isinstance(whole, str) and whole.isprintable() else folder, document


def _umbrellas(
    root: str, wanted: set[str], stated: Mapping[tuple[str, str], bool]
) -> Iterator[Offer]:
    for library in LIBRARIES.values():
        if library.umbrella is None or (wanted and library.name not in wanted):
            continue
        above = os.path.join(root, library.umbrella)
        for name in folder_names(above):
            relpath, directory = f"{library.umbrella}/{name}", os.path.join(above, name)
            view = umbrella_view(relpath)
            is_data = os.path.isfile(os.path.join(directory, CONFIG_NAME))
            if view and is_data and (relpath, library.name) not in stated:
                yield Offer(package=relpath, directory=directory, view=view)


def _paths(directory: str, inside: str = "") -> Iterator[str]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield from _paths(entry.path, f"{inside}{entry.name}/")
        elif entry.is_file():
            yield f"{inside}{entry.name}"
