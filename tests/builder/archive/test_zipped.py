"""The files of a zip, some of which were read back while they were written."""

import io
import os
import zipfile
import zlib
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest

from nipack.builder.archive.growing import Found, GrowingFile, Part
from nipack.builder.archive.installed import text_file
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.archive.streams import Inflated
from nipack.builder.archive.zipped import known_member, read_zip, write_zip
from nipack.system.fast_hash import PROOF

FILES = (
    text_file("lib/noise", os.urandom(1 << 20)),
    text_file("lib/gr\u00f6\u00dfe", os.urandom(1 << 20)),
    text_file("lib/text", b"the same line\n" * 99_999),
    text_file("lib/small", os.urandom(1000)),
)


def nothing(count: int) -> None:
    """Count nothing."""


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, ReadBack]:
    path = tmp_path / "a.zip"
    path.touch()
    with GrowingFile(path) as output:  # type: ignore[var-annotated]
        write_zip(output, FILES, time=0, advance=nothing)
    return path, output.found


def test_what_was_read_back_is_not_read_again(made: tuple[Path, ReadBack]) -> None:
    counts: list[int] = []
    found = list(read_zip(made[0], counts.append, made[1], PROOF))
    assert [(each.path, each.size, each.digest) for each in found] == [
        (each.path, each.size, each.digest(PROOF)) for each in FILES
    ]
    assert {each.mode for each in found} == {0o644}
    assert sum(counts) == FILES[3].size, "the large ones are known"
    assert list(read_zip(made[0], nothing, NOTHING, PROOF)) == found
    assert [each.digest for each in read_zip(made[0], nothing)] == [each.sha256 for each in FILES]


def test_what_was_read_back_must_be_what_the_zip_says(made: tuple[Path, ReadBack]) -> None:
    path, known = made
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        crc = archive.getinfo("lib/noise").CRC.to_bytes(4, "little")
    path.write_bytes(content.replace(crc, bytes(4)))
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32 for file 'lib/noise'"):
        list(read_zip(path, nothing, known))


@pytest.mark.parametrize("field", ["CRC", "file_size", "compress_type"])
@pytest.mark.parametrize("name", ["lib/noise", "lib/text"])
def test_a_zip_that_says_something_else_is_bad_or_not_known(
    name: str, field: str, made: tuple[Path, ReadBack]
) -> None:
    path, known = made
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    assert known_member(path, info, known) is not None
    setattr(info, field, 8 - info.compress_type if field == "compress_type" else 1)
    with suppress(zipfile.BadZipFile):
        assert known_member(path, info, known) is None


def test_what_is_deflated_is_read_whole_or_not_at_all() -> None:
    content = bytes(range(251)) * 9999
    packed = zlib.compress(content)[2:-4]
    inflated = Inflated(io.BytesIO(packed + b"more"))
    with io.BufferedReader(inflated) as stream:
        assert stream.read() == content
        assert inflated.crc == zlib.crc32(content)
    with io.BufferedReader(Inflated(io.BytesIO(packed[:-1]))) as cut, pytest.raises(EOFError):
        cut.read()


def test_a_large_member_is_read_back_and_a_smaller_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.touch()
    noise = os.urandom(1 << 20)
    files = (text_file("b", noise[1:]), text_file("a", noise), text_file("c", bytes(1 << 20)))
    with GrowingFile(path) as output:  # type: ignore[var-annotated]
        write_zip(output, files, time=0, advance=nothing)
    with zipfile.ZipFile(path) as archive:
        assert [each.compress_type for each in archive.infolist()] == [0, 0, 8]
        start = archive.getinfo("a").header_offset + 31
    assert Part(start, 1 << 20) in output.found
    assert len(output.found) == 2


@pytest.mark.parametrize(("size", "large"), [(3_999_999_999, False), (4_000_000_000, True)])
def test_a_member_that_may_reach_the_limit_has_the_field_for_it(
    size: int, large: bool, tmp_path: Path
) -> None:
    file = replace(text_file("a", b"content"), size=size)
    with (tmp_path / "a.zip").open("wb") as output:
        write_zip(output, [file], time=0, advance=nothing)
    header = (tmp_path / "a.zip").read_bytes()[:30]
    assert (header[4], header[28]) == ((45, 20) if large else (20, 0))


def test_only_what_was_read_back_at_its_very_place_is_known(made: tuple[Path, ReadBack]) -> None:
    path, known = made
    with zipfile.ZipFile(path) as archive:
        infos = {each.filename: each for each in archive.infolist()}
    noise = infos["lib/gr\u00f6\u00dfe"]
    [content] = known_member(path, noise, known) or ()
    assert content.digest == FILES[1].digest(PROOF)
    assert known_member(path, noise, {}) is None
    assert known_member(path, infos["lib/small"], known) is None
    [first, second, _] = known
    for part in (
        Part(second.start + 1, second.size),
        Part(second.start, second.size - 1),
        Part(first.start, second.size),
    ):
        assert known_member(path, noise, {part: Found()}) is None
    other = copy(noise)
    other.compress_size -= 1
    assert known_member(path, other, known) is None


def test_a_member_with_a_field_for_its_size_is_known_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.builder.archive.zipped.LARGE", 1 << 20)
    path = tmp_path / "a.zip"
    path.touch()
    with GrowingFile(path) as output:  # type: ignore[var-annotated]
        write_zip(output, FILES[:2], time=0, advance=nothing)
    counts: list[int] = []
    assert len(list(read_zip(path, counts.append, output.found, PROOF))) == 2
    assert counts == [], "nothing is read again"
