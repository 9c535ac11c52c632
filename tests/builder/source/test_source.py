"""Sources: fetched whole, checked before anything is unpacked, and unpacked safely."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import shutil
import ssl
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from tests.builder.samples import (
    RecordingReporter,
    compressed_tar,
    member,
    plain,
    tar_bytes,
    tar_gz,
    tree_of,
)
from tests.commands import run_nipack

from nipack.builder.definition.sources import Source
from nipack.builder.source import unpack as unpacking
from nipack.builder.source.tree import SourceTree, open_source
from nipack.builder.source.unpack import leads_out, unpack
from nipack.system.errors import SourceError

GOOD = (member("t/config.ini", b"[DEFAULT]\nversion = 0.3\n"), member("t/image.nii", b"image"))


def opened(
    address: object,
    workspace: Path,
    digests: dict[str, str] | None = None,
    reporter: RecordingReporter | None = None,
) -> SourceTree:
    workspace.mkdir(exist_ok=True)
    stated: dict[str, Any] = dict(digests or {})
    source = Source(address=str(address), **stated)
    return open_source(source, workspace, reporter or RecordingReporter())


def refusal(archive: Path, tmp_path: Path) -> str:
    """Return why an archive is not unpacked; nothing may have been written outside."""
    outside = tmp_path / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "victim").write_text("untouched", "utf-8")
    before = {path for path in tmp_path.rglob("*") if "work" not in path.parts}
    (tmp_path / "work").mkdir()
    threads = set(threading.enumerate())
    with pytest.raises(SourceError) as caught:
        unpack(archive, tmp_path / "work" / "tree", lambda count: None, shown=archive.name)
    assert {path for path in tmp_path.rglob("*") if "work" not in path.parts} == before
    assert (outside / "victim").read_text("utf-8") == "untouched"
    assert set(threading.enumerate()) <= threads, "a thread still reads the archive"
    message = str(caught.value)
    assert message.startswith(archive.name)
    assert str(tmp_path) not in message
    return message


def zip_of(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    return path


def zip_member(name: str, mode: int, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (2014, 5, 13, 16, 53, 20))
    info.create_system, info.external_attr = 3, mode << 16
    info.flag_bits |= flags
    return info


# What is there before the link under test: a file, a folder and two inner links.
AROUND = (
    member("t/sub/file", b"inner"),
    member("t/here", kind=tarfile.SYMTYPE, target="sub"),
    member("t/file", b"inner"),
)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("/tmp/nipack-absolute", b"x"), "has an absolute name"),
        (member("t/../../outside/new", b"x"), "has '..' in its name"),
        (member("../outside/victim", b"x"), "has '..' in its name"),
        (member("..", kind=tarfile.DIRTYPE), "has '..' in its name"),
        (member("t\\..\\evil", b"x"), "has a backslash in its name"),
        (member("C:/evil", b"x"), "has an absolute name"),
        (member("c:evil", b"x"), "has an absolute name"),
        (member("t/dev", kind=tarfile.CHRTYPE), "is a device"),
        (member("t/dev", kind=tarfile.BLKTYPE), "is a device"),
        (member("t/pipe", kind=tarfile.FIFOTYPE), "is a named pipe"),
        (member("t/odd", kind=b"Q"), ""),
        (member("t/out", kind=tarfile.SYMTYPE, target="/etc/passwd"), "leaves the tree"),
        (member("t/out", kind=tarfile.SYMTYPE, target="../../outside"), "leaves the tree"),
        (member("t/out", kind=tarfile.SYMTYPE, target="here/../../../outside"), "leaves the tree"),
        (member("t/out", kind=tarfile.SYMTYPE, target="..\\..\\outside"), "leaves the tree"),
        (member("t/out", kind=tarfile.SYMTYPE, target="C:\\outside"), "leaves the tree"),
        (member("t/out", kind=tarfile.SYMTYPE, target=""), "leaves the tree"),
        (member("t/out", kind=tarfile.LNKTYPE, target="/etc/passwd"), "leaves the tree"),
        (member("t/out", kind=tarfile.LNKTYPE, target="../outside/victim"), "leaves the tree"),
        (member("t/out", kind=tarfile.LNKTYPE, target="t/later"), "which does not come before it"),
        (
            member("t/out", kind=tarfile.LNKTYPE, target="t/here/file"),
            "which does not come before it",
        ),
        (member("t/out", kind=tarfile.LNKTYPE, target="t/out"), "which does not come before it"),
        (member("t/file", b"again"), "is there twice"),
        (member("t/./file", b"again"), "is there twice"),
        (member("t/file", kind=tarfile.SYMTYPE, target="sub"), "is there twice"),
        (member("t/here", kind=tarfile.SYMTYPE, target="sub"), "is there twice"),
        (member("t/here/new", kind=tarfile.SYMTYPE, target="file"), "is below another link"),
        (member("t/here/new", b"written where the link is"), "is there twice"),
        (member("t/file/below", b"x"), "is both a file and a folder\n"),
        (member("t/file/below", kind=tarfile.SYMTYPE, target="x"), "is both a file and a folder\n"),
        (member("t/file", kind=tarfile.DIRTYPE), "is both a file and a folder\n"),
        (member(f"t/{'n' * 256}", b"x"), "has a name that is too long for this machine\n"),
        (member(f"t/{'d/' * 1500}file", b"x"), "is deeper than 200 folders"),
        (member(f"t/{'n' * 256}", kind=tarfile.SYMTYPE, target="sub"), "too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].name[:20],
)
def test_an_unsafe_tar_is_refused_with_the_member_named(
    bad: tuple[tarfile.TarInfo, bytes], reason: str, tmp_path: Path
) -> None:
    message = refusal(tar_gz(tmp_path / "bad.tar.gz", *AROUND, bad), tmp_path)
    assert reason in message
    name = "t/here" if bad[0].name == "t/here/new" and reason == "is there twice" else bad[0].name
    assert f"  {name}: " in message
    assert len(message.splitlines()) == 3, "the one member, and no other"


def test_a_link_out_through_a_chain_of_links_is_refused(tmp_path: Path) -> None:
    link = tarfile.SYMTYPE
    archive = tar_gz(
        tmp_path / "bad.tar.gz",
        member("t/sub/deep/file", b"x"),
        # By their words alone both stay inside.
        member("t/one", kind=link, target="sub/deep/two/outside/victim"),
        member("t/sub/deep/two", kind=link, target="../../../.."),
    )
    assert "t/sub/deep/two: is a link that leaves the tree" in refusal(archive, tmp_path)


def test_a_link_out_by_the_real_parent_of_another_link_is_refused(tmp_path: Path) -> None:
    link = tarfile.SYMTYPE
    archive = tar_gz(
        tmp_path / "bad.tar.gz",
        member("t/a/b/file", b"x"),
        member("t/a/b/up", kind=link, target="../.."),
        # Words: t/a/b/up, up three: t.  The file system: t, up three: outside.
        member("t/out", kind=link, target="a/b/up/../../../outside/victim"),
    )
    assert "t/out: is a link that leaves the tree" in refusal(archive, tmp_path)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    archive = tar_gz(
        tmp_path / "bad.tar.gz",
        member("t/way", kind=tarfile.SYMTYPE, target="../../outside"),
        member("t/way/victim", b"changed"),
    )
    assert "t/way: is there twice" in refusal(archive, tmp_path)


def test_every_refused_member_is_named(tmp_path: Path) -> None:
    archive = tar_gz(
        tmp_path / "bad.tar.gz",
        member("/one", b"x"),
        member("../two", b"x"),
        member("t/three\x1b[31m", kind=tarfile.FIFOTYPE),
    )
    message = refusal(archive, tmp_path)
    assert "  /one: " in message
    assert "  ../two: " in message
    # What moves a terminal's cursor is shown, not sent.
    assert "  t/three\\x1b[31m: is a named pipe" in message


@pytest.mark.parametrize(
    ("info", "content", "reason"),
    [
        (zip_member("/tmp/nipack-absolute", 0o100644), b"x", "has an absolute name"),
        (zip_member("t/../../outside/new", 0o100644), b"x", "has '..' in its name"),
        (zip_member("C:/evil", 0o100644), b"x", "has an absolute name"),
        (zip_member("t\\evil", 0o100644), b"x", "has a backslash in its name"),
        (zip_member("t/out", stat.S_IFLNK | 0o777), b"../../outside", "leaves the tree"),
        (zip_member("t/out", stat.S_IFLNK | 0o777), b"/etc/passwd", "leaves the tree"),
        (zip_member("t/out", stat.S_IFLNK | 0o777), b"x/" * 9999, "too long"),
        (zip_member("t/pipe", stat.S_IFIFO | 0o644), b"", "neither a file, a directory nor a link"),
        (zip_member("t/dev", stat.S_IFCHR | 0o644), b"", "neither a file, a directory nor a link"),
        (zip_member(f"t/{'n' * 256}", 0o100644), b"x", "too long"),
    ],
    ids=lambda value: value.filename[:20] if isinstance(value, zipfile.ZipInfo) else "",
)
def test_an_unsafe_zip_is_refused_with_the_member_named(
    info: zipfile.ZipInfo, content: bytes, reason: str, tmp_path: Path
) -> None:
    archive = zip_of(tmp_path / "bad.zip", ("t/file", b"x"), (info, content))
    message = refusal(archive, tmp_path)
    assert f"  {info.filename}: " in message
    assert reason in message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_member_twice_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "bad.zip", ("t/file", b"one"), ("t/file", b"two"))
    assert "t/file: is there twice" in refusal(archive, tmp_path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "bad.zip", ("t/file", b"secret"))
    content = bytearray(archive.read_bytes())
    # The flags of the local header and of the central one.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    assert "t/file: is encrypted" in refusal(archive, tmp_path)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


@pytest.mark.parametrize("ending", [*COMPRESSIONS, "zip"])
def test_every_kind_of_archive_is_unpacked(ending: str, tmp_path: Path) -> None:
    tree = plain(tmp_path)
    members = [(path, path.relative_to(tmp_path).as_posix()) for path in sorted(tree.rglob("*"))]
    archive = tmp_path / f"nipy-templates-0.3.tar.{ending}"
    if ending == "zip":
        archive = tmp_path / "nipy-templates-0.3.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path, name in members:
                zipped.write(path, name)
    else:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, name in members:
                tar.add(path, name, recursive=False)
        archive.write_bytes(COMPRESSIONS[ending](buffer.getvalue()))
    reporter = RecordingReporter()
    threads = set(threading.enumerate())
    opened_tree = opened(archive, tmp_path / "work", reporter=reporter)
    assert opened_tree.directory.name == "nipy-templates-0.3"
    assert tree_of(opened_tree.directory) == tree_of(tree)
    assert opened_tree.record is not None
    assert opened_tree.record.address == archive.name
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert opened_tree.record.digests == {"sha256": sha256}
    assert reporter.steps["unpack"][0] == archive.stat().st_size
    assert set(threading.enumerate()) <= threads


def test_inner_links_are_made_and_hard_links_copied(tmp_path: Path) -> None:
    archive = tar_gz(
        tmp_path / "good.tar.gz",
        member("./t/sub/up", kind=tarfile.SYMTYPE, target="../file"),
        member("./t/sub/over", kind=tarfile.SYMTYPE, target="..//./other/../file"),
        member("./t/other/x", b"x"),
        member("./t/folder", kind=tarfile.SYMTYPE, target="sub"),
        member("./t/self", kind=tarfile.SYMTYPE, target="."),
        member("./t/file", b"content"),
        member("./t/hard", kind=tarfile.LNKTYPE, target="./t/file"),
    )
    unpack(archive, tmp_path / "tree", lambda count: None, shown="good")
    assert tree_of(tmp_path / "tree" / "t") == {
        "sub/up": "../file",
        "sub/over": "../other/../file",
        "other/x": b"x",
        "folder": "sub",
        "self": ".",
        "file": b"content",
        "hard": b"content",
    }
    assert (tmp_path / "tree" / "t" / "hard").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("name", "target", "out"),
    [
        ("link", "file", False),
        ("a/link", "../file", False),
        ("a/link", "../../file", True),
        ("a/b/link", "../../c/../d", False),
        ("link", "a/../b/../../c", True),
        ("link", "/file", True),
        ("link", "", True),
        ("link", "..", True),
        ("link", "...", False),
        ("./a/link", "../..", True),
        # What is between two slashes is no folder.
        ("a/link", "..//../a", True),
        ("a/link", "..//a", False),
    ],
)
def test_leads_out(name: str, target: str, out: bool) -> None:
    assert leads_out(name, target) is out


def test_newest_time_is_that_of_the_newest_file(tmp_path: Path) -> None:
    old, new, folder = (
        member("t/old", b"x"),
        member("t/new", b"x"),
        member("t", kind=tarfile.DIRTYPE),
    )
    old[0].mtime, new[0].mtime, folder[0].mtime = 1_000, 1_300_000_000, 1_400_000_000
    archive = tar_gz(tmp_path / "a.tar.gz", new, old, folder)
    newest = unpack(archive, tmp_path / "tree", lambda count: None, shown="a")
    assert newest == 1_300_000_000


def test_a_zip_time_is_the_same_in_every_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zip_of(tmp_path / "a.zip", (zip_member("t/file", 0o100644), b"x"))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert unpack(archive, tmp_path / "tree", lambda count: None, shown="a") == 1_400_000_000


def test_a_zip_without_times_is_unpacked(tmp_path: Path) -> None:
    """Some tools write no time at all: month 0, day 0."""
    info = zip_member("t/file", 0o100644)
    info.date_time = (1980, 0, 0, 0, 0, 0)
    archive = zip_of(tmp_path / "a.zip", (info, b"x"))
    assert unpack(archive, tmp_path / "tree", lambda count: None, shown="a") == 0


def test_a_zip_name_in_utf8_without_a_mark_is_utf8(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("t/Xbersicht", b"x"), ("t/Xlt", b"y"))
    content = archive.read_bytes().replace(b"Xbersicht", "Übersich".encode())
    archive.write_bytes(content.replace(b"Xlt", b"\x81lt"))  # no UTF-8: ü of code page 437
    unpack(archive, tmp_path / "tree", lambda count: None, shown="a")
    assert set(tree_of(tmp_path / "tree")) == {"t/Übersich", "t/ült"}


@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_truncated_tar_is_refused(ending: str, keep: float, tmp_path: Path) -> None:
    archive = compressed_tar(
        tmp_path / f"cut.tar.{ending}",
        COMPRESSIONS[ending],
        *GOOD,
        member("t/noise", os.urandom(100_000)),
    )
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * keep)])
    assert "cannot be unpacked" in refusal(archive, tmp_path)


@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize("place", [0.2, 0.5, 0.999])
def test_a_damaged_tar_is_refused(ending: str, place: float, tmp_path: Path) -> None:
    archive = compressed_tar(
        tmp_path / f"damaged.tar.{ending}",
        COMPRESSIONS[ending],
        *GOOD,
        member("t/noise", os.urandom(100_000)),
    )
    content = bytearray(archive.read_bytes())
    start = int(len(content) * place)
    content[start : start + 8] = bytes(each ^ 0xFF for each in content[start : start + 8])
    archive.write_bytes(content)
    assert "cannot be unpacked" in refusal(archive, tmp_path)


def test_what_is_behind_the_end_of_a_tar_is_checked_too(tmp_path: Path) -> None:
    archive = tmp_path / "damaged.tar.gz"
    content = bytearray(gzip.compress(tar_bytes(*GOOD) + os.urandom(6 << 20), 1))
    content[-8] ^= 1  # the check sum
    archive.write_bytes(content)
    assert "cannot be unpacked" in refusal(archive, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda tar: tar[:1300],  # within the second header
        lambda tar: tar[:1024],  # where the second header would be
        lambda tar: tar[:1024] + b"?" * 512 + tar[1536:],  # another header than was written
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_tar_that_ends_before_its_end_mark_is_refused(
    change: Callable[[bytes], bytes], compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """Python's tarfile takes each of these for the end, and says nothing of the rest."""
    archive = tmp_path / "cut.tar"
    archive.write_bytes(compress(change(tar_bytes(*GOOD))))
    assert "at byte 1,024" in refusal(archive, tmp_path)


