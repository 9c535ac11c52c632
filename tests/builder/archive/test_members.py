"""Tar streams: written with fixed owners, modes and times, and read back with digests."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builder.samples import member, tar_bytes

from nipack.builder.archive.installed import (
    Installed,
    InstalledFile,
    InstalledLink,
    Role,
    text_file,
)
from nipack.builder.archive.members import (
    Content,
    differences,
    expected_content,
    expected_directories,
    read_otherwise,
    read_tar,
    write_tar,
)
from nipack.system.errors import ArtifactError

TREE: tuple[Installed, ...] = (
    text_file("etc/x.ini", "[DATA]\n"),
    text_file("share/ü/empty", b""),
    text_file(f"share/{'long/' * 60}file", b"long"),
    InstalledLink(path="share/link", target=f"ü/{'../ü/' * 40}empty", leads_to="share/ü/empty"),
)


def nothing(count: int) -> None:
    """Count nothing."""


def written(tree: tuple[Installed, ...], *, base: str = "", directories: bool = False) -> bytes:
    buffer = io.BytesIO()
    write_tar(buffer, tree, time=1_400_000_000, advance=nothing, base=base, directories=directories)
    return buffer.getvalue()


def test_what_is_written_is_read_back() -> None:
    for base in ("", "./"):
        stream = io.BytesIO(written(TREE, base=base, directories=bool(base)))
        assert list(read_tar(stream, nothing)) == [expected_content(each) for each in TREE]


def test_everything_about_a_member_is_fixed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"content")
    data.chmod(0o4777)
    file = InstalledFile(path="a/b/data", size=7, digests={}, content=str(data), role=Role.PAYLOAD)
    content = written((*TREE, file), base="./", directories=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = tar.getmembers()
    assert {info.mtime for info in members} == {1_400_000_000}
    assert {(info.uid, info.gid, info.uname, info.gname) for info in members} == {
        (0, 0, "root", "root")
    }
    modes = {info.mode for info in members if info.isreg()}
    assert modes == {0o644}
    assert {info.mode for info in members if info.isdir()} == {0o755}
    assert {info.mode for info in members if info.issym()} == {0o777}
    assert not any(info.pax_headers for info in members), "dpkg reads GNU's format"


def test_a_name_that_is_not_utf_8_is_written_as_it_is() -> None:
    odd = text_file("caf\udce9", b"x")
    content = written((odd,))
    assert content.startswith(b"caf\xe9\0")
    assert [each.path for each in read_tar(io.BytesIO(content), nothing)] == [odd.path]


def test_two_blocks_of_zeros_are_the_end() -> None:
    exactly = text_file("data", bytes(tarfile.RECORDSIZE - 3 * tarfile.BLOCKSIZE))
    assert len(written((exactly,))) == tarfile.RECORDSIZE
    one_more = text_file("data", bytes(exactly.size + 1))
    assert len(written((one_more,))) == 2 * tarfile.RECORDSIZE


def test_a_directory_comes_once_before_what_is_in_it() -> None:
    tree = (text_file("a/b/one", ""), text_file("a/b/two", ""), text_file("a/three", ""))
    with tarfile.open(fileobj=io.BytesIO(written(tree, base="./", directories=True))) as tar:
        assert tar.getnames() == [".", "./a", "./a/b", "./a/b/one", "./a/b/two", "./a/three"]


@pytest.mark.parametrize("base", ["", "./"])
def test_directories_are_read_back_under_the_names_of_what_is_in_them(base: str) -> None:
    stream = io.BytesIO(written(TREE, base=base, directories=True))
    contents = list(read_tar(stream, nothing, base=base, directories=True))
    found = {each.path: each for each in contents if each.is_directory}
    assert found == {each.path: each for each in expected_directories(TREE, base=base)}
    assert found.keys() >= {"etc", "share", "share/ü"}
    assert ("." in found) == bool(base)
    assert [each for each in contents if not each.is_directory] == list(map(expected_content, TREE))


@pytest.mark.parametrize(("base", "strange"), [("", "./usr"), ("./", "usr"), ("./", "/usr")])
def test_a_name_that_begins_otherwise_is_strange(base: str, strange: str) -> None:
    tar = tar_bytes(member(strange, kind=tarfile.DIRTYPE))
    [content] = read_tar(io.BytesIO(tar), nothing, base=base, directories=True)
    assert content.path not in ("usr", ".")


@pytest.mark.parametrize("now", [b"short", b""])
def test_a_file_that_became_shorter_is_an_error(now: bytes, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(now)
    file = InstalledFile(path="data", size=7, digests={}, content=str(data), role=Role.PAYLOAD)
    with pytest.raises(ArtifactError, match="data: it shrank while it was being packed"):
        written((file,))


def test_a_full_disk_is_not_taken_for_a_shorter_file() -> None:
    noise = text_file("data", bytes(3 << 20))
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left on device"),
    ):
        write_tar(full, (noise,), time=0, advance=nothing)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_file_that_cannot_be_read_is_not_taken_for_a_shorter_one() -> None:
    memory = Path("/proc/self/mem")  # nothing is mapped at its beginning
    file = InstalledFile(path="data", size=7, digests={}, content=str(memory), role=Role.PAYLOAD)
    with pytest.raises(OSError, match="Input/output error"):
        written((file,))


def test_advance_counts_every_byte() -> None:
    counts: list[int] = []
    write_tar(io.BytesIO(), TREE, time=0, advance=counts.append)
    assert sum(counts) == sum(each.size for each in TREE if isinstance(each, InstalledFile))
    counts.clear()
    assert len(list(read_tar(io.BytesIO(written(TREE)), counts.append))) == 4
    assert sum(counts) == sum(each.size for each in TREE if isinstance(each, InstalledFile))


def test_contents_have_digest_mode_and_target() -> None:
    info, content = member("./file", b"content")
    info.mode = 0o755
    link = member("./link", kind=tarfile.SYMTYPE, target="file")
    assert list(read_tar(io.BytesIO(tar_bytes((info, content), link)), nothing)) == [
        Content(path="file", mode=0o755, size=7, digest=hashlib.sha256(b"content").hexdigest()),
        Content(path="link", mode=0o644, target="file"),
    ]


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_no_artifact_holds_anything_else(kind: bytes) -> None:
    with pytest.raises(ArtifactError, match="odd: a member of the kind"):
        list(read_tar(io.BytesIO(tar_bytes(member("odd", kind=kind, target="x"))), nothing))


@pytest.mark.parametrize("cut", [1, 6, 7])
def test_a_file_that_is_cut_short_is_damage(cut: int) -> None:
    whole = written((text_file("a", bytes(7)), text_file("b", b"content")))
    end = 3 * tarfile.BLOCKSIZE + 7
    found = read_tar(io.BytesIO(whole[: end - cut]), nothing)
    assert next(found).path == "a"
    with pytest.raises(tarfile.ReadError, match="unexpected end of data"):
        next(found)


def test_all_that_is_not_as_it_should_be_is_told_in_words_in_order() -> None:
    digest = "00ff"
    same = Content(path="same", mode=0o644)
    expected = {
        "same": same,
        "b": Content(path="b", mode=0o644, size=3, digest=digest),
        "c": Content(path="c", mode=0o777, target="x"),
        "z": same,
    }
    found = {
        "same": same,
        "b": Content(path="b", mode=0o755, is_directory=True),
        "c": Content(path="c", mode=0o600, size=0, digest=digest, algorithm="other"),
        "a": same,
    }
    assert list(differences(expected, found)) == [
        "a: should not be there",
        f"b: is a directory with mode 755, not 3 bytes with mode 644 and sha256 {digest}",
        f"c: is 0 bytes with mode 600 and other {digest}, not a link to x",
        "z: is missing",
    ]


def test_each_block_of_a_tar_is_gnu_s() -> None:
    tree = (text_file("d/a", b"content"), InstalledLink(path="b", target="d/a", leads_to=None))
    content = written(tree, directories=True)
    expected = b""
    for name, kind, mode, size, target in (
        ("d", tarfile.DIRTYPE, 0o755, 0, ""),
        ("d/a", tarfile.REGTYPE, 0o644, 7, ""),
        ("b", tarfile.SYMTYPE, 0o777, 0, "d/a"),
    ):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname = kind, mode, size, target
        info.mtime, info.uname, info.gname = 1_400_000_000, "root", "root"
        expected += info.tobuf(tarfile.GNU_FORMAT, "utf-8")
        expected += b"content" + bytes(505) if size else b""
    assert content == expected + bytes(tarfile.RECORDSIZE - len(expected))


FOLDERS = {each.path: each for each in expected_directories(TREE, base="")}
AS_IT_IS = [*FOLDERS.values(), *map(expected_content, TREE)]


def test_of_what_was_read_back_as_it_was_packed_nothing_is_kept() -> None:
    assert read_otherwise(TREE, iter(AS_IT_IS), FOLDERS, "sha256") is None
    assert read_otherwise((), iter(()), {}, "sha256") is None


def test_all_that_was_read_back_otherwise_is_returned() -> None:
    without = [[each for each in AS_IT_IS if each is not missing] for missing in AS_IT_IS]
    twice = [[*AS_IT_IS, again] for again in AS_IT_IS]
    changed = [
        [replace(each, mode=1) if each is other else each for each in AS_IT_IS]
        for other in AS_IT_IS
    ]
    for found in (*without, *twice, *changed, AS_IT_IS[::-1]):
        otherwise = read_otherwise(TREE, iter(found), FOLDERS, "sha256")
        assert otherwise is not None
        assert sorted(map(repr, otherwise)) == sorted(map(repr, found))
