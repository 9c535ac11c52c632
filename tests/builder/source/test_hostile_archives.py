"""Archives that are made to be lost in part, or to take memory, disk and time."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builder.samples import member, tar_bytes

from nipack.builder.source import unpack as unpacking
from nipack.builder.source.unpack import unpack
from nipack.system.errors import SourceError

GOOD = (member("t/config.ini", b"[DEFAULT]\nversion = 0.3\n"), member("t/image.nii", b"image"))
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


def unpacked(content: bytes, folder: Path) -> Path:
    archive = folder / "archive"
    archive.write_bytes(content)
    unpack(archive, folder / "tree", lambda count: None, shown="archive")
    return folder / "tree"


def refusal(content: bytes, folder: Path) -> str:
    with pytest.raises(SourceError) as caught:
        unpacked(content, folder)
    return str(caught.value)


def header(kind: bytes, size: int, name: str = "t/x") -> bytes:
    """A header of tar that announces as much as it likes."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def end_at(tar: bytes) -> int:
    """Where a tar of whole blocks ends, but for its mark of the end."""
    return len(tar.rstrip(b"\0")) + 511 & ~511


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_block_of_zeros_in_the_midst_is_no_end(kind: str, tmp_path: Path) -> None:
    first, second = tar_bytes(GOOD[0]), tar_bytes(GOOD[1])
    tar = first[: end_at(first)] + bytes(512) + second
    said = refusal(COMPRESSIONS[kind](tar), tmp_path)
    assert f"after its end mark at byte 1,024 are {len(second):,} more bytes" in said


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_two_archives_in_one_file_are_not_taken_for_the_first(kind: str, tmp_path: Path) -> None:
    compress = COMPRESSIONS[kind]
    said = refusal(compress(tar_bytes(GOOD[0])) + compress(tar_bytes(GOOD[1])), tmp_path)
    assert "more bytes, which would be lost" in said


@pytest.mark.parametrize("kind", COMPRESSIONS)
@pytest.mark.parametrize("zeros", [512, 1 << 20])
def test_zeros_at_the_end_are_none_of_the_content(kind: str, zeros: int, tmp_path: Path) -> None:
    tar = tar_bytes(*GOOD)
    tree = unpacked(COMPRESSIONS[kind](tar + bytes(zeros)) + bytes(1024), tmp_path)
    assert (tree / "t" / "image.nii").read_bytes() == b"image"


@pytest.mark.parametrize("kind", COMPRESSIONS)
@pytest.mark.parametrize(
    "rest",
    [b"garbage", bytes(600) + b"garbage", b"x" * 300_000],
    ids=["garbage", "zeros and garbage", "much"],
)
def test_what_is_behind_an_archive_is_not_passed_over(
    kind: str, rest: bytes, tmp_path: Path
) -> None:
    said = refusal(COMPRESSIONS[kind](tar_bytes(*GOOD)) + rest, tmp_path)
    assert "cannot be unpacked" in said


def zip_bytes(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, name * 10)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zip_bytes("a") + zip_bytes("b"), "before it are 110 more bytes"),
        (zip_bytes("a") + b"x" * 9, "after its end are 9 more bytes"),
        (zip_bytes("a")[:-2] + b"\x09\x00", "its comment is cut short"),
        (zip_bytes("a").replace(b"PK\x05\x06", b"PK\x05\x07"), "it has no end"),
    ],
    # A zip has the time in it: processes that share the tests would know each by another name.
    ids=["another before it", "more behind it", "half a comment", "no end"],
)
def test_a_zip_is_all_of_its_file(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(content, tmp_path)


def test_what_looks_like_a_part_of_the_end_is_content(tmp_path: Path) -> None:
    said = b"PK\x06\x06, PK\x06\x07"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", said)
    assert (unpacked(buffer.getvalue(), tmp_path) / "a").read_bytes() == said


def test_a_zip_with_a_comment_and_a_large_one_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)  # so that it is written as zip64
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = b"a comment"
        for name in ("a", "b", "c"):
            archive.writestr(name, name)
    assert b"PK\x06\x06" in buffer.getvalue()
    assert (unpacked(buffer.getvalue(), tmp_path) / "c").read_text() == "c"


@pytest.mark.parametrize(("dictionary", "is_read"), [(28, True), (31, False)])
def test_what_wants_more_memory_than_xz_ever_does_is_refused(
    dictionary: int, is_read: bool, tmp_path: Path
) -> None:
    """`xz -9` has a dictionary of 64 MiB; the same file is made to ask for 192 MiB."""
    content = bytearray(lzma.compress(tar_bytes(*GOOD)))
    end = 12 + 4 * content[12]  # of the header of the first block, before its check sum
    content[16] = dictionary
    content[end : end + 4] = zlib.crc32(content[12:end]).to_bytes(4, "little")
    if is_read:
        assert (unpacked(bytes(content), tmp_path) / "t" / "image.nii").read_bytes() == b"image"
    else:
        assert "Memory usage limit exceeded" in refusal(bytes(content), tmp_path)


