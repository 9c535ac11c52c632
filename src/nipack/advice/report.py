"""Say in words what a search found: why there is nothing, or what was chosen and why."""

from __future__ import annotations

import os

from ..environment import get_nipy_user_dir
from ..inventory.owners import GET, conda_cache_of, find_owner, installed_from, root_of
from ..layout import payload_directory
from ..lookup.errors import DataError
from ..lookup.records import Record
from ..lookup.search import EMPTY, LEFTOVER
from .commands import (
    install_command,
    installable_name,
    quoted,
    reinstall_command,
    remove_command,
    system_of,
    this_interpreter,
)
from .nearest import alternatives
from .sources import deb_near_by, in_apt_archive, is_published, offered

# Of a terminal as it opens: what is folded there is no table any more.
MOST_COLUMNS = 80

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..inventory.owners import Owner
    from ..lookup.search import Candidate, IniProblem, Wanted
    from .near_misses import NearMiss
    from .nibabel_choice import NibabelChoice


class Explanation(Record):
    """A search, with all that was looked at and why; `str()` of it is a table for people.

    `tried` has every root in order. `mistakes` are those in the settings that name the roots.
    `near_misses` are places that the search does not look at. `alike` are the relpaths below the
    roots that may be meant, where there is nothing at, or near, the one that is wanted.
    `nibabel` is what unmodified nibabel would choose; None where it was not asked for.
    """

    __slots__ = ("alike", "mistakes", "near_misses", "nibabel", "problems", "tried", "wanted")
    wanted: Wanted
    tried: tuple[Candidate, ...]
    problems: tuple[IniProblem, ...]
    mistakes: tuple[str, ...]
    near_misses: tuple[NearMiss, ...]
    alike: tuple[str, ...]
    nibabel: NibabelChoice | None

    @property
    def chosen(self) -> Candidate | None:
        """What `make_datasource` takes; None where nothing is usable."""
        return next((each for each in self.tried if each.status == "chosen"), None)

    @property
    def nowhere(self) -> bool:
        """Whether there is no trace of the data: nothing in any root, or near, or alike."""
        traces = self.mistakes or self.near_misses or self.alike
        return not traces and all(each.status in ("absent", "repeated") for each in self.tried)

    def __str__(self) -> str:
        """Return it as text."""
        return explanation_text(self)


def failure(found: Explanation, *, hinted: bool = False) -> str:
    """Return the message for data that was not found, or found in no usable state.

    The search may be later than the one that failed: what is there by now is said.
    """
    if found.chosen is not None:
        return (
            f"{found.wanted.relpath} was not found, but by now version {found.chosen.version} is "
            f"in {found.chosen.path}: start the program again, or look it up once more"
        )
    # Each place once: who installs data does not care how often a place is named.
    tried = [each for each in found.tried if each.status != "repeated"]
    blocks = [first_line(found.wanted, tried)]
    if tried:
        blocks.append("Tried, in this order:\n" + _table(tried))
    return "\n\n".join([*blocks, *remarks(found), *what_to_install(found, hinted=hinted)])


def installation(found: Explanation) -> list[str]:
    """Return the command that installs the data for this interpreter, where there can be one.

    There is none for what seems to be mistyped: it would install something else, or nothing.
    """
    package = installable_name(found.wanted.relpath, found.wanted.name)
    if package is None or (found.alike and found.wanted.name is None):
        return []
    again = _reinstallation(found)
    if again:
        return again
    there = this_interpreter()
    if not is_published(package, there):
        return []
    # Where an old one is installed, some installers are content with it unless told what is wanted.
    outdated = any(candidate.status == "too old" for candidate in found.tried)
    minimum = found.wanted.minimum if outdated else None
    return [install_command(package, there, minimum=minimum)]


# What no new copy would fix.
_NOT_TO_BE_MENDED = ("absent", "repeated", "unreadable")


def _reinstallation(found: Explanation) -> list[str]:
    """Return the commands for a package that is installed, but cannot be used.

    An installer does nothing for what it has installed already, unless it is told to.
    """
    if any(each.status == "too old" for each in found.tried):
        return []  # a newer one is wanted, and replaces it
    for each in found.tried:
        if each.status not in _NOT_TO_BE_MENDED:
            owner = find_owner(each.path, found.wanted.relpath)
            if owner.name is not None:
                return reinstallation(each.path, found.wanted.relpath, owner)
    return []


