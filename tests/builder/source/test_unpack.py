"""The steps of unpacking by themselves: what bounds them, and what they say."""

import errno
import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import cast

import pytest
from tests.builder.samples import member, tar_bytes

from nipack.builder.source import unpack as unpacking
from nipack.builder.source.unpack import (
    FAIR,
    _count,
    _make_symlinks,
    _Member,
    _must_have_room,
    _names_noted,
    _nothing_may_follow,
    _printable,
    _take_room,
    _tar_members,
    _tar_stream,
    _unpack_member,
    _Unpacking,
    _zip_members,
    _zip_name,
    _zip_time,
    end_of_link,
    leads_out,
    unpack,
)
from nipack.system import limits
from nipack.system.errors import SourceError


def state_of(directory: Path, **values: int) -> _Unpacking:
    given = {"room": 1 << 40, "fair": 1 << 40} | values
    return _Unpacking(directory, "a.tar", given["room"], given["fair"])


def file_of(
    name: str, content: bytes = b"x", mtime: int = 7, *, executable: bool = False
) -> _Member:
    stream = io.BytesIO(content)
    return _Member(
        name=name,
        kind="file",
        mtime=mtime,
        content=stream,
        size=len(content),
        executable=executable,
    )


def refuse(number: int) -> None:
    raise OSError(number, "no")


def link_of(name: str, target: str) -> _Member:
    return _Member(name=name, kind="symlink", mtime=99, target=target)


def test_room_and_fairness_are_used_up_to_the_last_byte(tmp_path: Path) -> None:
    state = state_of(tmp_path, room=10, fair=20)
    _must_have_room(10, state)
    _take_room(4, state)
    assert (state.room, state.fair) == (6, 16)
    _take_room(6, state)
    _must_have_room(0, state)
    with pytest.raises(SourceError) as caught:
        _take_room(1, state)
    assert str(caught.value) == (
        "a.tar: is larger unpacked than the free space on the disk of "
        f"{tmp_path}; free some space, or set TMPDIR to a directory with more"
    )
    assert (state.room, state.fair) == (0, 10)
    _must_have_room(5, state_of(tmp_path, fair=5))
    with pytest.raises(SourceError) as caught:
        _must_have_room(6, state_of(tmp_path, fair=5))
    assert str(caught.value) == (
        "a.tar: is more than 250 times as large unpacked, like a bomb made to fill a disk; "
        f"{limits.how_to_raise('ratio')}"
    )


def test_as_many_members_as_the_limit_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(limits.VARIABLE, "members=2000")
    state = state_of(tmp_path)
    state.count = 1998
    _count(state)
    _count(state)
    with pytest.raises(SourceError) as caught:
        _count(state)
    remedy = limits.how_to_raise("members")
    assert str(caught.value) == f"a.tar: has more than 2,000 members; {remedy}"


@pytest.mark.parametrize(
    ("rest", "unread"),
    [
        (b"", 0),
        (bytes(9000), 0),
        (bytes(3) + b"a", 1),
        (bytes(3) + b"a" + bytes(7), 8),
        (bytes(11) + b"ab", 2),
        (b"abcdefg" + bytes(1500), 1507),
    ],
)
@pytest.mark.parametrize("chunk", [2, 5, 1 << 20])
def test_behind_the_end_of_a_tar_are_zeros(
    rest: bytes, unread: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "CHUNK", chunk)
    if not unread:
        _nothing_may_follow(io.BytesIO(rest), 1024)
        return
    with pytest.raises(tarfile.ReadError) as caught:
        _nothing_may_follow(io.BytesIO(rest), 1024)
    assert str(caught.value) == (
        f"after its end mark at byte 1,024 are {unread:,} more bytes, which would be lost"
    )


