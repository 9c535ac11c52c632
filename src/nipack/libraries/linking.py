"""Link installed data into the directories of the libraries that want it there, and take it back.

What is absent, or a placeholder without a byte, becomes a link; a file of somebody's own stays, and
is told of; a link of ours that leads to nothing is taken away. Any number of processes may do it at
the same time.
"""

from __future__ import annotations

import os

from ..lookup.errors import DataError
from ..lookup.records import Record
from .aside import clear_left
from .ledger import Ledger, ledger_file
from .placing import (
    copy_file,
    find,
    is_below,
    is_our_link,
    may_write,
    place_copy,
    place_link,
    same_bytes,
    state_of,
)
from .skeleton import Skeleton, has_content, lay_aside, remember_versions, write_readme
from .table import LIBRARIES, Surroundings, library_directories, target_directories
from .views import below, offers, roots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Literal

    from .placing import Found
    from .table import Library
    from .views import Offer

    State = Literal[
        "linked", "copied", "there", "same bytes", "other bytes", "no place", "failed", "removed"
    ]


class Placed(Record):
    """What came of one path: `linked` and `copied` are new, `there` was so before.

    `same bytes` and `other bytes` are of a file of the user's own, which stays; `path` and `source`
    are absolute. `reason` says more of what could not be done.
    """

    __slots__ = ("library", "package", "path", "reason", "source", "state")
    library: str
    package: str | None
    path: str
    source: str | None
    state: State
    reason: str


class Options(Record):
    """How it is done: for a shared tree, by copies, only said, and whether own files are read."""

    __slots__ = ("compare", "copy", "dry_run", "tree")
    tree: str | None
    copy: bool
    dry_run: bool
    compare: bool


class _Run:
    """What one run knows: the places, what was made in them, and what it is to do."""

    def __init__(self, here: Surroundings, options: Options) -> None:
        self.here = here
        self.options = options
        self.roots = roots()
        self.ledger = Ledger.read(ledger_file(here, options.tree))
        self.skeleton = Skeleton.find()
        self.directories: set[tuple[str, str]] = set()
        self.copies: dict[str, tuple[int, ...]] = {}
        self.claimed: set[str] = set()

    def wants_copy(self, source: str) -> bool:
        """Tell whether a link to a file would let a library write into what is installed."""
        if self.options.copy:
            return True
        if self.options.tree is None:
            return may_write(source)
        # A shared tree is for others: to them it matters what everybody may do.
        return bool(os.stat(source).st_mode & 0o022)


def link(
    libraries: Iterable[str] = (),
    *,
    tree: str | None = None,
    copy: bool = False,
    dry_run: bool = False,
    compare: bool = True,
    here: Surroundings | None = None,
) -> tuple[Placed, ...]:
    """Link what is installed for these libraries, or for all; raises DataError for one unknown.

    With a `tree` it is put below that directory, in a folder for each library, rather than into
    the user's. Without `compare`, a file of the user's own is not read: it has `other bytes`.
    """
    wanted = known(libraries)
    tree = os.path.abspath(os.path.expanduser(tree)) if tree is not None else None
    options = Options(tree=tree, copy=copy, dry_run=dry_run, compare=compare)
    run = _Run(here or Surroundings.now(), options)
    pruned = list(_prune(run, wanted, everything=False))
    made = [each for offer in offers(wanted) for each in _link_offer(run, offer)]
    if not dry_run:
        run.ledger.add(run.directories, run.copies)
    return (*pruned, *made)


def unlink(
    libraries: Iterable[str] = (),
    *,
    tree: str | None = None,
    dry_run: bool = False,
    here: Surroundings | None = None,
) -> tuple[Placed, ...]:
    """Take away every link and unchanged copy that was made for these libraries, or for all."""
    wanted = known(libraries)
    tree = os.path.abspath(os.path.expanduser(tree)) if tree is not None else None
    options = Options(tree=tree, copy=False, dry_run=dry_run, compare=False)
    run = _Run(here or Surroundings.now(), options)
    return tuple(_prune(run, wanted, everything=True))