def reinstallation(path: str, relpath: str, owner: Owner) -> list[str]:
    """Return the lines that put a package's files there again, over what is damaged."""
    assert owner.name is not None
    if owner.manager == GET:
        root = root_of(path, relpath)
        own = os.path.abspath(get_nipy_user_dir())
        into = "" if root is None or root == own else f" --into {quoted(root)}"
        return [remove_command(path), f"nipack get {owner.name}{into}"]
    # All of it is below share, which is the first of the inner names.
    prefix = os.path.dirname(os.path.abspath(path)[: -len(payload_directory(relpath))] + "x")
    top = system_of(prefix)
    if owner.manager == "dpkg" and not in_apt_archive(owner.name, top):
        # apt downloads nothing that no archive has.
        return [_deb_again(owner, top)]
    file = installed_from(prefix, owner) if owner.manager in ("conda", "pip") else None
    if file is not None and not os.path.exists(file):
        # By its name it could be a stranger's.
        return [_file_again(owner, file)]
    again = reinstall_command(owner.manager, file or owner.name, prefix=prefix)
    if owner.manager == "conda":
        # Its files are hard links with the cache, whose damage would be linked again.
        cache = conda_cache_of(prefix, owner.name)
        if cache is not None and not _is_intact(os.path.join(cache, payload_directory(relpath))):
            remove = "rmdir /s /q" if os.name == "nt" else "rm -r"
            return [f"{remove} {quoted(cache)}", again]
    return [again]


def _file_again(owner: Owner, file: str) -> str:
    """Return how a package comes back that was installed from a file that is gone."""
    kind = "conda" if owner.manager == "conda" else "wheel"
    build = f"nipack build -f {kind} {owner.name}-VERSION.tar.gz"
    return (
        f"{owner.name} was installed from {file}, which is gone: "
        f"put it there again ({build}), and ask again"
    )


def _deb_again(owner: Owner, top: str) -> str:
    """Return how the .deb is installed again that was installed by hand."""
    found = deb_near_by(f"{owner.name}", f"{owner.version}")
    if found is not None:
        root = "" if top == os.path.sep else f"--root={quoted(top)} "
        return f"sudo dpkg {root}-i {quoted(found)}"
    name = f"{owner.name} {owner.version}"
    build = f"nipack build -f deb {owner.name}-VERSION.tar.gz"
    return (
        f"no archive of apt has {name}: build its .deb again ({build}) and look the data up again "
        "in the folder that has it"
    )


def _is_intact(directory: str) -> bool:
    """Tell whether a copy has a manifest and is as that says, by every byte."""
    # Most programs that ask for data never come here.
    from ..inventory.copies import copy_at
    from ..inventory.payload import find_manifest
    from ..inventory.verification import verify_copies
    from ..lookup.settings import search_settings

    try:
        manifest = find_manifest(directory)
        if manifest is None:
            return False
        [found] = verify_copies([copy_at(directory)], search_settings(), manifest=manifest)
    except DataError:
        return False
    return found.state == "intact"


def first_line(wanted: Wanted, tried: Sequence[Candidate]) -> str:
    """Return why the data was not found, in one line."""
    relpath = wanted.relpath
    tried = [each for each in tried if each.status != "repeated"]
    there = [each for each in tried if each.status != "absent"]
    if not tried:
        return f"{relpath} is not found: the data path is empty"
    if not there:
        places = "the one place" if len(tried) == 1 else f"any of the {len(tried)} places"
        return f"{relpath} is not installed in {places} where it is looked for"
    old = [candidate for candidate in there if candidate.status == "too old"]
    if old:
        versions = list(dict.fromkeys(str(candidate.version) for candidate in old))
        are = "are" if versions[1:] else "is"
        listed = " and ".join(versions)
        return f"{relpath} {listed} {are} installed, but {wanted.minimum} or newer is needed"
    held = [each for each in there if not is_without_data(each)]
    path, reason = (held or there)[0].path, (held or there)[0].reason
    if not held:
        is_what = "is an empty directory" if reason == EMPTY else f"holds {reason}"
        return f"{relpath} is not installed: {path} {is_what}"
    if reason.startswith("cannot be read"):
        return f"{relpath} may be in {path}, which {reason}"
    return f"{relpath} is in {path}, but cannot be used: {reason}"


def is_without_data(candidate: Candidate) -> bool:
    """Tell whether a place is there, and holds no file of anybody's."""
    return candidate.reason in (EMPTY, LEFTOVER)


def remarks(found: Explanation) -> list[str]:
    """Return a block of text for each kind of thing there is to say beside the search itself."""
    return [*mistaken(found), *near_by(found)]


def causes(found: Explanation) -> list[str]:
    """Return what is to be put right before anything else: rights, and settings that mislead."""
    return [*_unreadable(found), *found.mistakes]


def mistaken(found: Explanation, *, with_causes: bool = True) -> list[str]:
    """Return a block of text for each kind of mistake."""
    blocks = []
    if found.alike:
        blocks.append(f"Did you mean {alternatives(list(found.alike))}, which is installed?")
    if found.problems:
        blocks.append(_block("Skipped", map(str, found.problems)))
    first = causes(found) if with_causes else []
    if first:
        blocks.append(_block("To fix this", first))
    return blocks