@pytest.mark.parametrize("keep", [60, -30])
def test_a_truncated_zip_is_refused(keep: int, tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "cut.zip", ("t/file", b"x" * 100))
    archive.write_bytes(archive.read_bytes()[:keep])
    assert "cannot be unpacked" in refusal(archive, tmp_path)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "damaged.zip", ("t/file", b"x" * 100))
    archive.write_bytes(archive.read_bytes().replace(b"xxx", b"yyy", 1))
    assert "cannot be unpacked: Bad CRC-32 for file 't/file'" in refusal(archive, tmp_path)


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    info, content = member("t/file", b"x")
    info.pax_headers = {"mtime": "inf"}
    buffer = tmp_path / "odd.tar"
    with tarfile.open(buffer, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(content))
    assert "cannot be unpacked" in refusal(buffer, tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an archive that nipack reads; give a .tar.gz"),
        (b"plain text\n" * 100, "not an archive that nipack reads; give a .tar.gz"),
        (b"<!DOCTYPE html>\n<HTML><body>Not found", "it is a web page"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(600), "not an archive"),
        (gzip.compress(b"<html>Not found</html>" * 99, mtime=0), "cannot be unpacked"),
        (gzip.compress(b"", mtime=0), "cannot be unpacked"),
        (b"\x1f\x8b", "cannot be unpacked"),
        (b"BZh9", "cannot be unpacked"),
        (b"\xfd7zXZ\x00", "cannot be unpacked"),
        (b"PK\x03\x04", "cannot be unpacked"),
    ],
)
def test_what_is_no_archive_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    archive = tmp_path / "nipy-templates-0.3.tar.gz"
    archive.write_bytes(content)
    assert words in refusal(archive, tmp_path)


