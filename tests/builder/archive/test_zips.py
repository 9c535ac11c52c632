"""Zip files as nipack writes them, read by Python's zipfile and by unzip."""

import io
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from nipack.builder.archive.zips import DEFLATED, STORED, MemberWriter, ZipWriter, zip_writer
from nipack.system import fast_gzip

TEXT = b"The same again. " * 9999


@pytest.fixture(params=[True, False], ids=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both libraries that may deflate; the second is what there is without the first."""
    monkeypatch.setattr(fast_gzip, "HAVE_ISAL", request.param)


@pytest.mark.usefixtures("library")
@pytest.mark.tools("unzip")
def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with path.open("wb") as output, zip_writer(output, 1_400_000_001) as archive:
        for name, method in (("stored", STORED), ("dé flated", DEFLATED), ("empty", DEFLATED)):
            with archive.member(name, method=method, is_large=name == "stored") as member:
                for start in range(0, len(TEXT), 1000):
                    if name != "empty":
                        member.write(TEXT[start : start + 1000])
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert found.read("stored") == found.read("dé flated") == TEXT
        assert found.read("empty") == b""
        assert found.getinfo("dé flated").compress_size < len(TEXT) / 50
        assert {info.date_time for info in found.infolist()} == {(2014, 5, 13, 16, 53, 20)}
        assert {info.external_attr >> 16 for info in found.infolist()} == {0o100644}
        assert {info.create_system for info in found.infolist()} == {3}, "else it has no modes"
    subprocess.run(["unzip", "-tq", path], check=True, capture_output=True)


@pytest.mark.slow
def test_more_members_than_a_zip_of_old_can_count() -> None:
    count = 0x10000 + 1
    output = io.BytesIO()
    with zip_writer(output, 0) as archive:
        for number in range(count):
            with archive.member(str(number)):
                pass
    with zipfile.ZipFile(output) as found:
        assert len(found.infolist()) == count


@pytest.mark.tools("unzip")
def test_members_beyond_4_gib(tmp_path: Path) -> None:
    """The file begins with a hole, so that it takes no room."""
    path = tmp_path / "a.zip"
    with path.open("wb") as output:
        output.seek(5 << 30)
        with zip_writer(output, 0) as archive:
            for name in ("one", "two"):
                with archive.member(name) as member:
                    member.write(TEXT)
    with zipfile.ZipFile(path) as found:
        assert [info.header_offset > 5 << 30 for info in found.infolist()] == [False, True]
        assert found.read("two") == TEXT
    subprocess.run(["unzip", "-tq", path], check=True, capture_output=True)


def test_a_time_before_ms_dos_is_its_first_day() -> None:
    output = io.BytesIO()
    with zip_writer(output, 0) as archive, archive.member("one"):
        pass
    with zipfile.ZipFile(output) as found:
        assert found.getinfo("one").date_time == (1980, 1, 1, 0, 0, 0)


def test_the_first_year_of_ms_dos_is_a_year_as_any_other() -> None:
    output = io.BytesIO()
    with zip_writer(output, 345_678_900) as archive, archive.member("one"):
        pass
    with zipfile.ZipFile(output) as found:
        info = found.getinfo("one")
        assert info.date_time == (1980, 12, 14, 21, 55, 0)
        assert info.extra == b""


def test_a_member_that_is_larger_than_it_was_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nipack.builder.archive.zips.LIMIT", 1000)
    with (
        pytest.raises(ValueError, match="one: larger than it was said to be"),
        zip_writer(io.BytesIO(), 0) as archive,
        archive.member("one") as member,
    ):
        member.write(TEXT)


def zip_of(*members: tuple[str, bytes, bool], before: int = 0) -> bytes:
    output = io.BytesIO(bytes(before))
    output.seek(before)
    with zip_writer(output, 1_400_000_001) as archive:
        for name, content, is_large in members:
            with archive.member(name, is_large=is_large) as member:
                assert member.write(content) == len(content)
                member.flush()
    return output.getvalue()[before:]


# In all of them: the time 16:53:20 as 0x86aa, the day 2014-05-13 as 0x44ad, and mode 0100644.
WHEN = "aa86ad44"


def test_each_byte_of_a_zip_is_what_the_specification_says() -> None:
    expected = (
        # Local headers (APPNOTE.TXT 4.3.7): version, flags, method, when, CRC, sizes, lengths.
        f"504b0304 1400 0000 0000 {WHEN} CRC 07000000 07000000 0100 0000 61"
        "636f6e74656e74"
        f"504b0304 2d00 0008 0000 {WHEN} CRC ffffffff ffffffff 0200 1400 c3a9"
        " 0100 1000 0700000000000000 0700000000000000"
        "636f6e74656e74"
        # The directory (4.3.12): Unix, version, and the same again with mode and place.
        f"504b0102 1403 1400 0000 0000 {WHEN} CRC 07000000 07000000 0100 0000 0000 0000 0000"
        " 0000a481 00000000 61"
        f"504b0102 2d03 2d00 0008 0000 {WHEN} CRC 07000000 07000000 0200 0000 0000 0000 0000"
        " 0000a481 26000000 c3a9"
        # Its end (4.3.16).
        "504b0506 0000 0000 0200 0200 5f000000 61000000 0000"
    )
    found = zip_of(("a", b"content", False), ("é", b"content", True))
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        crc = struct.pack("<I", archive.getinfo("a").CRC).hex()
    assert found.hex() == expected.replace("CRC", crc).replace(" ", "")


@pytest.mark.parametrize("name", ["_COUNT_LIMIT", "LIMIT"])
def test_each_byte_of_the_end_of_a_large_zip(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if two members, or a file of so many bytes, were too many for an old reader."""
    small = zip_of(("a", b"content", False), ("b", b"content", False), before=9)
    size, start = 2 * 47, 2 * (31 + 7) + 9
    end = small[-22:]
    assert end == struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, size, start, 0)
    limit = 2 if name == "_COUNT_LIMIT" else start + size
    monkeypatch.setattr(f"nipack.builder.archive.zips.{name}", limit + 1)
    assert zip_of(("a", b"content", False), ("b", b"content", False), before=9) == small
    monkeypatch.setattr(f"nipack.builder.archive.zips.{name}", limit)
    large = zip_of(("a", b"content", False), ("b", b"content", False), before=9)
    assert large == small[:-22] + (
        # APPNOTE.TXT 4.3.14 and 4.3.15
        struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45 | 3 << 8, 45, 0, 0, 2, 2, size, start)
        + struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
        + end
    )


