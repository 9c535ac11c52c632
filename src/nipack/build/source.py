"""Bring a source onto this machine: fetch it, check its digests, unpack it safely.

Nothing of a source is ever run; a `setup.py` in it is a file like any other.
"""

import bz2
import io
import logging
import lzma
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from calendar import timegm
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Literal
from urllib.parse import unquote, urlsplit

from nipack.build.compression import gzip_reader
from nipack.build.definition import Source
from nipack.build.errors import SourceError
from nipack.build.hashing import CHUNK, digest_file
from nipack.build.progress import Advance, Reporter
from nipack.build.streams import CountingReader

log = logging.getLogger(__name__)

_TIMEOUT = 60.0  # seconds without a byte from the server


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What package.json says of the source: its address (a bare file name if local), digests."""

    address: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """A source as a directory on this machine.

    `archive` is the file that was unpacked, on this machine; a directory has none.
    `newest` is the latest time of an archive's files, in seconds since 1970.  A directory has
    none: its times are those of the copy, not of the data.
    """

    directory: Path
    archive: Path | None = None
    newest: int | None = None
    record: SourceRecord | None = None


def open_source(source: Source, workspace: Path, reporter: Reporter) -> SourceTree:
    """Return the tree of a source, unpacked below `workspace` where it is an archive.

    Raises SourceError: not there, not fetched, digests that differ, or unsafe to unpack.
    """
    path = _fetch(source.address, workspace, reporter)
    if path.is_dir():
        if source.digests:
            raise SourceError(
                f"{path}: a directory has no digest to compare; name an archive, or drop the digest"
            )
        return SourceTree(directory=path.resolve())
    if not path.exists():
        raise SourceError(f"{source.address}: there is no such file; check the spelling")
    digests = _check_digests(path, source, reporter)
    directory = workspace / "source"
    newest = unpack(path, directory, reporter.step("unpack", path.stat().st_size))
    return SourceTree(
        directory=_single_child(directory),
        archive=path,
        newest=newest,
        record=SourceRecord(address=_public_address(source.address), digests=digests),
    )


def _fetch(address: str, workspace: Path, reporter: Reporter) -> Path:
    scheme = urlsplit(address).scheme if "://" in address else ""
    if scheme == "":
        return Path(address)
    if scheme == "file":
        from urllib.request import url2pathname  # as costly as requests is, below

        return Path(url2pathname(urlsplit(address).path))
    if scheme != "https":
        raise SourceError(f"{address}: only https:// and file:// addresses are fetched; write one")
    return _download(address, workspace, reporter)


def _download(address: str, workspace: Path, reporter: Reporter) -> Path:
    import requests  # 60 ms that a build from this machine does not need

    target = workspace / (unquote(PurePosixPath(urlsplit(address).path).name) or "download")
    try:
        with requests.get(address, stream=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            if not response.url.startswith("https://"):
                raise SourceError(
                    f"{address}: leads to {response.url}, which is not https; "
                    "write an address that stays on https"
                )
            length = response.headers.get("Content-Length", "")
            advance = reporter.step("download", int(length) if length.isdigit() else None)
            with target.open("wb") as output:
                for chunk in response.iter_content(CHUNK):
                    output.write(chunk)
                    advance(len(chunk))
    except requests.RequestException as error:
        raise SourceError(
            f"{address}: cannot be fetched: {error}; check the address and the network, "
            "or download the file and name its path"
        ) from error
    return target


def _public_address(address: str) -> str:
    """Return what may stand in a package: the address, or the name alone of a local file."""
    return address if address.startswith("https://") else PurePosixPath(Path(address).name).name


def _check_digests(path: Path, source: Source, reporter: Reporter) -> dict[str, str]:
    """Compare every digest that the definition gives; return them, and the sha256 in any case."""
    advance = reporter.step("check digests", path.stat().st_size)
    try:
        found = digest_file(path, {"sha256", *source.digests}, advance).by_algorithm
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; make it readable") from error
    wrong = [
        f"{name} should be {wanted}, but is {found[name]}"
        for name, wanted in source.digests.items()
        if found[name] != wanted
    ]
    if wrong:
        raise SourceError(
            f"{source.address}: not the file that the definition means: {'; '.join(wrong)}; "
            "fetch it again, or find out why the release changed before changing the definition"
        )
    return found


def _single_child(directory: Path) -> Path:
    """Return the one folder that everything in an archive is in, if there is one."""
    children = list(directory.iterdir())
    if len(children) == 1 and children[0].is_dir() and not children[0].is_symlink():
        return children[0]
    return directory


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A member of an archive; `content` is open only until the next member is asked for."""

    name: str
    kind: Literal["file", "directory", "symlink", "hardlink", "other"]
    mtime: int
    target: str = ""
    content: IO[bytes] | None = None
    description: str = ""


