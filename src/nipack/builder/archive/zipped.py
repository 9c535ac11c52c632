"""The files of a zip, written and read back one at a time."""

import stat
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from nipack.builder.archive.compression import SAMPLE_SIZE, deflates_well
from nipack.builder.archive.growing import GrowingFile, Part
from nipack.builder.archive.installed import InstalledFile
from nipack.builder.archive.members import Content, open_content
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.archive.streams import Inflated
from nipack.builder.archive.zips import DEFLATED, STORED, zip_writer
from nipack.system.fast_hash import PROOF
from nipack.system.hashing import chunks, digest_stream
from nipack.system.progress import Advance

ZIP_METHOD = {True: DEFLATED, False: STORED}
# Members from here on may need the fields of zip64.
LARGE = 4_000_000_000
# For a smaller one, a thread would take longer than its bytes.
_WORTH_A_THREAD = 1 << 20
_LOCAL_HEADER = 30  # bytes, of which the last four are the lengths of name and extra field


def write_zip(
    output: IO[bytes], files: Iterable[InstalledFile], *, time: int, advance: Advance
) -> None:
    """Write files as a zip, each stored or deflated as its own bytes deserve.

    A member beyond 4 GiB, and an archive beyond it, is in the form that zip64 adds.
    """
    with zip_writer(output, time) as archive:
        for file in files:
            with open_content(file) as content:
                method = ZIP_METHOD[deflates_well(content.read(SAMPLE_SIZE))]
                content.seek(0)
                # What does not deflate grows by a little, and a file may have grown meanwhile.
                is_large = file.size >= LARGE
                with (
                    archive.member(file.path, method=method, is_large=is_large) as member,
                    _read_back(output, file, method),
                ):
                    for chunk in chunks(content):
                        member.write(chunk)
                        advance(len(chunk))
                    member.finish()


def _read_back(output: IO[bytes], file: InstalledFile, method: int) -> AbstractContextManager[None]:
    """Have a large member read back while it is written, where that can be."""
    if not isinstance(output, GrowingFile) or file.size < _WORTH_A_THREAD:
        return nullcontext()
    return output.read_back(lambda stream, advance: [_packed_content(stream, method, advance)])


def _packed_content(stream: IO[bytes], method: int, advance: Advance) -> Content:
    if method == STORED:
        return _content(stream, advance, PROOF)
    inflated = Inflated(stream)
    content = _content(cast("IO[bytes]", inflated), advance, PROOF)
    return replace(content, crc=inflated.crc)


def read_zip(
    artifact: Path, advance: Advance, found: ReadBack = NOTHING, algorithm: str = "sha256"
) -> Iterator[Content]:
    """Yield the files of a zip with their digests, unless they were read back already."""
    with zipfile.ZipFile(artifact) as archive:
        for info in archive.infolist():
            known = known_member(artifact, info, found)
            if known is None:
                with archive.open(info) as content:
                    known = [_content(content, advance, algorithm)]
            mode = stat.S_IMODE(info.external_attr >> 16)
            yield from (replace(each, path=info.filename, mode=mode) for each in known)


def _content(stream: IO[bytes], advance: Advance, algorithm: str) -> Content:
    """Return what a stream holds; its path and its mode stand elsewhere in a zip."""
    found = digest_stream(stream, [algorithm], advance)
    digest = found.by_algorithm[algorithm]
    return Content(path="", mode=0, size=found.size, digest=digest, algorithm=algorithm)


def known_member(
    artifact: Path, info: zipfile.ZipInfo, found: ReadBack
) -> Iterable[Content] | None:
    """Return what was read back of a member of a zip, None where it was not.

    Raises BadZipFile where its CRC-32 or its size is not what the zip says, as Python's own reader
    does.
    """
    is_stored = info.compress_type == STORED
    if not found or (is_stored and info.compress_size != info.file_size):
        return None
    with artifact.open("rb") as raw:
        raw.seek(info.header_offset)
        header = raw.read(_LOCAL_HEADER)
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    place = Part(info.header_offset + _LOCAL_HEADER + name + extra, info.compress_size)
    if place not in found:
        return None
    result = found[place].result()
    if is_stored:
        is_so = found[place].crc == info.CRC
    else:
        [content] = result
        is_so = (content.crc, content.size) == (info.CRC, info.file_size)
    if not is_so:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
    return result
