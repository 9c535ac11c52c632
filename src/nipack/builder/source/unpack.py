"""Unpack an archive safely: files, folders and links that stay inside, and nothing else.

Nothing of an archive is ever run; a `setup.py` in it is a file like any other.
"""

import bz2
import errno
import io
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
from calendar import timegm
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from nipack.builder.archive.compression import malformed_archive_as
from nipack.builder.archive.streams import CountingReader, MeteredReader
from nipack.builder.archive.whole import WholeDecompressor, zip_must_be_whole
from nipack.system import fast_gzip
from nipack.system.errors import SourceError
from nipack.system.foreign import why_unsafe, why_unsafe_target
from nipack.system.hashing import CHUNK
from nipack.system.limits import how_to_raise, limits
from nipack.system.progress import Advance

if TYPE_CHECKING:
    _Reader = io.BufferedReader[CountingReader]


# What is left free on a disk, in bytes: others write to it too.
MARGIN = 16 << 20
# So many bytes may come of any archive, however small it is: label maps compress a thousandfold.
FAIR = 1 << 30
EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member of an archive; `content` is open only until the next member is asked for."""

    name: str
    kind: Literal["file", "directory", "symlink", "hardlink", "other"]
    mtime: int
    target: str = ""
    content: IO[bytes] | None = None
    description: str = ""
    executable: bool = False
    size: int = 0


@dataclass(slots=True)
class _Unpacking:
    """The state of unpacking: links come last, so that nothing is ever written through one.

    `room` is in bytes, of what the disk may still take, `fair` of what may come of the archive.
    """

    directory: Path
    shown: str
    room: int
    fair: int
    count: int = 0
    newest: int | None = None
    symlinks: list[_Member] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def unpack(archive: Path, directory: Path, advance: Advance, *, shown: str) -> int | None:
    """Unpack an archive into a new directory; return the latest time of a file in it.

    Takes files, directories and links that stay inside, and nothing else.  Raises SourceError
    with every member that it refuses; what was unpacked until then stays in `directory`.
    Messages call the archive `shown`.
    """

    def malformed(reason: str) -> SourceError:
        return SourceError(
            f"{shown}: cannot be unpacked: {reason}; it may be cut short or damaged: fetch it again"
        )

    directory.mkdir(parents=True)
    room = shutil.disk_usage(directory).free - MARGIN
    fair = max(FAIR, limits().ratio * archive.stat().st_size)
    state = _Unpacking(directory.resolve(), shown, room, fair)
    with archive.open("rb") as raw, malformed_archive_as(malformed):
        reader = io.BufferedReader(CountingReader(raw, advance), CHUNK)
        with closing(_members(reader, shown)) as members:
            for member in members:
                _count(state)
                with _names_noted(member, state):
                    _unpack_member(member, state)
    _make_symlinks(state)
    if state.problems:
        listed = "\n".join(f"  {_printable(problem)}" for problem in state.problems)
        raise SourceError(
            f"{shown}: not unpacked, for what is in it:\n{listed}\n"
            "  ask its authors for an archive of plain files and inner links"
        )
    return state.newest


def _count(state: _Unpacking) -> None:
    state.count += 1
    most = limits().members
    if state.count > most:
        raise SourceError(
            f"{state.shown}: has more than {most:,} members; {how_to_raise('members')}"
        )


def _printable(text: str) -> str:
    """Return a text with what a name should not have in it escaped: \\x1b for an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _members(raw: "_Reader", shown: str) -> Generator[_Member, None, None]:
    """Yield the members of an archive, whose kind its first bytes tell."""
    start = raw.peek()
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        zip_must_be_whole(raw)
        yield from _zip_members(raw)
        return
    with _tar_stream(raw, start, shown) as stream:
        yield from _tar_members(stream)


def _tar_stream(raw: "_Reader", start: bytes, shown: str) -> IO[bytes]:
    if start.startswith(b"\x1f\x8b"):
        return fast_gzip.open_reader(raw)
    if start.startswith(b"\xfd7zXZ\x00"):
        new = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        return io.BufferedReader(WholeDecompressor(raw, new), CHUNK)
    if start.startswith(b"BZh"):
        return io.BufferedReader(WholeDecompressor(raw, bz2.BZ2Decompressor), CHUNK)
    if start[257:262] == b"ustar":
        return raw
    page = " (it is a web page, perhaps an error message)" if b"<html" in start.lower() else ""
    raise SourceError(
        f"{shown}: not an archive that nipack reads{page}; give a "
        ".tar.gz, .tar.xz, .tar.bz2 or .zip, a data directory or a package.yaml"
    )