@dataclass(slots=True)
class _Unpacking:
    """The state of unpacking: links come last, so that nothing is ever written through one."""

    directory: Path
    newest: int | None = None
    symlinks: list[tuple[str, Path, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def unpack(archive: Path, directory: Path, advance: Advance) -> int | None:
    """Unpack an archive into a new directory; return the latest time of a file in it.

    Takes files, directories and links that stay inside, and nothing else.  Raises SourceError
    with every member that it refuses; what was unpacked until then stays in `directory`.
    """
    directory.mkdir(parents=True)
    state = _Unpacking(directory.resolve())
    try:
        with archive.open("rb") as raw:
            for member in _members(io.BufferedReader(CountingReader(raw, advance), CHUNK), archive):
                _unpack_member(member, state)
    except (EOFError, OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
            RuntimeError, NotImplementedError, ValueError) as error:  # fmt: skip
        raise SourceError(
            f"{archive}: cannot be unpacked: {str(error) or type(error).__name__}; "
            "it may be cut short: fetch it again"
        ) from error
    _make_symlinks(state)
    if state.problems:
        listed = "\n".join(f"  {problem}" for problem in state.problems)
        raise SourceError(
            f"{archive}: not unpacked, for what is in it:\n{listed}\n"
            "  ask its authors for an archive of plain files and inner links"
        )
    return state.newest


def _members(raw: io.BufferedReader, archive: Path) -> Iterator[_Member]:
    """Yield the members of an archive, whose kind its first bytes tell."""
    start = raw.peek()
    stream: IO[bytes]
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _zip_members(raw)
        return
    if start.startswith(b"\x1f\x8b"):
        stream = gzip_reader(raw)
    elif start.startswith(b"\xfd7zXZ\x00"):
        stream = lzma.LZMAFile(raw)  # noqa: SIM115
    elif start.startswith(b"BZh"):
        stream = bz2.BZ2File(raw)
    elif start[257:262] == b"ustar":
        stream = raw
    else:
        raise SourceError(
            f"{archive}: not an archive that nipack reads; give a "
            ".tar.gz, .tar.xz, .tar.bz2 or .zip, a data directory or a package.yaml"
        )
    yield from _tar_members(stream)
    # tarfile stops at the end mark; what is behind it still has the stream's own check sum.
    while stream.read(CHUNK):
        pass


def _tar_members(stream: IO[bytes]) -> Iterator[_Member]:
    with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as tar:
        for info in tar:
            mtime = int(info.mtime)
            if info.isreg():
                content = tar.extractfile(info)
                yield _Member(name=info.name, kind="file", mtime=mtime, content=content)
            elif info.isdir():
                yield _Member(name=info.name, kind="directory", mtime=mtime)
            elif info.issym() or info.islnk():
                kind: Literal["symlink", "hardlink"] = "symlink" if info.issym() else "hardlink"
                yield _Member(name=info.name, kind=kind, mtime=mtime, target=info.linkname)
            else:
                what = "a device" if info.isdev() and not info.isfifo() else "a named pipe"
                if not info.isdev():
                    what = f"of the unknown kind {info.type!r}"
                yield _Member(name=info.name, kind="other", mtime=mtime, description=what)


def _zip_members(raw: io.BufferedReader) -> Iterator[_Member]:
    with zipfile.ZipFile(raw) as archive:
        for info in archive.infolist():
            # A zip member's time has no zone; taken as UTC it is at least the same everywhere.
            mtime = timegm((*info.date_time, 0, 0, 0))
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                yield _Member(name=info.filename, kind="directory", mtime=mtime)
            elif kind == stat.S_IFLNK:
                target = archive.read(info).decode("utf-8", "surrogateescape")
                yield _Member(name=info.filename, kind="symlink", mtime=mtime, target=target)
            elif kind in (0, stat.S_IFREG):
                with archive.open(info) as content:
                    yield _Member(name=info.filename, kind="file", mtime=mtime, content=content)
            else:
                what = "neither a file, a directory nor a link"
                yield _Member(name=info.filename, kind="other", mtime=mtime, description=what)


def _unpack_member(member: _Member, state: _Unpacking) -> None:
    reason = _unsafe_name(member.name)
    if not reason and member.kind == "other":
        reason = f"is {member.description}"
    if reason:
        state.problems.append(f"{member.name}: {reason}")
        return
    path = state.directory / member.name
    if member.kind == "directory":
        path.mkdir(parents=True, exist_ok=True)
        return
    if member.kind == "symlink":
        state.symlinks.append((member.name, path, member.target))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        state.problems.append(f"{member.name}: is there twice")
        return
    if member.kind == "hardlink":
        _copy_hardlink(member, path, state)
    elif member.content is not None:
        with path.open("xb") as output:
            shutil.copyfileobj(member.content, output, CHUNK)
    state.newest = max(member.mtime, state.newest or 0)


def _unsafe_name(name: str) -> str:
    """Return why a member's name could lead out of the tree on some system, or nothing."""
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute name"
    if ".." in name.split("/"):
        return "has '..' in its name"
    if "\\" in name:
        return "has a backslash in its name, which parts folders on Windows"
    if "\0" in name:
        return "has a NUL byte in its name"
    return ""


def _copy_hardlink(member: _Member, path: Path, state: _Unpacking) -> None:
    """Make a hard link's copy: a package has no hard links, and the bytes are the same."""
    target = state.directory / member.target
    if _unsafe_name(member.target):
        state.problems.append(f"{member.name}: is a link that leaves the tree, to {member.target}")
    elif not target.is_file():
        state.problems.append(f"{member.name}: is a hard link to {member.target}, not there before")
    else:
        shutil.copyfile(target, path)


def _make_symlinks(state: _Unpacking) -> None:
    """Make the links at last, then ask the file system where each one really leads."""
    made = []
    for name, path, target in state.symlinks:
        parents = [p for p in path.parents if p.is_relative_to(state.directory)]
        if any(parent.is_symlink() for parent in parents):
            state.problems.append(f"{name}: lies behind another link")
        elif os.path.lexists(path):
            state.problems.append(f"{name}: is there twice")
        elif _leads_out(name, target):
            state.problems.append(f"{name}: is a link that leaves the tree, to {target}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
            made.append((name, path, target))
    for name, path, target in made:
        if not Path(os.path.realpath(path)).is_relative_to(state.directory):
            state.problems.append(f"{name}: is a link that leaves the tree, to {target}")


def _leads_out(name: str, target: str) -> bool:
    """Tell whether a link leaves the tree by its words alone, before anything is made."""
    if not target or _unsafe_name(target.replace("..", "up")):
        return True
    depth = len(PurePosixPath(name).parent.parts)
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


@contextmanager
def source_workspace(parent: Path | None = None) -> Iterator[Path]:
    """Give a directory of its own to unpack in, gone afterwards whatever happens."""
    with tempfile.TemporaryDirectory(prefix="nipack-", dir=parent) as name:
        yield Path(name)