def test_an_archive_of_nothing_is_an_empty_tree(tmp_path: Path) -> None:
    tree = opened(tar_gz(tmp_path / "empty.tar.gz"), tmp_path / "work")
    assert tree_of(tree.directory) == {}
    assert tree.newest is None


@pytest.mark.parametrize(
    ("name", "members", "tree"),
    [
        ("nipy-templates-0.3.tar.gz", ["top/templates/config.ini"], "top"),
        ("nipy-templates-0.3.tar.gz", ["templates/config.ini"], "nipy-templates-0.3"),
        ("nipy-templates-0.3.tgz", ["config.ini", "x"], "nipy-templates-0.3"),
        ("nipy-templates-0.3", ["a/config.ini", "b/config.ini"], "nipy-templates-0.3"),
        ("a b..tar.gz", ["a/config.ini", "b/config.ini"], "a_b"),
        ("..tar.gz", ["a/config.ini", "b/config.ini"], "source"),
    ],
)
def test_the_name_of_an_unpacked_tree(
    name: str, members: list[str], tree: str, tmp_path: Path
) -> None:
    archive = tar_gz(tmp_path / name, *(member(each, b"x") for each in members))
    assert opened(archive, tmp_path / "work").directory.name == tree


def test_digests_are_checked_before_anything_is_unpacked(tmp_path: Path) -> None:
    archive = tar_gz(tmp_path / "a.tar.gz", *GOOD)
    content = archive.read_bytes()
    right = {name: hashlib.new(name, content).hexdigest() for name in ("sha512", "md5")}
    record = opened(archive, tmp_path / "work", right).record
    assert record is not None
    assert record.digests == {**right, "sha256": hashlib.sha256(content).hexdigest()}
    wrong = {**right, "sha512": "0" * 128}
    with pytest.raises(SourceError, match=f"sha512 should be 0+, but is {right['sha512']}; fetch"):
        opened(archive, tmp_path / "other", wrong)
    assert list((tmp_path / "other").iterdir()) == []


