"""Headers that are made and read here are those that tarfile makes and reads, to the bit."""

import tarfile
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from nipack.builder.archive.headers import FastHeader, file_header, member, tar_header

PATHS = some.text(min_size=1, max_size=150) | some.text("az/._-0ü", min_size=95, max_size=105)
SIZES = some.integers(0, 1 << 40) | some.sampled_from([0o77777777777, 0o100000000000])


def by_tarfile(path: str, size: int, mode: int, time: int) -> bytes:
    info = member(path, time, mode)
    info.size = size
    return tar_header(info)


def found_in(kind: type[tarfile.TarInfo], header: bytes) -> Any:
    """Return what a header says, or how it is refused."""
    try:
        info = kind.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        return repr(error)
    return {**info.get_info(), "check sum": info.chksum}


@given(PATHS, SIZES, some.sampled_from([0o444, 0o644, 0o4755]), some.integers(0, 1 << 36))
@example("caf\udce9", 1, 0o644, 0)
@settings(max_examples=60)
@pytest.mark.slow(0.2)
def test_a_header_is_that_of_tarfile(path: str, size: int, mode: int, time: int) -> None:
    header = file_header(path, size, mode, time)
    assert header == by_tarfile(path, size, mode, time)
    last = header[-tarfile.BLOCKSIZE :]
    assert found_in(FastHeader, last) == found_in(tarfile.TarInfo, last)


@given(some.integers(0, 511), some.binary(min_size=1, max_size=8), some.booleans())
@example(0, b"\0", True)  # no name
@example(3, b"\0/x", True)  # something behind the end of the name
@example(124, b"00000000008\0", True)
@example(124, b"        70 \0", True)
@example(124, b"0000000o017\0", True)
@example(124, b"\x80\0\0\0\0\0\0\0", True)
@example(136, b"x", True)
@example(156, b"\0", True)
@example(156, b"5", True)
@example(156, b"S", True)
@example(345, b"a prefix", True)
@example(0, b"other", False)
@example(148, b"     0\0 ", False)
@settings(max_examples=10)
def test_what_is_strange_is_read_as_by_tarfile(place: int, strange: bytes, right: bool) -> None:
    header = bytearray(file_header("share/file", 7, 0o644, 1_400_000_000))
    FastHeader.frombuf(header, "utf-8", "surrogateescape")  # and the next of its kind is known
    header[place : place + len(strange)] = strange[: tarfile.BLOCKSIZE - place]
    if right:
        header[148:156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 8 * ord(" "))
    whole = bytes(header)
    assert found_in(FastHeader, whole) == found_in(tarfile.TarInfo, whole)


@pytest.mark.parametrize("size", [0, 1, 511])
def test_half_a_header_is_refused_as_by_tarfile(size: int) -> None:
    half = file_header("share/file", 7, 0o644, 0)[:size]
    assert found_in(FastHeader, half) == found_in(tarfile.TarInfo, half)


def test_tarfile_makes_and_reads_one_of_many_that_are_alike() -> None:
    base, calls = tarfile.TarInfo, {"made": 0, "read": 0}
    make, read = base.tobuf, base.frombuf

    def tobuf(info: tarfile.TarInfo, *how: Any) -> bytes:
        calls["made"] += 1
        return make(info, *how)

    def frombuf(*how: Any) -> tarfile.TarInfo:
        calls["read"] += 1
        return read(*how)

    with patch.object(base, "tobuf", tobuf), patch.object(base, "frombuf", frombuf):
        for number in range(100):
            header = file_header(f"share/{number}", number, 0o640, 86_400)
            assert FastHeader.frombuf(header, "utf-8", "strict").size == number
    assert calls == {"made": 1, "read": 1}