def test_what_is_behind_the_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "CHUNK", 4)
    monkeypatch.setattr(unpacking, "FAIR", 8)
    rest = io.BytesIO(b"abcd" * 10)
    with pytest.raises(tarfile.ReadError, match="are 12 more bytes"):
        _nothing_may_follow(rest, 0)
    assert FAIR == 1_073_741_824
    assert unpacking.MARGIN == 16_777_216


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EEXIST, "is both a file and a folder"),
        (errno.ENOTDIR, "is both a file and a folder"),
        (errno.EISDIR, "is both a file and a folder"),
        (errno.ENAMETOOLONG, "has a name that is too long for this machine"),
        (errno.EILSEQ, "has a name that this machine cannot represent"),
        (errno.EINVAL, "has a name that this machine cannot represent"),
    ],
)
def test_what_the_system_says_of_a_name_is_the_archive_s_problem(
    number: int, said: str, tmp_path: Path
) -> None:
    state = state_of(tmp_path)
    with _names_noted(file_of("a"), state):
        refuse(number)
    assert state.problems == [f"a: {said}"]


def test_what_the_system_refuses_otherwise_is_raised(tmp_path: Path) -> None:
    state = state_of(tmp_path)
    with pytest.raises(PermissionError), _names_noted(file_of("a"), state):
        refuse(errno.EACCES)
    assert not state.problems


def test_each_member_is_made_or_has_a_problem(tmp_path: Path) -> None:
    state = state_of(tmp_path.resolve())
    for each in (
        file_of("b/c/file", b"content", 5, executable=True),
        file_of("b/plain", b"", 3),
        file_of("b/plain", b"again"),
        _Member(name="d/e", kind="directory", mtime=50),
        _Member(name="d/e", kind="directory", mtime=50),
        _Member(name="copy", kind="hardlink", mtime=4, target="b/c/file"),
        _Member(name="early", kind="hardlink", mtime=2, target="b/late"),
        _Member(name="out", kind="hardlink", mtime=2, target="../b"),
        _Member(name="pipe", kind="other", mtime=2, description="a named pipe"),
        file_of("../up"),
        _Member(name="/top", kind="other", mtime=2, description="a device"),
        link_of("d/link", "../b/plain"),
        link_of("d/link", "e"),
        link_of("d/link/below", "e"),
        link_of("new/folder/link", "../../d"),
        link_of("away", "../x"),
        link_of("nothing", ""),
        link_of("b/plain", "c"),
    ):
        _unpack_member(each, state)
    assert state.newest == 5
    assert not (tmp_path / "d" / "link").is_symlink(), "links come last"
    _make_symlinks(state)
    assert state.problems == [
        "b/plain: is there twice",
        "early: is a hard link to b/late, which does not come before it",
        "out: is a link that leaves the tree, to ../b",
        "pipe: is a named pipe",
        "../up: has '..' in its name",
        "/top: has an absolute name",
        "d/link: is there twice",
        "d/link/below: is below another link",
        "away: is a link that leaves the tree, to ../x",
        "nothing: is a link that leaves the tree, to ",
        "b/plain: is there twice",
    ]
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "b/c/file").read_bytes() == b"content"
    assert (tmp_path / "b/c/file").stat().st_mode & 0o111 == 0o111
    assert (tmp_path / "b/plain").stat().st_mode & 0o111 == 0
    assert (tmp_path / "d/link").readlink() == Path("../b/plain")
    assert (tmp_path / "new/folder/link").readlink() == Path("../../d")
    assert state.room == state.fair == (1 << 40) - 2 * len(b"content")


def test_a_link_by_which_the_way_leads_out_is_found_when_all_are_made(tmp_path: Path) -> None:
    inside = tmp_path.resolve() / "inside"
    (inside / "a" / "b").mkdir(parents=True)
    state = state_of(inside)
    state.symlinks += [link_of("a/b/up", "../.."), link_of("x", "a/b/up/.."), link_of("y", "a")]
    _make_symlinks(state)
    assert state.problems == ["x: is a link that leaves the tree, to a/b/up/.."]
    assert end_of_link(inside / "y") == inside / "a"
    (inside / "circle").symlink_to("circle")
    assert end_of_link(inside / "circle") is None
    (inside / "lost").symlink_to("none")
    assert end_of_link(inside / "lost") == inside / "none"