def known(libraries: Iterable[str]) -> tuple[str, ...]:
    """Return the libraries' names, every one of which is known, or raise DataError."""
    names = tuple(libraries)
    unknown = [name for name in names if name not in LIBRARIES]
    if unknown:
        listed = ", ".join(sorted(LIBRARIES))
        raise DataError(f"{', '.join(unknown)}: unknown library; known are {listed}")
    return names


def homes(offer: Offer, here: Surroundings, tree: str | None) -> tuple[str, ...]:
    """Return the library's directories that an offer belongs into."""
    library = LIBRARIES[offer.view.library]
    if tree is None:
        return tuple(map(os.path.abspath, target_directories(library, offer.view, here)))
    return (os.path.join(tree, offer.view.project or library.tree),)


def _link_offer(run: _Run, offer: Offer) -> Iterator[Placed]:
    library = LIBRARIES[offer.view.library]
    places = homes(offer, run.here, run.options.tree)
    if not places:
        reason = f"{library.name} has no directory here; set {' or '.join(library.variables)}"
        reason = reason if library.variables else f"{library.name} has not been used here yet"
        yield _placed(offer, "", None, "no place", reason)
    for home in places:
        try:
            reason = _prepare(run, library, home)
        except OSError as error:
            reason = f"{error.strerror or error}; make it writable, or name another directory"
        if reason:
            yield _placed(offer, home, None, "no place", reason)
        else:
            yield from _link_into(run, offer, home)


def _prepare(run: _Run, library: Library, home: str) -> str:
    """Lay what must be there first; return why nothing can be linked there, or nothing."""
    if _leads_into_data(run, home):
        return ""
    if library.name == "templateflow" and not has_content(home):
        if run.skeleton.file is None and run.options.tree is None:
            return (
                "it is empty, and no templateflow client is installed beside this nipack to fill "
                "it; run python -c 'import templateflow' where the client is, then this again"
            )
        if not run.options.dry_run:
            run.skeleton.lay(home)
    elif library.name == "templateflow" and not run.options.dry_run and run.options.tree is None:
        # Where links were made before there was a client, it knows of nothing else.
        run.skeleton.complete(home)
    if library.name == "nilearn" and run.options.tree is not None and not run.options.dry_run:
        os.makedirs(home, exist_ok=True)
        write_readme(home)
    return ""


def _leads_into_data(run: _Run, directory: str) -> bool:
    """Tell whether a directory is, or leads to, one of installed data."""
    real = os.path.realpath(directory)
    return is_below(os.path.join(real, "x"), map(os.path.realpath, run.roots))


def _link_into(run: _Run, offer: Offer, home: str) -> Iterator[Placed]:
    view = offer.view
    if view.whole:
        yield from _link_whole(run, offer, home)
    else:
        for name, path in view.places(offer.files()).items():
            source = os.path.join(offer.directory, *path.split("/"))
            yield from _link_file(run, offer, (home, name), source)
    if view.library == "brainglobe" and not run.options.dry_run:
        name, found, version = view.at.rpartition("_v")
        if found and "/" not in name and os.path.isdir(os.path.join(home, view.at)):
            remember_versions(home, {name: version})


def _link_file(run: _Run, offer: Offer, at: tuple[str, str], source: str) -> Iterator[Placed]:
    home, name = at
    place = os.path.join(home, *name.split("/"))
    if place in run.claimed or (os.path.isfile(source) and not os.path.getsize(source)):
        return
    run.claimed.add(place)
    found = find(place, source, run.roots, run.ledger.copies.get(place))
    try:
        state, reason = _place(run, place, source, found)
    except OSError as error:
        state, reason = (
            "failed",
            f"{error.strerror or error}; check the permissions of its directory",
        )
    if state == "there" and not run.options.dry_run:
        clear_left(os.path.dirname(place))  # of a call that was killed once its link was there
    if state in ("linked", "copied", "there"):
        run.directories.add((offer.view.library, os.path.dirname(place)))
    yield _placed(offer, place, source, state, reason)


