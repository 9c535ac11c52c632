"""Bring a source onto this machine: fetch it, check its digests, unpack it."""

import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from nipack.builder.definition.sources import Source
from nipack.builder.package import SourcePart, SourceRecord
from nipack.builder.source.download import download
from nipack.builder.source.unpack import unpack
from nipack.system.address import (
    has_login,
    is_well_formed,
    path_of,
    public_address,
    recorded_address,
)
from nipack.system.buckets import is_in_bucket
from nipack.system.errors import SourceDigestError, SourceError
from nipack.system.hashing import digest_file
from nipack.system.progress import Reporter

# Files that people name for the data they are in.
_OF_DATA = ("config.ini", ".nii", ".nii.gz", ".mgh", ".mgz", ".gii", ".mnc", ".img", ".hdr")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """A source as a directory on this machine.

    Of several sources it is made, and `is_data`: the data directory itself, of these `parts`.
    The rest is of an archive alone: `archive` is the file itself, `unpacked` is where everything
    in it is, and `newest` the latest time of its files, in seconds since 1970.  A directory's times
    are those of the copy, not of the data.
    """

    address: str
    directory: Path
    archive: Path | None = None
    unpacked: Path | None = None
    newest: int | None = None
    record: SourceRecord | None = None
    is_data: bool = False
    parts: tuple[SourcePart, ...] = ()

    def place(self, path: Path) -> str:
        """Return how a message names a path below the tree: by the archive, if it is in one."""
        if self.unpacked is None:
            return str(path)
        inner = path.relative_to(self.unpacked)
        return f"{self.address}/{inner.as_posix()}" if inner.parts else self.address


def open_source(
    source: Source, workspace: Path, reporter: Reporter, *, offline: bool = False
) -> SourceTree:
    """Return the tree of a source, unpacked below `workspace` where it is an archive.

    Raises SourceError: not there, not fetched, digests that differ, or unsafe to unpack.
    """
    address = public_address(source.address)
    path, digests = fetch_source(source, reporter, offline=offline)
    if path.is_dir():
        return SourceTree(address=address, directory=_named_directory(path))
    # What is not in a folder of its own gets one, named as the archive is.
    unpacked = workspace / "source" / _tree_name(address)
    advance = reporter.step("unpack", path.stat().st_size)
    newest = unpack(path, unpacked, advance, shown=address)
    return SourceTree(
        address=address,
        directory=_tree_top(unpacked),
        archive=path,
        unpacked=unpacked,
        newest=newest,
        record=record_of(address, digests),
    )


def record_of(address: str, digests: dict[str, str]) -> SourceRecord:
    """Return what may stand in a package of a file from a public address, with these digests."""
    return SourceRecord(address=_recorded_address(address), digests=digests)


def fetch_source(
    source: Source, reporter: Reporter, *, offline: bool = False, as_file: bool = False
) -> tuple[Path, dict[str, str]]:
    """Return a source as a path of this machine, and its digests where it is a file.

    As one file of several it may be an image, and not a folder.
    """
    try:
        return _fetch_source(source, reporter, offline=offline, as_file=as_file)
    except SourceError as error:
        if source.place is None:
            raise
        raise type(error)(f"{source.place}: {error}") from error


def _fetch_source(
    source: Source, reporter: Reporter, *, offline: bool, as_file: bool
) -> tuple[Path, dict[str, str]]:
    address = public_address(source.address)
    if has_login(source.address):
        raise SourceError(
            f"{address}: the address has a user name or a password in it, which would be "
            "published with the package; remove it from the address, and keep it in a .netrc file"
        )
    if source.address.startswith("https://") or is_in_bucket(source.address):
        if not is_well_formed(source.address):
            raise SourceError(
                f"{address}: cannot be fetched: it is not a valid address; check how it is spelled"
            )
        check = partial(_check_digests, source=source, reporter=reporter)
        return download(source, address, reporter, check, offline=offline)
    path = local_path(source.address)
    if source.place is not None:
        address = os.path.normpath(path)
    if path.is_dir() and as_file:
        raise SourceError(f"{address}: a folder; name each file of it, or an archive")
    if path.is_dir():
        if source.digests:
            raise SourceError(
                f"{path}: a directory has no digest to compare; name an archive, or drop the digest"
            )
        return path, {}
    if not path.exists():
        raise SourceError(f"{address}: there is no such file; check the spelling")
    if not path.is_file():
        raise SourceError(f"{address}: neither a file nor a folder; name one of the two")
    if path.name.lower().endswith(_OF_DATA) and not as_file:
        # What has the config.ini is the data; no other folder around a file is known to be.
        folders = (each for each in path.parents if (each / "config.ini").exists())
        folder = next(folders, path.parent)
        raise SourceError(f"{address}: a file of the data, not a source; name its folder, {folder}")
    return path, _check_digests(path, source, reporter)


def _named_directory(path: Path) -> Path:
    """Return the absolute path with the folders' own names, which may be those of links."""
    return path.resolve() if ".." in path.parts else path.absolute()


def local_path(address: str) -> Path:
    """Return the path that an address of this machine means; raises SourceError for others."""
    scheme, found, _ = address.partition("://")
    if not found:
        return Path(address)
    if scheme != "file":
        raise SourceError(
            f"{address}: only https://, s3://, gs:// and file:// addresses are fetched; write one"
        )
    from urllib.request import url2pathname  # as costly as requests

    return Path(url2pathname(address.removeprefix("file://").removeprefix("localhost")))


def _recorded_address(address: str) -> str:
    """Return what may stand in a package: the name alone of a file of this machine.

    What grants access to a release often stands in the query.
    """
    return recorded_address(address) if address.startswith("https://") else Path(address).name


def _tree_name(address: str) -> str:
    """Return an archive's name without its endings, for the folder around what is in it."""
    path = unquote(path_of(address)) if "://" in address else Path(address).as_posix()
    stem = re.sub(r"\.(tar(\.\w+)?|t[bgx]z2?|zip)$", "", path.rpartition("/")[2])
    return re.sub(r"[^A-Za-z0-9._-]", "_", stem)[:100].strip(".") or "source"


def _check_digests(path: Path, source: Source, reporter: Reporter) -> dict[str, str]:
    """Compare every digest that the definition gives; return them, and the sha256 in any case."""
    advance = reporter.step("check digests", path.stat().st_size)
    found = dict(digest_file(path, {"sha256", *source.digests}, advance).by_algorithm)
    shown = public_address(source.address)
    wrong = [
        f"{name} should be {wanted}, but is {found[name]}"
        for name, wanted in source.digests.items()
        if found[name] != wanted
    ]
    size = path.stat().st_size
    if source.size not in (None, size):
        wrong.append(f"it should have {source.size:,} bytes, but has {size:,}")
    if wrong:
        raise SourceDigestError(
            f"{shown}: not the file that the definition means: {'; '.join(wrong)}; "
            "fetch it again, or find out why the release changed before changing the definition"
        )
    return found


def _tree_top(directory: Path) -> Path:
    """Return the one folder that everything in an archive is in, if there is one.

    It is not the top where it is the data directory itself: then its name alone says too little.
    """
    children = list(directory.iterdir())
    if len(children) != 1 or children[0].is_symlink() or not children[0].is_dir():
        return directory
    return directory if (children[0] / "config.ini").exists() else children[0]
