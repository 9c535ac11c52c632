"""Read the files in an .rpm, one after the other, without unpacking it.

Sources: rpm's reference manual ("RPM V4 Package format"); cpio(5), the new ASCII format.
"""

import gzip
import io
import lzma
import struct
from binascii import unhexlify
from collections.abc import Iterator
from typing import IO, Any, cast

from nipack.publish.artifacts.members import Part
from nipack.publish.artifacts.zstd_frames import zstd_reader
from nipack.system.hashing import digest_stream

_LEAD, _LEAD_MAGIC = 96, b"\xed\xab\xee\xdb"
_HEADER, _HEADER_MAGIC = struct.Struct(">4s4xII"), b"\x8e\xad\xe8\x01"
_INDEX_ENTRY, _PAYLOAD_DIGEST = struct.Struct(">IIII"), 5092
# rpm itself reads no larger one.
MOST_OF_A_HEADER = 1 << 28
_CPIO_HEADER, _CPIO_MAGIC, _CPIO_END = 110, b"070701", "TRAILER!!!"
_CPIO_FIELDS, _LONGEST_NAME = struct.Struct(">13I"), 4096
_REGULAR, _KIND = 0o100000, 0o170000
_SKIP = 1 << 20


def rpm_files(artifact: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield each regular file: its path with `./` before it, and its content.

    The artifact can seek, and each content is to be read before the next is asked for.  Raises
    ValueError, or an error of its compression, where it is no .rpm, or is damaged.
    """
    if artifact.read(_LEAD)[:4] != _LEAD_MAGIC:
        raise ValueError("it does not start like an .rpm")
    _pass_header(artifact, aligned=True)  # the signatures
    _pass_header(artifact, aligned=False)
    yield from _cpio_files(_decompressed(artifact))


def _pass_header(artifact: IO[bytes], *, aligned: bool) -> None:
    _, length = _header_start(artifact)
    _pass(artifact, length + (-length % 8 if aligned else 0))


def _header_start(artifact: IO[bytes]) -> tuple[int, int]:
    """Return how many entries a header's index has, and how long index and values are."""
    magic, entries, size = _HEADER.unpack(_exactly(artifact, _HEADER.size))
    if magic != _HEADER_MAGIC:
        raise ValueError("a header of the .rpm is damaged")
    return entries, entries * _INDEX_ENTRY.size + size


def check_payload_digest(artifact: IO[bytes]) -> None:
    """Raise ValueError where the payload is not the one that the header has the digest of.

    The digest is of the compressed payload, so every byte to the file's end counts; .rpm files
    made before rpm 4.14 have none.
    """
    artifact.seek(_LEAD)
    _pass_header(artifact, aligned=True)
    wanted = _payload_sha256(artifact)
    if wanted and digest_stream(artifact, ["sha256"]).by_algorithm["sha256"] != wanted:
        raise ValueError("its payload has another digest than its header says")


def _payload_sha256(artifact: IO[bytes]) -> str | None:
    """Pass the header, and return the digest in it."""
    entries, length = _header_start(artifact)
    if length > MOST_OF_A_HEADER:
        raise ValueError(f"a header of the .rpm has {length:,} bytes")
    content = _exactly(artifact, length)
    index = content[: entries * _INDEX_ENTRY.size]
    offsets = {tag: offset for tag, _, offset, _ in _INDEX_ENTRY.iter_unpack(index)}
    if _PAYLOAD_DIGEST not in offsets:
        return None
    value = content[len(index) + offsets[_PAYLOAD_DIGEST] :].partition(b"\0")[0]
    # Other algorithms have other lengths.
    return value.decode("ascii") if len(value) == 64 else None


def _decompressed(artifact: IO[bytes]) -> IO[bytes]:
    start = _exactly(artifact, 6)
    artifact.seek(-6, io.SEEK_CUR)
    stream: Any = artifact
    if start.startswith(b"\x1f\x8b"):
        stream = gzip.GzipFile(fileobj=stream)
    elif start.startswith(b"\xfd7zXZ\0"):
        stream = lzma.LZMAFile(stream)  # noqa: SIM115
    elif start.startswith(b"\x28\xb5\x2f\xfd"):
        stream = zstd_reader(stream)
    return cast("IO[bytes]", stream)


def _cpio_files(stream: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    while True:
        header = _exactly(stream, _CPIO_HEADER)
        if not header.startswith(_CPIO_MAGIC):
            # rpm has another form for files of 4 GB and more: their sizes stand in its header.
            raise ValueError("its files are not in cpio's new ASCII format")
        fields = _CPIO_FIELDS.unpack(unhexlify(header[len(_CPIO_MAGIC) :]))
        mode, size, name_size = fields[1], fields[6], fields[11]
        if name_size > _LONGEST_NAME:
            raise ValueError(f"a file in it has a name of {name_size:,} bytes")
        name = _exactly(stream, name_size)[:-1].decode("utf-8", "surrogateescape")
        _pass(stream, -(_CPIO_HEADER + name_size) % 4)
        if name == _CPIO_END:
            return
        content = Part(stream, size)
        if mode & _KIND == _REGULAR:
            yield name, cast("IO[bytes]", content)
        _pass(stream, content.left + -size % 4)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(size)
        if not part:
            raise EOFError("it ends too early")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _pass(stream: IO[bytes], size: int) -> None:
    while size:
        size -= len(_exactly(stream, min(size, _SKIP)))