@pytest.mark.parametrize(
    ("name", "target", "out"),
    [
        ("a", ".", False),
        ("a", "./b/./c", False),
        ("a", "b//c", False),
        ("a", "b//../..", True),
        ("a", "./..", True),
        ("a/b", "./..", False),
        ("a/b", "../..", True),
        ("a/b/c", "../..", False),
        ("a/b", "../../a", True),
        ("a/b", "x/../../y", False),
        ("a", "", True),
        ("a", "/b", True),
        ("a", "c:b", True),
        ("a", "...", False),
    ],
)
def test_a_link_leaves_its_tree_where_it_goes_up_too_far(name: str, target: str, out: bool) -> None:
    assert leads_out(name, target) is out


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> list[_Member]:
    return list(_tar_members(io.BytesIO(tar_bytes(*members))))


def test_a_tar_s_members_have_their_kinds_and_times() -> None:
    kinds = {
        tarfile.DIRTYPE: ("directory", ""),
        tarfile.SYMTYPE: ("symlink", ""),
        tarfile.LNKTYPE: ("hardlink", ""),
        tarfile.CHRTYPE: ("other", "a device"),
        tarfile.BLKTYPE: ("other", "a device"),
        tarfile.FIFOTYPE: ("other", "a named pipe"),
    }
    given = []
    for kind in kinds:
        info, content = member("a", kind=kind, target="b")
        info.mtime = 1_400_000_000
        given.append((info, content))
    found = tar_of(*given)
    assert [(each.kind, each.description) for each in found] == list(kinds.values())
    assert {(each.name, each.mtime, each.content) for each in found} == {("a", 1_400_000_000, None)}
    assert [each.target for each in found] == ["", "b", "b", "", "", ""]


@pytest.mark.parametrize("mode", [0o644, 0o744, 0o654, 0o645, 0o600])
def test_a_file_is_executable_for_anybody(mode: int) -> None:
    info, content = member("a", b"content")
    info.mode = mode
    [found] = tar_of((info, content))
    assert (found.kind, found.size, found.executable) == ("file", 7, bool(mode & 0o111))
    zipped = zip_of("a", mode=stat.S_IFREG | mode)
    assert (zipped.kind, zipped.size, zipped.executable) == ("file", 7, bool(mode & 0o111))


def test_a_member_that_is_not_read_does_not_hide_the_next() -> None:
    found = tar_of(member("a", bytes(3 << 20)), member("b", b"content"))
    assert [each.name for each in found] == ["a", "b"]


def zip_of(name: str, *, mode: int = 0, content: bytes = b"content", flags: int = 0) -> _Member:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        info = zipfile.ZipInfo(name, (2014, 5, 13, 16, 53, 20))
        info.external_attr = mode << 16
        archive.writestr(info, content)
    packed = bytearray(output.getvalue())
    packed[packed.index(b"PK\1\2") + 8] |= flags
    [found] = _zip_members(cast("io.BufferedReader", io.BytesIO(packed)))  # type: ignore[arg-type]
    return found


def test_a_zip_s_members_have_their_kinds_and_times() -> None:
    assert zip_of("a/").kind == "directory"
    assert zip_of("a").kind == "file"
    assert zip_of("a").mtime == 1_399_999_999 + 1
    link = zip_of("a", mode=stat.S_IFLNK, content=b"b\xe4")
    assert (link.kind, link.target) == ("symlink", "b\udce4")
    pipe = zip_of("a", mode=stat.S_IFIFO)
    assert (pipe.kind, pipe.description) == ("other", "neither a file, a directory nor a link")
    secret = zip_of("a/", flags=1)
    assert (secret.kind, secret.description) == ("other", "encrypted")
    # One byte more than a path may have is seen to be too long, and no more is read.
    assert len(zip_of("a", mode=stat.S_IFLNK, content=b"b" * 9999).target) == 4097


