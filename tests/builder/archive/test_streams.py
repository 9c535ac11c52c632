"""Files that count, or end early."""

import io
from typing import IO, Any, cast

import pytest

from nipack.builder.archive.streams import (
    BlockWriter,
    CountingReader,
    ForwardReader,
    LimitedReader,
    MeteredReader,
)


def test_counting_reader_counts_what_is_read_and_can_seek() -> None:
    counts: list[int] = []
    with io.BufferedReader(CountingReader(io.BytesIO(b"0123456789"), counts.append), 4) as reader:
        assert reader.read(6) == b"012345"
        assert reader.seekable()
        assert reader.seek(2) == 2
        assert reader.read() == b"23456789"
        assert reader.tell() == 10
    assert sum(counts) >= 10


class Dribbling(io.RawIOBase):
    """A file that gives three bytes at a time, as some network file systems may."""

    def __init__(self) -> None:
        self._inner = io.BytesIO(b"0123456789")

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 3))


def test_counting_reader_fills_what_it_is_given() -> None:
    counts: list[int] = []
    reader = CountingReader(cast("IO[bytes]", Dribbling()), counts.append)
    assert reader.read(8) == b"01234567"
    assert reader.read(8) == b"89"
    assert reader.read(8) == b""
    assert counts == [8, 2, 0]


@pytest.mark.parametrize("size", [0, 3, 10, 99])
def test_limited_reader_ends_where_the_part_ends(size: int) -> None:
    stream = io.BytesIO(b"0123456789")
    with io.BufferedReader(LimitedReader(stream, size)) as reader:
        assert reader.read() == b"0123456789"[:size]
        assert reader.read() == b""
    assert not stream.closed
    assert stream.tell() == min(size, 10)


class Kept(io.BytesIO):
    """Keeps the size of each write."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, content: Any) -> int:
        self.sizes.append(len(content))
        return super().write(content)


def test_what_is_written_is_handed_on_in_whole_blocks_and_filled_up_by_all_of_it() -> None:
    output = Kept()
    writer = BlockWriter(output, 4)
    for content in (b"a", b"bc", b"defghijk", b"l"):
        writer.write(content)
    assert output.sizes == [4, 4, 4]
    writer.write(b"m")
    writer.fill(10)
    assert output.sizes == [4] * 5
    writer.flush()
    writer.flush()
    writer.fill(7)
    writer.flush()
    assert output.getvalue() == b"abcdefghijklm" + bytes(8)


def test_a_place_is_reached_by_reading_alone() -> None:
    reader = ForwardReader(io.BytesIO(b"0123456789"))
    assert reader.read(2) == b"01"
    assert reader.seek(5) == 5
    assert reader.read(1) == b"5"
    assert reader.tell() == reader.seek(6) == 6
    with pytest.raises(io.UnsupportedOperation):
        reader.seek(5)
    assert reader.seek(99) == 10, "no further than there is anything"
    reader.passed(3)
    assert reader.tell() == 13


@pytest.mark.parametrize("sizes", [[0], [1], [8], [9], [3, 5, 21, 16], [64]])
def test_files_are_read_right_into_the_blocks(sizes: list[int]) -> None:
    content, place = bytes(range(sum(sizes))), 0
    output, counts = Kept(), list[int]()
    writer = BlockWriter(output, 8)
    for number, size in enumerate(sizes):
        part, place = content[place : place + size], place + size
        if number % 2:
            writer.write(part)
        else:
            assert writer.read_from(io.BytesIO(part), size, counts.append) == 0
    assert writer.read_from(io.BytesIO(b""), 5, counts.append) == 5
    assert sum(counts) == sum(sizes[::2])
    assert output.sizes == [8] * (len(content) // 8)
    writer.flush()
    assert output.getvalue() == content


def test_no_more_is_read_of_a_file_than_was_asked_for() -> None:
    output, file = Kept(), io.BytesIO(b"0123456789")
    writer = BlockWriter(output, 8)
    assert writer.read_from(file, 3, lambda count: None) == 0
    writer.flush()
    assert (output.getvalue(), file.read()) == (b"012", b"3456789")


def test_no_more_is_read_than_is_allowed_for_the_moment() -> None:
    reader = MeteredReader(io.BytesIO(b"0123456789"))
    assert reader.readable()
    assert reader.read(2) == b"01"
    reader.allow(3)
    assert reader.read(2) == b"23"
    assert reader.read(1) == b"4"
    with pytest.raises(ValueError, match=r"^a header that is too large; if that is"):
        reader.read(1)
    reader.allow(None)
    assert reader.read(9) == b"6789"
    assert reader.read(9) == b""