def pax(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return header(kind, len(records)) + records + bytes(-len(records) % 512)


HEADERS = {
    "long name": header(tarfile.GNUTYPE_LONGNAME, 512 << 20),
    "long link": header(tarfile.GNUTYPE_LONGLINK, 2 << 30),
    "records": header(tarfile.XHDTYPE, 512 << 20),
    "records of all": header(tarfile.XGLTYPE, 512 << 20),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_of_a_large_size_is_not_read(what: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with archive.open("wb") as output:
        output.write(tar_bytes(GOOD[0])[:1024] + HEADERS[what])
        output.truncate(3 << 30)
    with pytest.raises(SourceError, match="a header that is too large; if that is meant, set NIP"):
        unpack(archive, tmp_path / "tree", lambda count: None, shown="archive")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_of_headers_without_an_end(kind: bytes, tmp_path: Path) -> None:
    one = pax(b"11 path=xy\n", kind) if kind != tarfile.GNUTYPE_LONGNAME else pax(b"x\0", kind)
    said = refusal(gzip.compress(one * 3000 + tar_bytes(*GOOD)), tmp_path)
    assert "a header that is too large" in said or "headers of headers" in said


def test_a_sparse_map_without_an_end(tmp_path: Path) -> None:
    info = tarfile.TarInfo("t/sparse")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[482] = 1  # there is a further block of the map
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    more = bytearray(512)
    more[504] = 1
    said = refusal(gzip.compress(bytes(block) + bytes(more) * 3000), tmp_path)
    assert "a header that is too large" in said


def test_a_name_of_an_ordinary_length_is_taken(tmp_path: Path) -> None:
    name = "t/" + "/".join("d" * 100 for _ in range(9)) + "/file"
    for format in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
        folder = tmp_path / str(format)
        folder.mkdir()
        assert (unpacked(buffer.getvalue(), folder) / name).read_bytes() == b"abc"


def test_a_file_that_is_announced_larger_than_is_fair_is_not_begun(tmp_path: Path) -> None:
    said = refusal(gzip.compress(header(tarfile.REGTYPE, 1 << 40) + bytes(1 << 20)), tmp_path)
    assert "is more than 250 times as large unpacked" in said
    assert "set NIPACK_LIMITS=ratio=NUMBER to more than 250" in said
    assert not (tmp_path / "tree" / "t" / "x").exists()


def test_a_bomb_ends_where_it_is_no_more_fair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "FAIR", 2 << 20)
    monkeypatch.setenv("NIPACK_LIMITS", "ratio=3")
    files = [member(f"t/{number}", bytes(1 << 20)) for number in range(9)]
    assert "is more than 3 times" in refusal(gzip.compress(tar_bytes(*files)), tmp_path)
    assert len(list((tmp_path / "tree" / "t").iterdir())) <= 3


def test_members_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "members=1")
    said = refusal(tar_bytes(*GOOD), tmp_path)
    assert "has more than 1 members; if that is meant, set NIPACK_LIMITS=members=NUMBER" in said


def test_the_directory_of_a_zip_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "members=1")
    assert "its directory has" in refusal(zip_bytes(*map(str, range(99))), tmp_path)


def test_an_xz_that_wants_gigabytes_to_be_unpacked(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    small = lzma.compress(tar_bytes(*GOOD), filters=filters)
    assert "Memory usage limit" in refusal(small, tmp_path)


@pytest.mark.slow(1)
@pytest.mark.parametrize("length", [41, 1500])
def test_a_chain_of_links_that_no_system_follows(length: int, tmp_path: Path) -> None:
    links = [member(f"t/{n}", kind=tarfile.SYMTYPE, target=str(n + 1)) for n in range(length)]
    last = member(f"t/{length}", b"the end")
    # It stays inside; the check of the payload says of each link that it leads nowhere.
    tree = unpacked(gzip.compress(tar_bytes(*links, last)), tmp_path)
    assert (tree / "t" / str(length - 1)).read_bytes() == b"the end"


def test_a_gzip_header_may_be_longer_than_what_is_peeked_at(tmp_path: Path) -> None:
    plain = gzip.compress(tar_bytes(*GOOD))
    named = plain[:3] + b"\x08" + plain[4:10] + b"n" * 5000 + b"\0" + plain[10:]
    assert (unpacked(named, tmp_path) / "t" / "image.nii").read_bytes() == b"image"
    assert struct.unpack("<H", named[:2])[0] == 0x8B1F
