"""A data package: its definition and its payload, valid and never changed."""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nipack import layout
from nipack.builder.definition.model import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What package.json says of the source: its address (a bare file name if local), digests."""

    address: str
    digests: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePart:
    """One of the several sources of a package, as the file that it is on this machine.

    `places` has pairs of a path in an archive and the one below the data directory; that in the
    archive is None for a file that is no archive.  `top` is the one folder that everything in an
    archive is in.  `address` is None for a file of this machine, and `record` is what package.json
    says of it.
    """

    record: SourceRecord
    address: str | None
    path: Path
    size: int
    places: tuple[tuple[str | None, str], ...]
    top: str | None = None

    @property
    def is_archive(self) -> bool:
        """Tell whether it is an archive of which members are taken."""
        return self.places[0][0] is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of the payload; `path` is relative to the data directory, with forward slashes.

    `size` is in bytes; `digests` are hexadecimal, by algorithm: sha256, that of proofs, and what
    else was asked for when the package was read.  `content` is that of a config.ini which the
    source does not have; its other files have none.
    """

    path: str
    size: int
    digests: Mapping[str, str]
    content: bytes | None = field(default=None, repr=False)

    @property
    def sha256(self) -> str:
        """The digest that every file has."""
        return self.digests["sha256"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLink:
    """A symbolic link of the payload, to another place inside the data directory.

    `leads_to` is the path of the file at its end, None where that is a folder.
    """

    path: str
    target: str
    leads_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The versions of a package before one, which had files that another package has now."""

    name: str
    before: str


@dataclass(frozen=True, kw_only=True)
class DataPackage:
    """A valid data package, its payload lying unpacked in `directory`, inside the source `tree`.

    `archive` is the file that the tree was unpacked from, None where the source is a directory, and
    `parts` has the files that the tree was made of where the definition names several.
    `files` and `links` are sorted by path; `time` is in seconds since 1970.

    A part is `part_of` the package of that name, `needs` the package that has the config.ini, where
    it has not, and has taken files of what it `replaces`.  The whole of several parts has no file:
    it `pulls` them in, each of just this version.
    """

    definition: Definition
    version: str
    files: tuple[DataFile, ...]
    links: tuple[DataLink, ...]
    directory: Path
    tree: Path
    time: int
    archive: Path | None = None
    source: SourceRecord | None = None
    parts: tuple[SourcePart, ...] = ()
    part_of: str | None = None
    needs: str | None = None
    replaces: tuple[Earlier, ...] = ()
    pulls: tuple["DataPackage", ...] = ()

    @property
    def whole(self) -> str:
        """The name of the data package: its own, unless it is a part."""
        return self.part_of or self.definition.name

    @property
    def has_ini(self) -> bool:
        """Whether the ini file is its own, which one package has: that with the config.ini."""
        return not self.pulls and self.needs is None

    @property
    def size(self) -> int:
        """The payload's size in bytes."""
        return sum(file.size for file in self.files)

    @property
    def recorded_files(self) -> tuple[DataFile, ...]:
        """The files that its records tell of: its own, or those of the parts that it pulls in."""
        if not self.pulls:
            return self.files
        pulled = [file for part in self.pulls for file in part.files]
        return tuple(sorted(pulled, key=lambda each: os.fsencode(each.path)))

    @property
    def carried_id(self) -> str:
        """The payload id of the files in its artifacts, of which a whole has none."""
        return id_of_lines([]) if self.pulls else self.payload_id

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all files and links, relative to the data directory."""
        return (*(file.path for file in self.files), *(link.path for link in self.links))

    @cached_property
    def manifest(self) -> bytes:
        """The payload's SHA256SUMS in UTF-8 and GNU coreutils' format, with paths from the prefix.

        Links stand in comments, which `sha256sum -c` passes over, so that the payload id covers
        them.  That of a whole names the files of all its parts.
        """
        root = layout.payload_directory(self.definition.relpath)
        links = [*self.links, *(link for part in self.pulls for link in part.links)]
        return manifest_of(
            ((f"{root}/{file.path}", file.sha256) for file in self.recorded_files),
            ((f"{root}/{link.path}", link.target) for link in links),
        )

    @cached_property
    def payload_id(self) -> str:
        """The sha256 of the manifest: what names a payload in every format, on every machine."""
        return id_of_lines([self.manifest])


def manifest_of(files: Iterable[tuple[str, str]], links: Iterable[tuple[str, str]]) -> bytes:
    """Return a manifest of (path, sha256) and (path, target) pairs, each in order of the paths."""

    def in_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return sorted(pairs, key=lambda pair: os.fsencode(pair[0]))

    manifest = io.BytesIO()  # which hands out what it has, and copies nothing
    manifest.writelines(manifest_lines(in_order(files), in_order(links)))
    return manifest.getvalue()


def manifest_lines(
    files: Iterable[tuple[str, str]], links: Iterable[tuple[str, str]]
) -> Iterator[bytes]:
    """Yield the lines of a manifest of pairs that are in order."""
    for path, digest in files:
        yield f"{digest}  {path}\n".encode()
    for path, target in links:
        yield f"# symlink {path} -> {target}\n".encode()


def id_of_lines(manifest: Iterable[bytes]) -> str:
    """Return the payload id that the lines of a manifest stand for."""
    digest = hashlib.sha256()
    for line in manifest:
        digest.update(line)
    return digest.hexdigest()
