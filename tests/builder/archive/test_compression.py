"""Compression: what is written is read, by us and by others, and is the same every time."""

import gzip
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import zstandard

from nipack.builder.archive.compression import (
    deflates_well,
    gzip_level,
    gzip_reader,
    gzip_writer,
    is_mostly_compressed,
    malformed_archive_as,
    plain_gzip_writer,
    small_gzip,
    zstd_reader,
    zstd_writer,
)
from nipack.builder.archive.installed import text_file

pytestmark = pytest.mark.usefixtures("no_thread_is_left")
CONTENTS = {
    "nothing": b"",
    "small": b"content",
    "text": b"the same line\n" * 400_000,
    "noise": os.urandom(5 << 20),
}
WAYS = {"gzip": (gzip_writer, gzip_reader), "zstd": (zstd_writer, zstd_reader)}


def compressed(writer: Callable[[IO[bytes]], IO[bytes]], content: bytes, step: int) -> bytes:
    buffer = io.BytesIO()
    with writer(buffer) as stream:
        for start in range(0, len(content), step):
            stream.write(content[start : start + step])
    assert not buffer.closed
    return buffer.getvalue()


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("way", WAYS)
def test_there_and_back(way: str, content: bytes) -> None:
    writer, reader = WAYS[way]
    written = compressed(writer, content, 1 << 18)
    with reader(io.BytesIO(written)) as stream:
        assert stream.read() == content
    if way == "gzip":
        assert gzip.decompress(written) == content
    else:
        assert zstandard.ZstdDecompressor().decompressobj().decompress(written) == content


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_zstd_s_result_does_not_depend_on_how_it_is_written(content: bytes) -> None:
    """That of gzip does: it gets blocks of one size, as tarfile writes them."""
    results = {compressed(zstd_writer, content, step) for step in (10_007, 1 << 18, 1 << 23)}
    assert len(results) == 1


@pytest.mark.parametrize("threads", [1, 3, 8])
def test_zstd_writes_the_same_with_any_number_of_workers(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = CONTENTS["noise"] + CONTENTS["text"]
    expected = compressed(zstd_writer, content, 1 << 18)
    monkeypatch.setattr("nipack.builder.archive.compression.ZSTD_THREADS", threads)
    assert compressed(zstd_writer, content, 1 << 18) == expected


@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_an_error_and_no_thread_is_left(way: str) -> None:
    def fill() -> None:
        with Path("/dev/full").open("wb") as full, WAYS[way][0](full) as stream:
            for _ in range(10):
                stream.write(CONTENTS["noise"])

    with pytest.raises(OSError, match="No space left on device"):
        fill()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("damage", ["cut", "flip", "other"])
def test_what_is_malformed_has_one_error(way: str, damage: str) -> None:
    writer, reader = WAYS[way]
    written = bytearray(compressed(writer, CONTENTS["noise"], 1 << 18))
    if damage == "cut":
        del written[-100:]
    if damage == "flip":
        written[len(written) // 2] ^= 0xFF
    if damage == "other":
        written[:8] = b"no magic"

    def read() -> None:
        with malformed_archive_as(LookupError), reader(io.BytesIO(bytes(written))) as stream:
            # A zstd frame that is cut ends without a word; the reader of what is in it notices.
            if stream.read() != CONTENTS["noise"]:
                raise EOFError

    with pytest.raises(LookupError):
        read()


def test_a_refusal_of_the_system_is_no_fault_of_an_archive() -> None:
    with pytest.raises(PermissionError), malformed_archive_as(LookupError):
        raise PermissionError(13, "Permission denied")


def test_headers_say_nothing_of_the_machine() -> None:
    written = compressed(gzip_writer, b"content", 7)
    assert written[3:8] == bytes(5), "no name, no time"
    assert small_gzip(b"content")[3:8] == bytes(5)
    assert gzip.decompress(small_gzip(b"content")) == b"content"


@pytest.mark.parametrize("pieces", [[], [b"content"], [b"same\n" * 9999, CONTENTS["noise"][:9999]]])
def test_what_others_make_again_is_whole(pieces: list[bytes]) -> None:
    buffer = io.BytesIO()
    with plain_gzip_writer(buffer, 1) as stream:
        for piece in pieces:
            assert stream.write(piece) == len(piece)
    # Its check sum and its size are compared, too.
    assert gzip.decompress(buffer.getvalue()) == b"".join(pieces)


def test_what_is_mostly_compressed_is_not_worth_the_time() -> None:
    image, text = text_file("T1.NII.GZ", b"1" * 10), text_file("README", b"1" * 10)
    assert gzip_level([image, text, text]) == 6
    assert gzip_level([image, text]) == 6, "not most of it"
    assert gzip_level([image, image, text]) == 1


@pytest.mark.parametrize(
    "ending",
    ["gz", "bz2", "xz", "zst", "zip", "tgz", "mgz", "npz", "jpg", "jpeg", "png", "h5", "mat"],
)
def test_what_is_compressed_already_is_known_by_its_name(ending: str) -> None:
    assert gzip_level([text_file(f"a.{ending}", b"1")]) == 1
    assert gzip_level([text_file(f"a{ending}", b"1")]) == 6


@pytest.mark.parametrize(
    "error",
    [
        *(EOFError, ValueError, OverflowError, NotImplementedError, lzma.LZMAError, zlib.error),
        *(tarfile.ReadError, zipfile.BadZipFile, zstandard.ZstdError, OSError),
    ],
)
def test_what_readers_raise_is_the_archive_s_fault(error: type[Exception]) -> None:
    with pytest.raises(LookupError) as caught, malformed_archive_as(LookupError):
        raise error("why")
    assert caught.value.args == ("why",)
    assert type(caught.value.__cause__) is error


def test_an_error_without_words_has_its_name() -> None:
    with pytest.raises(LookupError) as caught, malformed_archive_as(LookupError):
        raise EOFError
    assert caught.value.args == ("EOFError",)
    with pytest.raises(KeyError), malformed_archive_as(LookupError):
        raise KeyError


def test_each_byte_of_a_small_gzip() -> None:
    end = zlib.crc32(b"aaaa").to_bytes(4, "little") + b"\4\0\0\0"
    packed = zlib.compress(b"aaaa", 9)[2:-4]
    assert small_gzip(b"aaaa") == b"\x1f\x8b\x08\0\0\0\0\0\x02\x03" + packed + end
    for level in (1, 6):
        buffer = io.BytesIO()
        with plain_gzip_writer(buffer, level) as stream:
            stream.write(b"aa")
            stream.write(b"aa")
        packed = zlib.compress(b"aaaa", level)[2:-4]
        assert buffer.getvalue() == b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + packed + end


def test_half_of_the_bytes_is_not_most_of_them() -> None:
    packed, text = text_file("a.gz", b"1" * 10), text_file("b", b"1" * 10)
    assert not is_mostly_compressed([packed, text])
    assert not is_mostly_compressed([])
    assert is_mostly_compressed([packed, text_file("b", b"1" * 9)])


def test_what_is_worth_deflating_becomes_less_than_nine_tenths() -> None:
    noise = os.urandom(1000)
    assert not deflates_well(b"")
    assert not deflates_well(noise)
    assert not deflates_well(noise + bytes(80))
    assert deflates_well(noise + bytes(300))