def test_a_directory_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a directory has no digest"):
        opened(plain(tmp_path), tmp_path / "work", {"md5": "0" * 32})


def test_a_directory_is_taken_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = plain(tmp_path)
    link = tmp_path / "a-link"
    link.symlink_to(tree)
    monkeypatch.chdir(tree)
    for given, directory in {
        str(tree): tree,
        f"{tree}/": tree,
        ".": tree,
        "templates/": tree / "templates",
        "templates/..": tree,
        "../nipy-templates-0.3": tree,
        str(link): link,  # the name that a person gave it says what it is
        f"file://{tree}": tree,
        f"file://localhost{tree}": tree,
    }.items():
        found = opened(given, tmp_path / "work")
        assert found.directory == directory
        assert found.newest is None
        assert found.record is None
        assert found.place(directory / "x") == str(directory / "x")


def test_a_file_address_has_its_escapes_undone(tmp_path: Path) -> None:
    archive = tar_gz(tmp_path / "a b.tar.gz", *GOOD)
    tree = opened(f"file://{tmp_path}/a%20b.tar.gz", tmp_path / "work")
    assert tree.record is not None
    assert tree.record.digests["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert str(tmp_path) not in tree.record.address, "where it lay is nobody's business"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("no/such/file.tar.gz", "no/such/file.tar.gz: there is no such file"),
        ("/dev/null", "/dev/null: neither a file nor a folder"),
        (
            "http://example.org/a.tar.gz",
            "only https://, s3://, gs:// and file:// addresses are fetched",
        ),
        (
            "ftp://example.org/a.tar.gz",
            "only https://, s3://, gs:// and file:// addresses are fetched",
        ),
        ("file://[", "there is no such file"),
        ("https://[::1", "cannot be fetched: it is not a valid address"),
        ("https://a b/", "cannot be fetched: it is not a valid address"),
        ("https://127.0.0.1:1/", "cannot be fetched: 127.0.0.1:1: Connection refused; check"),
        ("https://a.invalid/", "cannot be fetched: a.invalid: its name cannot be resolved; check"),
        (
            "https://ada:secret@127.0.0.1:1/",
            "https://127.0.0.1:1/: the address has a user name or a password",
        ),
        (
            "https://ada:s/secret@host/a.tar",
            "https://host/a.tar: the address has a user name or a password",
        ),
        (
            "https://secret@host/a.tar",
            "https://host/a.tar: the address has a user name or a password",
        ),
        ("http://ada:secret@host/a.tar", "keep it in a .netrc file"),
    ],
)
@pytest.mark.slow
def test_addresses_that_lead_nowhere(address: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        opened(address, tmp_path / "work")
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@dataclass
class Server:
    """An https server on this machine, and what it answers by path."""

    port: int
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)

    def serve(self, path: str, content: bytes, status: int = 200, **headers: str) -> str:
        """Serve a content; return its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"Content-Length": str(len(content)), **named}, content)
        return f"https://localhost:{self.port}{path}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            served.encodings.append(self.headers["Accept-Encoding"])
            missing: tuple[int, dict[str, str], bytes] = (404, {}, b"")
            answer = served.answers.get(self.path, served.answers.get("*", missing))
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        served = Server(httpd.server_address[1])
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield served
        httpd.shutdown()
        thread.join()


def test_a_download(server: Server, tmp_path: Path) -> None:
    content = gzip.compress(tar_bytes(*GOOD))
    address = server.serve("/data/nipy-templates-0.3.tar.gz", content)
    reporter = RecordingReporter()
    sha256 = hashlib.sha256(content).hexdigest()
    tree = opened(address, tmp_path / "work", {"sha256": sha256}, reporter)
    assert tree.directory.name == "nipy-templates-0.3"
    assert tree.record is not None
    assert tree.record.address == address
    assert tree.record.digests == {"sha256": sha256}
    assert reporter.steps["download"] == [len(content), len(content)]
    assert tree.place(tree.directory / "t") == f"{address}/t"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_tarball_is_not_unpacked_on_the_way(
    encoding: str, server: Server, tmp_path: Path
) -> None:
    """Servers that say `Content-Encoding: gzip` of a .tar.gz are common."""
    content = gzip.compress(tar_bytes(*GOOD))
    address = server.serve("/a.tar.gz", content, Content_Encoding=encoding)
    opened(address, tmp_path / "work", {"sha256": hashlib.sha256(content).hexdigest()})
    assert server.encodings == ["identity"]


def test_a_download_that_is_another_file_is_not_unpacked(server: Server, tmp_path: Path) -> None:
    address = server.serve("/a.tar.gz", gzip.compress(tar_bytes(*GOOD)))
    with pytest.raises(SourceError, match=r"sha256 should be 0+, but is"):
        opened(address, tmp_path / "work", {"sha256": "0" * 64})
    assert not (tmp_path / "work" / "source").exists()


def test_what_grants_access_is_not_recorded(server: Server, tmp_path: Path) -> None:
    address = server.serve("/a.tar.gz?token=secret#x", gzip.compress(tar_bytes(*GOOD)))
    server.answers["/a.tar.gz?token=secret"] = server.answers.pop("/a.tar.gz?token=secret#x")
    tree = opened(address, tmp_path / "work")
    assert tree.record is not None
    assert tree.record.address == f"https://localhost:{server.port}/a.tar.gz"


@pytest.mark.parametrize(
    "location", ["ftp://ada:secret@localhost/a", "https://ada:secret@localhost:x/", "/way"]
)
def test_a_redirect_is_not_quoted(location: str, server: Server, tmp_path: Path) -> None:
    address = server.serve("/way", b"", 302, Location=location)
    with pytest.raises(SourceError, match="way: cannot be fetched: it ") as caught:
        opened(address, tmp_path / "work")
    assert "secret" not in str(caught.value)


def test_a_missing_page(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="/no/such/file: cannot be fetched: 404"):
        opened(f"https://localhost:{server.port}/no/such/file", tmp_path / "work")


def test_a_download_cut_short_is_an_error(server: Server, tmp_path: Path) -> None:
    content = gzip.compress(tar_bytes(*GOOD))
    address = server.serve("/a.tar.gz", content, Content_Length=str(len(content) + 1))
    with pytest.raises(SourceError, match=r"a\.tar\.gz: (cannot be fetched|cut short)"):
        opened(address, tmp_path / "work")


@pytest.mark.parametrize("back", [False, True], ids=["to-http", "through-http"])
def test_a_way_over_http_is_refused(back: bool, server: Server, tmp_path: Path) -> None:
    target = server.serve("/a.tar.gz", gzip.compress(tar_bytes(*GOOD)))

    class Plain(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if back else 200)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Plain) as plain_server:
        thread = threading.Thread(target=plain_server.serve_forever, args=(0.01,))
        thread.start()
        to = f"http://ada:secret@localhost:{plain_server.server_address[1]}/a.tar.gz?token=secret"
        address = server.serve("/way", b"", 302, Location=to)
        try:
            with pytest.raises(
                SourceError, match=r"leads to an address that is not https"
            ) as error:
                opened(address, tmp_path / "work")
            assert "secret" not in str(error.value)
        finally:
            plain_server.shutdown()
            thread.join()


def test_a_redirect_within_https_is_followed(server: Server, tmp_path: Path) -> None:
    target = server.serve("/a.tar.gz", gzip.compress(tar_bytes(*GOOD)))
    address = server.serve("/latest", b"", 302, Location=target)
    tree = opened(address, tmp_path / "work")
    assert tree.record is not None
    assert tree.record.address == address
    assert server.asked == ["/latest", "/a.tar.gz"]


def test_an_unknown_authority_is_an_error(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    address = server.serve("/a.tar.gz", b"")
    with pytest.raises(SourceError, match="certificate verify failed"):
        opened(address, tmp_path / "work")
    assert server.asked == []


@pytest.mark.parametrize(
    "name", ["source", "..%2f..%2f..%2foutside", "%2e%2e", "a%00b", "", "x" * 300, "a?b=c/d"]
)
def test_no_address_decides_where_a_download_is_written(
    name: str, server: Server, tmp_path: Path
) -> None:
    address = server.serve("*", gzip.compress(tar_bytes(*GOOD))).replace("*", f"/{name}")
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    before = set(tmp_path.rglob("*"))
    opened(address, inner / "work")
    assert server.asked
    assert {path for path in set(tmp_path.rglob("*")) - before if "work" not in path.parts} == set()


@pytest.mark.slow(1)
def test_nothing_of_a_source_is_run(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "setup.py").write_text("open('ran', 'w')", "utf-8")
    (tree / "conftest.py").write_text("open('ran', 'w')", "utf-8")
    assert run_nipack("build", tree, "--quiet", cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "dist").iterdir())) == 2
    assert not list(tmp_path.rglob("ran"))


def test_an_archive_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small archive of zeros may be larger than any disk."""
    archive = tar_gz(tmp_path / "a.tar.gz", *(member(f"a/{n}", bytes(1 << 20)) for n in range(9)))
    free = (16 << 20) + (4 << 20)  # others write to the disk, too: 16 MiB are left to them
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free))
    unpacked = tmp_path / "unpacked"
    with pytest.raises(SourceError) as caught:
        unpacking.unpack(archive, unpacked, lambda count: None, shown="a.tar.gz")
    message = f"a.tar.gz: is larger unpacked than the free space on the disk of {unpacked}"
    assert str(caught.value).startswith(message)
    assert "set TMPDIR to a directory with more" in str(caught.value)
    assert sum(path.stat().st_size for path in unpacked.rglob("*") if path.is_file()) <= 4 << 20
    free += 5 << 20
    unpacking.unpack(archive, tmp_path / "whole", lambda count: None, shown="a.tar.gz")


def test_copies_of_hard_links_do_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = (member(f"a/{n}", kind=tarfile.LNKTYPE, target="a/0") for n in range(1, 9))
    archive = tar_gz(tmp_path / "a.tar.gz", member("a/0", bytes(1 << 20)), *links)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(unpacking.MARGIN + (4 << 20)))
    with pytest.raises(SourceError, match="set TMPDIR to a directory with more"):
        unpacking.unpack(archive, tmp_path / "b", lambda count: None, shown="a.tar.gz")


class Usage(NamedTuple):
    """What of shutil.disk_usage's answer is looked at."""

    free: int