def _place(run: _Run, place: str, source: str, found: Found) -> tuple[State, str]:
    if found == "own":
        same = run.options.compare and same_bytes(place, source)
        return ("same bytes" if same else "other bytes"), "it is not nipack's, and is kept"
    copy = run.wants_copy(source)
    # A link that was made before its file could be written is a danger now.
    if found == "ours" and not (copy and os.path.islink(place)):
        return "there", ""
    if _leads_into_data(run, os.path.dirname(place)):
        return "failed", "its directory leads into installed data; remove that link first"
    found = "stale" if found == "ours" else found
    if run.options.dry_run:
        return ("copied" if copy else "linked"), ""
    if not copy:
        try:
            return ("linked" if place_link(place, source, found) else "there"), ""
        except OSError as error:
            if getattr(error, "winerror", None) != 1314:  # A right that few have on Windows.
                raise
    noted = _note(run, {place: source})
    if not place_copy(place, source, found):
        return "there", ""
    _keep_state(run, place, noted)
    return "copied", ""


def _note(run: _Run, sources: Mapping[str, str]) -> Mapping[str, tuple[int, ...]]:
    """Note copies before they are made, for this process may be killed before it has told of them.

    A copy has its source's size and time; what is there in its place has another, and stays.
    """
    states = {place: state_of(source) for place, source in sources.items()}
    run.ledger.add((), states)
    return states


def _keep_state(run: _Run, place: str, noted: Mapping[str, tuple[int, ...]]) -> None:
    """Keep the state of a copy whose time the disk has rounded."""
    made = state_of(place)
    if made != noted.get(place):
        run.copies[place] = made


def _link_whole(run: _Run, offer: Offer, home: str) -> Iterator[Placed]:
    """Link a directory as one where nobody can write into it, and else make it of links."""
    place = os.path.join(home, *offer.view.at.split("/"))
    if place in run.claimed:
        return
    source = offer.directory
    found = find(place, source, run.roots, None)
    if found == "ours" and not may_write(source):
        run.directories.add((offer.view.library, os.path.dirname(place)))
        yield _placed(offer, place, source, "there", "")
    elif found == "own" and not _is_made(run, offer, home):
        reason = "a directory of your own is there, and is kept"
        yield _placed(offer, place, source, "other bytes", reason)
    elif found != "own" and not run.options.copy and not may_write(source):
        yield from _link_file(run, offer, (home, offer.view.at), source)
    else:
        yield from _mirror(run, offer, (home, place), found)


def _is_made(run: _Run, offer: Offer, home: str) -> bool:
    """Tell whether a directory was made by us, of links and copies, or is empty."""
    place = os.path.join(home, *offer.view.at.split("/"))
    if os.path.islink(place) or not os.path.isdir(place):
        return False
    if not has_content(place) or any(each == place for _, each in run.ledger.directories):
        return True
    return any(
        find(os.path.join(home, *name.split("/")), source, run.roots, None) == "ours"
        for name, source in _mirrored(offer).items()
    )


def _mirrored(offer: Offer) -> dict[str, str]:
    """Return each file of a whole directory, by its path below the library's."""
    names = offer.view.replace(whole=False, files=("*",)).places(offer.files())
    return {name: os.path.join(offer.directory, *path.split("/")) for name, path in names.items()}


