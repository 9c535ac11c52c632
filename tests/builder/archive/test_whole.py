"""Archives are read to their last byte, and what is more than they say is told of."""

import bz2
import io
import lzma
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from nipack.builder.archive.whole import Decompressor, WholeDecompressor, zip_must_be_whole
from nipack.system import limits


def small_zip(comment: bytes = b"") -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a"), b"content")  # of 1980: names of tests have it
        archive.comment = comment
    return output.getvalue()


def end(directory: int, offset: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, directory, offset, len(comment)) + comment


def large_end(directory: int, offset: int, place: int, comment: bytes = b"") -> bytes:
    """Return the three records that a zip ends with whose sizes need more than 32 bits."""
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, directory, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    return record + locator + end(0xFFFFFFFF, 0xFFFFFFFF, comment)


def refused(content: bytes) -> str:
    with pytest.raises(zipfile.BadZipFile) as caught:
        zip_must_be_whole(io.BytesIO(content))
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        end(0, 0),
        small_zip(),
        small_zip(b"x" * 0xFFFF),
        b"member" + b"d" * 9 + end(9, 6),
        b"member" + b"d" * 9 + large_end(9, 6, 15),
        b"member" + b"d" * 9 + large_end(9, 6, 15, b"x" * 0xFFFF),  # as long as it can be
        # A record without what leads to it is none.
        b"PK\6\6" + b"d" * 60 + end(60, 4),
        # What leads to a record that is not there is the directory's.
        b"d" * 40 + b"PK\6\7" + b"d" * 16 + end(60, 0),
        b"d" * 41 + b"PK\6\7" + b"d" * 15 + end(60, 0),
    ],
)
def test_a_whole_zip_is_read_from_its_beginning(content: bytes) -> None:
    stream = io.BytesIO(content)
    stream.seek(5)
    zip_must_be_whole(stream)
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it has no end"),
        (end(0, 0)[:-1], "it has no end"),
        (small_zip()[:-23], "it has no end"),
        (small_zip(b"word")[:-1], "its comment is cut short"),
        (small_zip() + b"x", "after its end are 1 more bytes, which would be lost"),
        (
            small_zip(b"word") + bytes(2000),
            "after its end are 2,000 more bytes, which would be lost",
        ),
        (b"x" + small_zip(), "before it are 1 more bytes, which would be lost"),
        (bytes(1000) + small_zip(), "before it are 1,000 more bytes, which would be lost"),
        (
            b"x" * 1500 + b"d" * 9 + large_end(9, 300, 309),
            "before it are 1,200 more bytes, which would be lost",
        ),
        (end(0, 1), "before it are -1 more bytes, which would be lost"),
    ],
)
def test_what_is_more_or_less_than_a_zip_is_told_of(content: bytes, reason: str) -> None:
    assert refused(content) == reason


def test_a_directory_has_four_hundred_bytes_for_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, "members=3")
    zip_must_be_whole(io.BytesIO(b"d" * 1200 + end(1200, 0)))
    assert refused(b"d" * 1201 + end(1201, 0)) == (
        f"its directory has 1,201 bytes; {limits.how_to_raise('members')}"
    )


PACKED: dict[Any, Callable[[bytes], bytes]] = {
    bz2.BZ2Decompressor: bz2.compress,
    lzma.LZMADecompressor: lzma.compress,
}
TEXTS = (b"one " * 90, b"two", b"")


@pytest.mark.parametrize("new", PACKED)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize("zeros", [0, 1, 40])
def test_streams_behind_one_another_are_one(
    new: Callable[[], Decompressor], chunk: int, zeros: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.builder.archive.whole.CHUNK", chunk)
    content = b"".join(PACKED[new](text) + bytes(zeros) for text in TEXTS)
    reader = WholeDecompressor(io.BytesIO(content), new)
    buffered = io.BufferedReader(reader, 3)
    assert buffered.read(5) == b"one o"
    assert buffered.read() == b"".join(TEXTS)[5:]
    assert reader.read(1) == b""


@pytest.mark.parametrize("new", PACKED)
def test_what_is_cut_short_or_followed_by_something_else_is_an_error(
    new: Callable[[], Decompressor],
) -> None:
    packed = PACKED[new](TEXTS[0])
    for content in (b"", packed[:-1], packed + packed[:-1]):
        with pytest.raises(EOFError, match="it ends before its content does"):
            io.BufferedReader(WholeDecompressor(io.BytesIO(content), new)).read()
    with pytest.raises((OSError, lzma.LZMAError)):
        io.BufferedReader(WholeDecompressor(io.BytesIO(packed + b"no stream at all"), new)).read()