@pytest.mark.parametrize(
    ("name", "flags", "read"),
    [("a", 0, "a"), ("├⌐", 0, "é"), ("├⌐", 0x800, "├⌐"), ("é", 0, "é"), ("\u4e2d", 0, "\u4e2d")],
)
def test_a_zip_s_name_is_utf_8_where_it_can_be(name: str, flags: int, read: str) -> None:
    info = zipfile.ZipInfo(name)
    info.flag_bits = flags
    assert _zip_name(info) == read


def test_a_zip_s_time_is_utc_or_none() -> None:
    assert _zip_time(zipfile.ZipInfo("a", (1980, 1, 1, 0, 0, 2))) == 315_532_802
    info = zipfile.ZipInfo("a")
    info.date_time = (1980, 0, 0, 0, 0, 0)
    assert _zip_time(info) == 0


@pytest.mark.parametrize(
    ("start", "page"),
    [
        (b"", ""),
        (b"<HTML>", " (it is a web page, perhaps an error message)"),
        (b" " * 99 + b"<html lang>", " (it is a web page, perhaps an error message)"),
        (b"\x1f", ""),
        (bytes(257) + b"usta", ""),
    ],
)
def test_what_is_no_archive_is_told(start: bytes, page: str) -> None:
    with pytest.raises(SourceError) as caught:
        _tar_stream(cast("io.BufferedReader", None), start, "a.tar")  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"a.tar: not an archive that nipack reads{page}; give a "
        ".tar.gz, .tar.xz, .tar.bz2 or .zip, a data directory or a package.yaml"
    )


def test_a_broken_header_is_named_with_its_place(tmp_path: Path) -> None:
    broken = bytearray(tar_bytes(member("a", b"content"), member("b", b"content")))
    broken[1024 + 3] ^= 0xFF
    with pytest.raises(tarfile.ReadError, match=r" at byte 1,024$"):
        list(_tar_members(io.BytesIO(broken)))
    archive = tmp_path / "a.tar"
    archive.write_bytes(broken)
    with pytest.raises(SourceError) as caught:
        unpack(archive, tmp_path / "new", lambda count: None, shown="shown")
    assert str(caught.value) == (
        "shown: cannot be unpacked: bad checksum at byte 1,024; it may be cut short or damaged: "
        "fetch it again"
    )


def test_every_problem_is_told_on_a_line_of_its_own(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(
        tar_bytes(member("../a", b""), member("/b\x1b\u202e", b""), member("c", b""))
    )
    with pytest.raises(SourceError) as caught:
        unpack(archive, tmp_path / "new", lambda count: None, shown="shown")
    assert str(caught.value) == (
        "shown: not unpacked, for what is in it:\n  ../a: has '..' in its name\n"
        "  /b\\x1b\\u202e: has an absolute name\n"
        "  ask its authors for an archive of plain files and inner links"
    )
    assert _printable("é\n'\\") == "é\\n'\\"


def test_the_bytes_of_the_archive_are_counted_and_the_newest_time_returned(tmp_path: Path) -> None:
    archive, counts = tmp_path / "a.tar", list[int]()
    first, content = member("a", b"content")
    first.mtime = 1_400_000_000
    archive.write_bytes(tar_bytes((first, content), member("b", b"")))
    assert unpack(archive, tmp_path / "new" / "er", counts.append, shown="") == 1_400_000_000
    assert sum(counts) == archive.stat().st_size
    archive.write_bytes(tar_bytes(member("d", kind=tarfile.DIRTYPE)))
    assert unpack(archive, tmp_path / "empty", counts.append, shown="") is None
