"""Read the payload's files out of an artifact, one after the other, without unpacking it."""

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, Any

import zstandard

from nipack import layout
from nipack.publish.payload import MOST_OF_A_RECORD
from nipack.publish.records import PublishedPackage
from nipack.publish.rpm_payload import rpm_files

_DECOMPRESS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".xz": lzma.LZMAFile,
    ".zst": lambda stream: zstandard.ZstdDecompressor().stream_reader(stream),
}
_AR_HEADER = 60


def payload_files(
    package: PublishedPackage,
    file_name: str,
    artifact: IO[bytes],
    *,
    take_record: Callable[[bytes], object] = lambda content: None,
) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield each file of a payload: its path from the data directory, and its content.

    The content is to be read before the next is asked for.  An artifact of an unknown kind has
    none; one that is damaged raises OSError, EOFError, ValueError or an error of its archive.
    `take_record` is given the package.json that is passed on the way.
    """
    record = f"{layout.RECORDS}/{package.name}/{layout.METADATA_NAME}"
    top = f"{layout.payload_directory(package.relpath)}/"
    known = {each.path for each in package.files}
    for name, content in _members(file_name, artifact):
        before, found, path = name.partition(top)
        if found and _is_prefix(before) and path in known:
            yield path, content
        elif name.endswith(record) and _is_prefix(name.removesuffix(record)):
            take_record(content.read(MOST_OF_A_RECORD))


def _is_prefix(before: str) -> bool:
    """Tell whether an archive has its prefix there: usr/ in a .deb, NAME.data/data/ in a wheel."""
    return before in ("", "./usr/", "usr/") or before.endswith(".data/data/")


def _members(file_name: str, artifact: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    if file_name.endswith(".whl"):
        with zipfile.ZipFile(artifact) as archive:
            for info in archive.infolist():
                with archive.open(info) as content:
                    yield info.filename, content
    elif file_name.endswith(".conda"):
        with zipfile.ZipFile(artifact) as archive:
            for name in archive.namelist():
                if name.startswith("pkg-"):
                    with archive.open(name) as member:
                        yield from _tar(name, member)
    elif file_name.endswith(".deb"):
        yield from _deb(artifact)
    elif file_name.endswith(".rpm"):
        yield from rpm_files(artifact)


def _deb(artifact: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files of a .deb's data.tar: it is the last member of an ar archive (deb(5))."""
    artifact.read(8)
    while len(header := artifact.read(_AR_HEADER)) == _AR_HEADER:
        name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        if name.startswith("data.tar"):
            yield from _tar(name, artifact)
            return
        if size < 0:
            raise ValueError(f"a member of the .deb has {size} bytes")
        artifact.seek(size + size % 2, io.SEEK_CUR)


def _tar(name: str, stream: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    decompress = _DECOMPRESS.get(name[name.rindex(".") :])
    plain = decompress(stream) if decompress else stream
    with closing(plain), tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            if member.isfile() and (content := archive.extractfile(member)) is not None:
                yield member.name, content
