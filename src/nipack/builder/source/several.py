"""Make the data directory of several sources: files, and what is taken of archives."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from nipack.builder.definition.sources import Source, SourceArchive, SourceFile, Sources
from nipack.builder.package import SourcePart
from nipack.builder.source.together import Fetched, fetch_together
from nipack.builder.source.tree import SourceTree, record_of
from nipack.builder.source.unpack import leads_out, unpack
from nipack.system.address import public_address
from nipack.system.errors import SourceError
from nipack.system.foreign import why_unplaceable
from nipack.system.hashing import CHUNK
from nipack.system.progress import Reporter


@dataclass(slots=True)
class _Making:
    """The data directory while it is made, and what is wrong with it.

    `links` are made at last: their place, their target, and what a message says of them; `newest`
    is the latest time of an archive's files, in seconds since 1970.
    """

    data: Path
    newest: int = 0
    links: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def open_sources(
    sources: Sources,
    workspace: Path,
    reporter: Reporter,
    *,
    shown: str,
    offline: bool = False,
) -> SourceTree:
    """Return the data directory that several sources make, below `workspace`.

    Messages call it `shown`.  Raises SourceError with everything that was not fetched, or with
    everything that cannot be put where it should be.
    """
    wanted = [*(each.source for each in sources.files), *(one.source for one in sources.archives)]
    fetched = fetch_together(wanted, reporter, offline=offline)
    making = _Making(workspace / "source" / "data")
    making.data.mkdir(parents=True)
    archives = fetched[len(sources.files) :]
    parts = [_put_file(*each, making) for each in zip(sources.files, fetched, strict=False)]
    for number, (archive, found) in enumerate(zip(sources.archives, archives, strict=True)):
        folder = workspace / "source" / f"archive-{number}"
        advance = reporter.step("unpack", found[0].stat().st_size)
        time = unpack(found[0], folder, advance, shown=public_address(archive.source.address))
        making.newest = max(making.newest, time or 0)
        parts.append(_put_members(archive, found, folder, making))
        shutil.rmtree(folder)
    _make_links(making)
    if making.problems:
        raise SourceError("\n".join(making.problems))
    return SourceTree(
        address=shown,
        directory=making.data,
        unpacked=making.data,
        newest=making.newest or None,
        is_data=True,
        parts=tuple(part for part in parts if part.places),
    )


def _part(
    source: Source,
    fetched: Fetched,
    places: Sequence[tuple[str | None, str]],
    top: str | None = None,
) -> SourcePart:
    path, digests = fetched
    address = public_address(source.address)
    return SourcePart(
        record=record_of(address, digests),
        address=source.address if address.startswith("https://") else None,
        path=path,
        size=path.stat().st_size,
        places=tuple(places),
        top=top,
    )


def _put_file(file: SourceFile, fetched: Fetched, making: _Making) -> SourcePart:
    # What lies in the cache is never changed, and what somebody else has may be at any time.
    link = file.source.address.startswith("https://")
    reason = _put(fetched[0], making.data, file.path, link=link)
    if reason:
        place = f"{_named(file.source)}: it cannot be put at {file.path}"
        making.problems.append(f"{place}: {reason}; change its path")
    return _part(file.source, fetched, [(None, file.path)])


def _named(source: Source) -> str:
    address = public_address(source.address)
    return f"{source.place}: {address}" if source.place else address


def _put(path: Path, data: Path, name: str, *, link: bool) -> str:
    """Put a file at its place; return why that is not possible, or nothing."""
    target = data / name
    with _reasons() as reasons:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (link and _is_linked(path, target)):
            with path.open("rb") as source, target.open("xb") as output:
                shutil.copyfileobj(source, output, CHUNK)
    return "".join(reasons)


@contextmanager
def _reasons() -> Iterator[list[str]]:
    """Note why a name cannot be had, where that is the name's fault."""
    reasons: list[str] = []
    try:
        yield reasons
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        reasons.append("a file is there already, or has the name of its folder")
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        reasons.append("the name is too long for this machine")


def _is_linked(path: Path, target: Path) -> bool:
    """Give a file a second name, where both are on one file system that can."""
    try:
        os.link(path, target)
    except OSError:
        return False
    return True


def _put_members(
    archive: SourceArchive, fetched: Fetched, folder: Path, making: _Making
) -> SourcePart:
    """Move what is wanted of an unpacked archive to its place."""
    named, places, members = _named(archive.source), [], list(_members(folder))
    unused, top = set(archive.take), _top_of(folder)
    for member in members:
        inner = "/".join(member.split("/")[archive.strip :])
        matching = {pattern for pattern in archive.take if fnmatchcase(inner, pattern)}
        if not inner or (archive.take and not matching):
            continue
        unused -= matching
        name = f"{archive.into}/{inner}" if archive.into else inner
        place = f"{named}: {member} cannot be put at {name}"
        reason = why_unplaceable(name) or _moved(folder / member, name, place, making)
        if reason:
            making.problems.append(f"{place}: {reason}; change into, or take less")
        places.append((member, name))
    of = f"it has {len(members):,}, such as {members[0]}" if members else "it has none"
    for pattern in sorted(unused):
        problem = f"{named}: none of its members matches '{pattern}' of take: {of}"
        making.problems.append(f"{problem}; correct it")
    if not places and not unused:
        problem = f"{named}: none of its members is below {archive.strip} folders: {of}"
        making.problems.append(f"{problem}; make strip smaller")
    return _part(archive.source, fetched, places, top)


def _top_of(folder: Path) -> str | None:
    """Return the one folder that everything in an archive is in, None where there is none."""
    with os.scandir(folder) as entries:
        found = list(entries)
    alone = len(found) == 1 and found[0].is_dir(follow_symlinks=False)
    return found[0].name if alone else None


def _members(folder: Path) -> Iterator[str]:
    """Yield the paths of the files and links below a folder, in order."""
    found = []
    for parent, folders, files in os.walk(folder):
        inner = Path(parent).relative_to(folder)
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [(inner / name).as_posix() for name in (*files, *links)]
    yield from sorted(found, key=os.fsencode)


def _moved(path: Path, name: str, place: str, making: _Making) -> str:
    """Move a member to its place, a link at last; return why that is not possible, or nothing."""
    if path.is_symlink():
        making.links.append((name, os.readlink(path), place))
        return ""
    target = making.data / name
    with _reasons() as reasons:
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            raise FileExistsError  # a rename would take its place
        path.rename(target)
    return "".join(reasons)


def _make_links(making: _Making) -> None:
    """Make the links when nothing is written any more, so that nothing goes through one.

    A link that stayed inside its archive may lead out of the data without its leading folders.
    """
    for name, target, place in making.links:
        path = making.data / name
        reasons: list[str] = []
        if leads_out(name, target):
            reasons.append(f"it is a link that leaves the data, to {target}")
        elif any((making.data / each).is_symlink() for each in PurePosixPath(name).parents):
            reasons.append("it is below another link")
        else:
            with _reasons() as reasons:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(target)
        making.problems += [f"{place}: {reason}; take less" for reason in reasons]