class _StrictTarInfo(tarfile.TarInfo):
    """TarInfo that does not take a broken header, or none, for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> "_StrictTarInfo":
        """Read the next header; raises ReadError unless it is whole, or tar's mark of the end."""
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error} at byte {tarfile_.offset:,}") from error
        except RecursionError as error:
            reason = f"headers of headers without an end at byte {tarfile_.offset:,}"
            raise tarfile.ReadError(reason) from error


def _tar_members(stream: IO[bytes]) -> Iterator[_Member]:
    source = MeteredReader(stream)
    # A header may be announced to be as large as one likes, and is read whole; tarfile reads ahead.
    source.allow(limits().header + 2 * CHUNK)
    with tarfile.open(
        fileobj=source, mode="r|", bufsize=CHUNK, encoding="utf-8", tarinfo=_StrictTarInfo
    ) as tar:
        while (info := tar.next()) is not None:
            cast("Any", tar).members.clear()  # else the memory grows with every member
            mtime = int(info.mtime)
            source.allow(None)
            if info.isreg():
                content = tar.extractfile(info)
                yield _Member(
                    name=info.name,
                    kind="file",
                    mtime=mtime,
                    content=content,
                    executable=bool(info.mode & EXECUTABLE),
                    size=info.size,
                )
                while content is not None and content.read(CHUNK):
                    pass  # of a member that was refused
            elif info.isdir():
                yield _Member(name=info.name, kind="directory", mtime=mtime)
            elif info.issym() or info.islnk():
                kind: Literal["symlink", "hardlink"] = "symlink" if info.issym() else "hardlink"
                yield _Member(name=info.name, kind=kind, mtime=mtime, target=info.linkname)
            else:
                what = _TAR_KINDS.get(info.type, f"of the unknown kind {info.type!r}")
                yield _Member(name=info.name, kind="other", mtime=mtime, description=what)
            source.allow(limits().header + 2 * CHUNK)
        source.allow(None)
        _nothing_may_follow(cast("IO[bytes]", tar.fileobj), tar.offset)


def _nothing_may_follow(rest: IO[bytes], end: int) -> None:
    """Read what is behind the end of a tar; raises ReadError unless it is zeros.

    A block of zeros in the midst is such an end for every reader, and so is that of the first of
    two archives in one file.
    """
    unread, seen = 0, 0
    while chunk := rest.read(CHUNK):
        seen += len(chunk)
        if unread or chunk.strip(b"\0"):
            unread += len(chunk) if unread else len(chunk.lstrip(b"\0"))
        if unread > FAIR:
            break  # It is wrong anyhow, and may have no end.
    if unread:
        raise tarfile.ReadError(
            f"after its end mark at byte {end:,} are {unread:,} more bytes, which would be lost"
        )


_TAR_KINDS = {
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
}


def _zip_members(raw: "_Reader") -> Iterator[_Member]:
    with zipfile.ZipFile(raw) as archive:
        for info in archive.infolist():
            name, mtime = _zip_name(info), _zip_time(info)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & _ZIP_ENCRYPTED:
                yield _Member(name=name, kind="other", mtime=mtime, description="encrypted")
            elif name.endswith("/"):
                yield _Member(name=name, kind="directory", mtime=mtime)
            elif kind == stat.S_IFLNK:
                with archive.open(info) as content:
                    target = content.read(_LONGEST_TARGET + 1).decode("utf-8", "surrogateescape")
                yield _Member(name=name, kind="symlink", mtime=mtime, target=target)
            elif kind in (0, stat.S_IFREG):
                with archive.open(info) as content:
                    executable = bool((info.external_attr >> 16) & EXECUTABLE)
                    yield _Member(
                        name=name,
                        kind="file",
                        mtime=mtime,
                        content=content,
                        executable=executable,
                        size=info.file_size,
                    )
            else:
                what = "neither a file, a directory nor a link"
                yield _Member(name=name, kind="other", mtime=mtime, description=what)


# The zip specification's (APPNOTE.TXT 4.4.4) flags, and what Linux takes for a path (PATH_MAX).
_ZIP_ENCRYPTED, _ZIP_UTF8 = 0x1, 0x800
_LONGEST_TARGET = 4096
# Twice what `xz -9` wants of who unpacks.
_XZ_MEMORY = 128 << 20


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; one without a mark of its encoding is UTF-8 on macOS and Linux."""
    if info.flag_bits & _ZIP_UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _zip_time(info: zipfile.ZipInfo) -> int:
    """Return a member's time, 0 where there is none; it has no zone, and is taken for UTC."""
    try:
        return timegm((*info.date_time, 0, 0, 0))
    except ValueError:
        return 0