def _mirror(run: _Run, offer: Offer, at: tuple[str, str], found: Found) -> Iterator[Placed]:
    home, place = at
    sources = _mirrored(offer)
    if not run.options.dry_run and not has_content(place):
        try:
            if found in ("ours", "stale") and os.path.islink(place):
                os.unlink(place)
            copied = {name: each for name, each in sources.items() if run.wants_copy(each)}
            noted = _note(
                run, {os.path.join(home, *name.split("/")): each for name, each in copied.items()}
            )
            lay_aside(place, lambda aside: _fill(run, aside, offer.view.at, sources))
        except OSError as error:
            reason = f"{error.strerror or error}; check the permissions of its directory"
            yield _placed(offer, place, offer.directory, "failed", reason)
            return
        run.directories.add((offer.view.library, place))
        for name, source in sources.items():
            path = os.path.join(home, *name.split("/"))
            if os.path.lexists(path):
                run.directories.add((offer.view.library, os.path.dirname(path)))
                is_link = os.path.islink(path)
                if not is_link:
                    _keep_state(run, path, noted)
                yield _placed(offer, path, source, "linked" if is_link else "copied", "")
        return
    for name, source in sources.items():
        yield from _link_file(run, offer, (home, name), source)


def _fill(run: _Run, aside: str, at: str, sources: dict[str, str]) -> None:
    for name, source in sources.items():
        inside = name if at in ("", ".") else name.removeprefix(below(at, ""))
        path = os.path.join(aside, *inside.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if run.wants_copy(source):
            copy_file(source, path)
        else:
            os.symlink(source, path)


def leads_nowhere(path: str) -> bool:
    """Tell whether a path is a link to what is not there."""
    return os.path.islink(path) and not os.path.exists(path)


def _prune(run: _Run, wanted: Sequence[str], *, everything: bool) -> Iterator[Placed]:
    """Take away our links that lead to nothing; with `everything`, the others too, and copies."""
    for library, directory in sorted(run.ledger.directories | set(_present(run, wanted))):
        if wanted and library not in wanted:
            continue
        for name in _names(directory):
            path = os.path.join(directory, name)
            if _is_to_go(run, path, everything=everything):
                try:
                    if not run.options.dry_run:
                        os.unlink(path)
                        _restore(run, library, path)
                except OSError as error:
                    yield _removed(library, path, "failed", error.strerror or str(error))
                else:
                    yield _removed(library, path, "removed", "")
        if everything and not run.options.dry_run:
            _remove_empty(directory, run, library)


def _present(run: _Run, wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the directories that TemplateFlow's links are in, be it that a ledger was lost."""
    if (not wanted or "templateflow" in wanted) and run.options.tree is None:
        for home in library_directories(LIBRARIES["templateflow"], run.here):
            for name in _names(home):
                if name.startswith("tpl-"):
                    yield "templateflow", os.path.join(home, name)


def _is_to_go(run: _Run, path: str, *, everything: bool) -> bool:
    if os.path.islink(path):
        return is_our_link(path, run.roots) and (everything or not os.path.exists(path))
    noted = run.ledger.copies.get(path)
    if noted is None or not everything:
        return False
    found = os.stat(path)
    return noted == (found.st_size, found.st_mtime_ns)


def _restore(run: _Run, library: str, path: str) -> None:
    """Put TemplateFlow's placeholder back, without which it does not know what it can fetch."""
    if library != "templateflow":
        return
    parts = path.split(os.sep)
    first = next((n for n, part in enumerate(parts) if part.startswith("tpl-")), None)
    if first is not None:
        run.skeleton.restore(os.sep.join(parts[:first]), "/".join(parts[first:]))


def _remove_empty(directory: str, run: _Run, library: str) -> None:
    """Remove a directory that was made for links, and has nothing left in it."""
    tree = run.options.tree
    homes = (tree,) if tree else library_directories(LIBRARIES[library], run.here)
    while is_below(directory, homes):
        try:
            os.rmdir(directory)
        except OSError:
            return
        directory = os.path.dirname(directory)


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _placed(offer: Offer, path: str, source: str | None, state: State, reason: str) -> Placed:
    return Placed(
        library=offer.view.library,
        package=offer.package,
        path=path,
        source=source,
        state=state,
        reason=reason,
    )


def _removed(library: str, path: str, state: State, reason: str) -> Placed:
    return Placed(library=library, package=None, path=path, source=None, state=state, reason=reason)