@pytest.mark.parametrize("limit", [9, 8, 7])
def test_what_is_beyond_the_limit_is_in_the_directory_s_own_field(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.BytesIO(bytes(8))
    output.seek(8)
    archive = ZipWriter(output, 0)
    with archive.member("a", is_large=True) as member:
        member.write(b"content")
    monkeypatch.setattr("nipack.builder.archive.zips.LIMIT", limit)
    header = archive._central(archive._members[0])
    numbers = [number for number in (7, 7, 8) if number >= limit]
    fields = struct.unpack_from("<4s6H3I5H2I", header)
    assert fields[8:10] == (min(7, limit), min(7, limit))
    assert fields[16] == min(8, limit)
    assert header[46:47] == b"a"
    extra = struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
    assert header[47:] == extra
    assert fields[11] == len(extra)


def test_a_member_counts_what_is_written_and_what_comes_of_it() -> None:
    output = io.BytesIO()
    writer = MemberWriter(output, DEFLATED)
    for _ in range(2):
        assert writer.write(TEXT) == len(TEXT)
    writer.finish()
    assert writer.size == 2 * len(TEXT)
    assert writer.packed == len(output.getvalue()) < len(TEXT)
    assert writer.crc == fast_gzip.crc32(TEXT * 2, 0)


@pytest.mark.parametrize("size", [99, 100])
def test_a_member_may_reach_just_less_than_the_limit(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.builder.archive.zips.LIMIT", 100)
    archive = ZipWriter(io.BytesIO(), 0)
    if size < 100:
        with archive.member("one") as member:
            member.write(bytes(size))
        assert archive._members[0].size == size
        return
    with pytest.raises(ValueError, match="larger"), archive.member("one") as member:
        member.write(bytes(size))