def _unreadable(found: Explanation) -> Iterator[str]:
    """Yield what lets this user read what is there: to install it again would not."""
    for each in found.tried:
        if each.status == "unreadable" and "Permission denied" in each.reason:
            yield f"{each.path}: {_closed(each.path)}"


def _closed(path: str) -> str:
    """Return who has closed a directory, or one above it, and how it is opened."""
    place = path
    while os.path.dirname(place) != place and not os.path.exists(place):
        place = os.path.dirname(place)
    try:
        found = os.stat(place)
    except OSError:
        return "make it readable"
    owner, opened = f"user {found.st_uid}", f"chmod -R a+rX {quoted(place)}"
    mode = f"{found.st_mode & 0o7777:04o}"
    return f"{place} is of {owner}, with mode {mode}; let its owner, or root, run: {opened}"


def near_by(found: Explanation) -> list[str]:
    """Return the block of the places that are not looked at, where there are any."""
    lines = [line for near in found.near_misses for line in _near_lines(near)]
    return [_block("Not searched, but there", lines)] if lines else []


def _near_lines(near: NearMiss) -> list[str]:
    """Return what is near, why it is not found, and what to do: a line for what may be copied."""
    version = "" if near.version is None else f"version {near.version}, "
    command, other, setting = near.remedy.partition(", or write ")
    lines = [near.path, f"  {version}{near.reason}", f"  to use it: {command}"]
    return [*lines, f"  or write {setting}"] if other else lines


def explanation_text(found: Explanation) -> str:
    """Return a whole search as text."""
    table = [_table(found.tried, mark=True)] if found.tried else []
    return "\n\n".join([choice(found), *table, *conclusions(found), *what_to_install(found)])


def what_to_install(found: Explanation, *, hinted: bool = False) -> list[str]:
    """Return the block that says how the data is installed, where it is not there.

    `hinted` is where the author of what asks for the data says it, too.
    """
    package = installable_name(found.wanted.relpath, found.wanted.name)
    if found.chosen or package is None or (found.alike and found.wanted.name is None):
        return []
    commands = installation(found)
    if commands:
        return [_block(f"To install {package} for this interpreter", commands)]
    there = offered(found.wanted.relpath, found.wanted.minimum)
    if there is not None:
        title = f"To get {there.package} from the repository {there.repository}"
        return [_block(title, [f"nipack get {there.package}"])]
    if hinted or found.near_misses or any(each.status == "unreadable" for each in found.tried):
        return []  # its author, or what is there, says more
    return [nobody_publishes(package)]


def nobody_publishes(package: str) -> str:
    """Return what to do for a package that no source on this machine is known to have."""
    release = f"{package}-VERSION.tar.gz"
    lines = [
        f"put its release, {release}, into {os.path.join('~', 'Downloads')} and ask again, or",
        f"make packages of it: nipack build {release}",
    ]
    return _block(f"No package manager here is known to have {package}", lines)


def choice(found: Explanation) -> str:
    """Return what was chosen, or why nothing was, in one line."""
    chosen = found.chosen
    if chosen is None:
        return first_line(found.wanted, found.tried)
    return f"{found.wanted.relpath} {chosen.version} is in {chosen.path}"


def conclusions(found: Explanation) -> list[str]:
    """Return a block of text for each kind of thing that follows from a search."""
    return [*remarks(found), *nibabel_differs(found)]


def nibabel_differs(found: Explanation) -> list[str]:
    """Return the block of what unmodified nibabel does instead, where it does."""
    nibabel = found.nibabel
    if nibabel is not None and nibabel.differs:
        lines = [str(nibabel), f"for the same as nipack's: {nibabel.remedy}"]
        return [_block("Unmodified nibabel differs", lines)]
    return []


def _block(title: str, lines: Iterable[str]) -> str:
    return f"{title}:\n" + "\n".join(f"  {line}" for line in lines)


def _table(tried: Sequence[Candidate], *, mark: bool = False) -> str:
    """Return a line for each place, or two where one line of them would be too long."""
    width = max(len(candidate.path) for candidate in tried)
    marks = ["* " if mark and candidate.status == "chosen" else "  " for candidate in tried]
    found = [f"{candidate.reason}  [{candidate.root.origin}]" for candidate in tried]
    fits = 4 + width + max(map(len, found)) <= MOST_COLUMNS
    return "\n".join(
        f"{mark}{each.path:{width}}  {text}" if fits else f"{mark}{each.path}\n    {text}"
        for mark, each, text in zip(marks, tried, found, strict=True)
    )
