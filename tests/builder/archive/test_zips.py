"""Zip files as nipack writes them, read by Python's zipfile and by unzip."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from nipack.builder.archive.zips import DEFLATED, STORED, zip_writer
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