@contextmanager
def _names_noted(member: _Member, state: _Unpacking) -> Iterator[None]:
    """Note it as the archive's problem where a member's name cannot be had on this machine."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NAME_ERRORS:
            raise
        state.problems.append(f"{member.name}: {_NAME_ERRORS[error.errno]}")


_NAME_ERRORS = {
    errno.EEXIST: "is both a file and a folder",
    errno.ENOTDIR: "is both a file and a folder",
    errno.EISDIR: "is both a file and a folder",
    errno.ENAMETOOLONG: "has a name that is too long for this machine",
    errno.EILSEQ: "has a name that this machine cannot represent",
    errno.EINVAL: "has a name that this machine cannot represent",
}


def _unpack_member(member: _Member, state: _Unpacking) -> None:
    reason = why_unsafe(member.name)
    if not reason and member.kind == "other":
        reason = f"is {member.description}"
    path = state.directory / member.name
    if reason:
        state.problems.append(f"{member.name}: {reason}")
    elif member.kind == "directory":
        path.mkdir(parents=True, exist_ok=True)
    elif member.kind == "symlink":
        state.symlinks.append(member)
    elif path.exists():
        state.problems.append(f"{member.name}: is there twice")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_file(member, path, state)
        if member.executable and path.exists():
            path.chmod(path.stat().st_mode | EXECUTABLE)  # for the check to see
        state.newest = max(member.mtime, state.newest or 0)


def _write_file(member: _Member, path: Path, state: _Unpacking) -> None:
    if member.kind == "hardlink":
        _copy_hardlink(member, path, state)
    elif member.content is not None:
        _must_have_room(member.size, state)
        with path.open("xb") as output:
            while chunk := member.content.read(CHUNK):
                _take_room(len(chunk), state)
                output.write(chunk)


def _take_room(count: int, state: _Unpacking) -> None:
    """Count bytes before they are written; raises SourceError where they are too many."""
    _must_have_room(count, state)
    state.room -= count
    state.fair -= count


def _must_have_room(count: int, state: _Unpacking) -> None:
    """Raise SourceError where so many bytes would fill the disk, or are a bomb."""
    if count > state.fair:
        raise SourceError(
            f"{state.shown}: is more than {limits().ratio} times as large unpacked, like a bomb "
            f"made to fill a disk; {how_to_raise('ratio')}"
        )
    if count > state.room:
        raise SourceError(
            f"{state.shown}: is larger unpacked than the free space on the disk of "
            f"{state.directory}; free some space, or set TMPDIR to a directory with more"
        )


def _copy_hardlink(member: _Member, path: Path, state: _Unpacking) -> None:
    """Make a hard link's copy: a package has no hard links, and the bytes are the same."""
    target = state.directory / member.target
    if why_unsafe(member.target):
        state.problems.append(_leaves_tree(member))
    elif not target.is_file():
        state.problems.append(
            f"{member.name}: is a hard link to {member.target}, which does not come before it"
        )
    else:
        _take_room(target.stat().st_size, state)
        shutil.copyfile(target, path)


def _make_symlinks(state: _Unpacking) -> None:
    """Make the links at last, then ask the file system where each one really leads."""
    made: list[_Member] = []
    for member in state.symlinks:
        with _names_noted(member, state):
            if _make_symlink(member, state):
                made.append(member)
    for member in made:
        end = end_of_link(state.directory / member.name)
        if end is not None and not end.is_relative_to(state.directory):
            state.problems.append(_leaves_tree(member))


def end_of_link(link: Path) -> Path | None:
    """Return where a link leads, whether that is there or not; None where no system follows it.

    Systems follow 40 links at most, while Python goes on along a chain of any length.
    """
    try:
        link.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
    return Path(os.path.realpath(link))


def _make_symlink(member: _Member, state: _Unpacking) -> bool:
    path = state.directory / member.name
    parents = [parent for parent in path.parents if parent.is_relative_to(state.directory)]
    if any(parent.is_symlink() for parent in parents):
        state.problems.append(f"{member.name}: is below another link")
    elif os.path.lexists(path):
        state.problems.append(f"{member.name}: is there twice")
    elif leads_out(member.name, member.target):
        state.problems.append(_leaves_tree(member))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(member.target)
        return True
    return False


def _leaves_tree(member: _Member) -> str:
    return f"{member.name}: is a link that leaves the tree, to {member.target}"


def leads_out(name: str, target: str) -> bool:
    """Tell whether a link leaves its tree by its words alone; `name` is its path in the tree."""
    if not target or why_unsafe_target(target):
        return True
    depth = len(PurePosixPath(name).parent.parts)
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False
