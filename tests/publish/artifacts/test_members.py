"""Files of archives pass one after the other, to the archive's last byte."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from functools import partial

import pytest
import zstandard
from tests.builder.samples import member, tar_bytes

from nipack.publish.artifacts import zstd_frames
from nipack.publish.artifacts.members import Part, below, read_to_end, tar_members
from nipack.publish.artifacts.payload import payload_files
from nipack.publish.records import PublishedFile, PublishedPackage

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "a.tar": bytes,
    "a.tar.gz": gzip.compress,
    "a.tar.xz": lzma.compress,
    "a.tar.zst": zstandard.ZstdCompressor().compress,
}
TAR = tar_bytes(
    member("./usr/a", b"content"),
    member("usr", kind=tarfile.DIRTYPE),
    member("usr/link", kind=tarfile.SYMTYPE, target="a"),
    member("usr/b", b""),
    member("other/c", b"c"),
)


@pytest.mark.parametrize("name", PACKERS)
def test_regular_files_are_read_and_then_all_that_is_left(name: str) -> None:
    stream = io.BytesIO(PACKERS[name](TAR) + (b"behind" if name == "a.tar" else b""))
    found = [(path, content.read()) for path, content in tar_members(name, stream)]
    assert found == [("./usr/a", b"content"), ("usr/b", b""), ("other/c", b"c")]


@pytest.mark.parametrize("name", [name for name in PACKERS if name != "a.tar"])
@pytest.mark.parametrize("cut", [1, 3])
def test_what_is_cut_off_behind_the_last_file_is_noticed(name: str, cut: int) -> None:
    packed = PACKERS[name](TAR)[:-cut]
    with pytest.raises((EOFError, lzma.LZMAError, zstandard.ZstdError)):
        list(tar_members(name, io.BytesIO(packed)))


def test_what_is_in_the_stream_behind_is_read_too() -> None:
    stream = io.BytesIO(TAR)
    assert len(list(tar_members("a.tar", Part(stream, len(TAR))))) == 3  # type: ignore[arg-type]
    with pytest.raises(EOFError, match="it ends in the middle of a file"):
        list(tar_members("a.tar", Part(io.BytesIO(TAR), len(TAR) + 1)))  # type: ignore[arg-type]
    with pytest.raises(tarfile.ReadError):
        list(tar_members("a.bz2", io.BytesIO(bz2.compress(TAR))))


def test_only_what_is_below_a_prefix_is_there() -> None:
    given = [(path, io.BytesIO()) for path in ("./usr/a", "usr/b", "/usr/c", "usr", "x/usr/d")]
    assert [path for path, _ in below("usr/", iter(given))] == ["a", "b"]
    assert [path for path, _ in below("", iter(given))][:2] == ["usr/a", "usr/b"]


@pytest.mark.parametrize("size", [0, 4, 10])
def test_a_part_is_so_many_bytes(size: int) -> None:
    part = Part(io.BytesIO(b"0123456789"), size)
    assert part.readable()
    assert part.read(3) == b"0123456789"[: min(3, size)]
    assert part.left == size - min(3, size)
    assert part.read() == b"0123456789"[3:size]
    assert (part.read(), part.read(1), part.left) == (b"", b"", 0)
    longer = Part(io.BytesIO(b"01"), 3)
    assert longer.read(9) == b"01"
    assert longer.read(0) == b""
    with pytest.raises(EOFError, match=r"^it ends in the middle of a file$"):
        longer.read(1)


def test_a_stream_is_read_to_its_end() -> None:
    stream = io.BytesIO(bytes(600_000))
    read_to_end(stream)
    assert stream.tell() == 600_000


def test_the_payload_is_what_the_package_names() -> None:
    files = tuple(PublishedFile(path=path, size=1, sha256="") for path in ("a", "b/c"))
    package = PublishedPackage(
        name="nipy-x", version="1", relpath="nipy/x", payload_id="", size=2, files=files
    )
    root, record = "share/nipy/nipy/x", "share/nipack/nipy-x/package.json"
    given = [f"{root}/a", "a", f"{root}/other", record, f"{root}/b/c", "share/nipy/nipy/xb/c"]
    taken: list[bytes] = []
    members = [(path, io.BytesIO(path.encode())) for path in given]
    found = [
        (path, content.read())
        for path, content in payload_files(package, iter(members), take_record=taken.append)
    ]
    assert found == [("a", f"{root}/a".encode()), ("b/c", f"{root}/b/c".encode())]
    assert taken == [record.encode()]


def frame(content: bytes, **options: bool | int) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(content)  # type: ignore[arg-type]


SKIPPED = (0x184D2A50).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"extra"
LAST_SKIPPED = (0x184D2A5F).to_bytes(4, "little") + (0).to_bytes(4, "little")


def handwritten(descriptor: int, header: int, *blocks: tuple[int, bytes]) -> bytes:
    """Return a frame with a header of so many bytes behind its descriptor."""
    start = (0xFD2FB528).to_bytes(4, "little") + bytes([descriptor]) + bytes(header)
    last = len(blocks) - 1
    parts = (
        (kind | (number == last)).to_bytes(3, "little") + content
        for number, (kind, content) in enumerate(blocks)
    )
    return start + b"".join(parts)


RAW, REPEATED = (3 << 3, b"abc"), (9 << 3 | 1 << 1, b"x")
# Of RFC 8878, 3.1.1.1: the sizes of the window, of a dictionary's number and of the content.
LAYOUTS = (
    handwritten(0, 1, RAW),
    *(handwritten(n, 1 + size, RAW, REPEATED) for n, size in ((1, 1), (2, 2), (3, 4))),
    *(handwritten(n << 6, 1 + size, REPEATED, RAW) for n, size in ((1, 2), (2, 4), (3, 8))),
    *(handwritten(n << 6 | 32, size, RAW, RAW) for n, size in ((0, 1), (1, 2), (2, 4), (3, 8))),
    handwritten(4, 1, RAW) + bytes(4),
)
FRAMES = (
    frame(b""),
    frame(b"a" * 255, write_checksum=True),
    frame(b"b" * 300_000, write_content_size=False),
    frame(bytes(range(256)) * 2000, write_checksum=True, level=1),
    SKIPPED,
    LAST_SKIPPED,
)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 1000])
def test_frames_are_followed_to_their_ends(chunk: int) -> None:
    """What is cut within one is an error; what ends with one is whole."""
    for each in (*FRAMES, *LAYOUTS):
        whole = zstd_frames._WholeFrames(io.BytesIO(each + each))
        while whole.read(chunk):
            pass
        for cut in {1, 2, 3, 4, 5, len(each) // 2} - {len(each)}:
            if cut >= len(each):
                continue
            short = zstd_frames._WholeFrames(io.BytesIO((each + each)[:-cut]))
            with pytest.raises(EOFError, match=r"^its compressed data is cut off$"):
                list(iter(partial(short.read, chunk), b""))


def test_what_is_no_frame_is_told() -> None:
    for magic in (0xFD2FB529, 0x184D2A4F, 0x184D2A60, 0):
        with pytest.raises(ValueError, match=r"^its compressed data is not of zstd$"):
            zstd_frames._WholeFrames(io.BytesIO(magic.to_bytes(4, "little"))).read()


def test_several_frames_are_one_content() -> None:
    content = b"".join(FRAMES)
    plain = b"a" * 255 + b"b" * 300_000 + bytes(range(256)) * 2000
    assert zstd_frames.zstd_reader(io.BytesIO(content)).read() == plain
