"""An .rpm is read by its own bytes: its headers, its digest, and the files of its cpio archive."""

import gzip
import hashlib
import io
import lzma
import struct
from collections.abc import Callable
from functools import partial

import pytest
import zstandard

from nipack.publish.artifacts import rpm
from nipack.publish.artifacts.rpm import check_payload_digest, rpm_files

LEAD = b"\xed\xab\xee\xdb" + bytes(92)


def header(entries: dict[int, bytes], *, pad: int = 0) -> bytes:
    """Return a header with a string for each tag."""
    index, values = b"", bytes(pad)
    for tag, value in entries.items():
        index += struct.pack(">IIII", tag, 6, len(values), 1)
        values += value + b"\0"
    start = struct.pack(">4s4xII", b"\x8e\xad\xe8\x01", len(entries), len(values))
    return start + index + values


def member(name: bytes, content: bytes = b"", mode: int = 0o100644) -> bytes:
    fields = [0] * 13
    fields[1], fields[6], fields[11] = mode, len(content), len(name) + 1
    start = b"070701" + "".join(f"{each:08x}" for each in fields).encode() + name + b"\0"
    padded = start + bytes(-len(start) % 4)
    return padded + content + bytes(-len(content) % 4)


END = member(b"TRAILER!!!")
FILES = (
    member(b"./a", b"content")
    + member(b"./folder", mode=0o040755)
    + member(b"./link", b"./a", mode=0o120777)
    + member(b"./empty")
    + member(b"./\xe9", b"four")
    + END
)
READ = [("./a", b"content"), ("./empty", b""), ("./\udce9", b"four")]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "plain": bytes,
}


def made(payload: bytes, *, signatures: int = 1, digest: bytes | None = None) -> bytes:
    wanted = hashlib.sha256(payload).hexdigest().encode() if digest is None else digest
    first = header({1000: b"x" * signatures})
    about = header({1000: b"name", 5092: wanted} if wanted else {1000: b"name"}, pad=3)
    return LEAD + first + bytes(-(len(first) - 16) % 8) + about + payload


def read(content: bytes) -> list[tuple[str, bytes]]:
    return [(name, stream.read()) for name, stream in rpm_files(io.BytesIO(content))]


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("signatures", range(8))
def test_the_regular_files_are_read(packer: Callable[[bytes], bytes], signatures: int) -> None:
    content = made(packer(FILES), signatures=signatures)
    assert read(content) == READ
    check_payload_digest(io.BytesIO(content))
    # What is not read of one file is passed over before the next.
    assert [name for name, _ in rpm_files(io.BytesIO(content))] == [name for name, _ in READ]


def test_what_is_passed_over_may_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm, "_SKIP", 3)
    content = made(FILES, signatures=50)
    assert [name for name, _ in rpm_files(io.BytesIO(content))] == [name for name, _ in READ]


class Dribbling(io.BytesIO):
    """Gives two bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 2) if size and size > 0 else size)


def test_a_stream_may_give_less_than_was_asked_for() -> None:
    with pytest.raises(ValueError, match="it does not start like an"):
        list(rpm_files(Dribbling(b"no lead")))
    found = [
        (n, b"".join(iter(partial(s.read, 1), b""))) for n, s in rpm._cpio_files(Dribbling(FILES))
    ]
    assert found == READ


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xed\xab\xee\xdc" + made(FILES)[4:], "it does not start like an .rpm"),
        (b"", "it does not start like an .rpm"),
        (LEAD + b"\x8e\xad\xe8\x02" + bytes(12), "a header of the .rpm is damaged"),
        (LEAD + b"\x8e\xad\xe8", "it ends too early"),
        (LEAD, "it ends too early"),
        (made(b"070702" + FILES[6:]), "its files are not in cpio's new ASCII format"),
        (made(FILES[:50]), "it ends too early"),
        (made(member(b"n" * 4096)), "a file in it has a name of 4,097 bytes"),
        (made(FILES[: -len(END)]), "it ends too early"),
    ],
)
def test_what_is_damaged_is_told(content: bytes, said: str) -> None:
    with pytest.raises((ValueError, EOFError)) as caught:
        read(content)
    assert str(caught.value) == said


def test_a_name_may_be_as_long_as_a_path() -> None:
    name = b"n" * 4095
    assert read(made(member(name, b"x") + END)) == [(name.decode(), b"x")]


@pytest.mark.parametrize("digest", [b"", b"0" * 32, b"0" * 128])
def test_without_a_digest_of_that_kind_nothing_is_compared(digest: bytes) -> None:
    check_payload_digest(io.BytesIO(made(FILES, digest=digest)))


def test_every_byte_behind_the_header_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rpm.MOST_OF_A_HEADER == 268_435_456
    content = made(FILES)
    for wrong in (content + b"\0", content[:-1], made(FILES, digest=b"0" * 64)):
        with pytest.raises(ValueError, match=r"^its payload has another digest than its header"):
            check_payload_digest(io.BytesIO(wrong))
    about = header({1000: b"name", 5092: b"0" * 64}, pad=3)
    monkeypatch.setattr(rpm, "MOST_OF_A_HEADER", len(about) - 16)
    check_payload_digest(io.BytesIO(content))
    monkeypatch.setattr(rpm, "MOST_OF_A_HEADER", len(about) - 17)
    with pytest.raises(ValueError, match=rf"^a header of the .rpm has {len(about) - 16} bytes$"):
        check_payload_digest(io.BytesIO(content))
