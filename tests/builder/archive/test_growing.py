"""A file that is read back while it is written: what its reader sees, and what ends it."""

import os
import threading
import zlib
from pathlib import Path
from typing import IO

import pytest

from nipack.builder.archive.growing import GrowingFile, Part, read_again
from nipack.system.hashing import CHUNK, fingerprint_of
from nipack.system.progress import Advance

pytestmark = pytest.mark.usefixtures("no_thread_is_left")
PIECES = [bytes([number]) * 100_003 for number in range(20)]
LIMIT = 60  # seconds, after which a test that hangs is given up


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def whole(stream: IO[bytes], advance: Advance) -> bytes:
    return stream.read()


def test_a_part_is_read_while_it_is_written(path: Path) -> None:
    begun = threading.Event()

    def read(stream: IO[bytes], advance: Advance) -> bytes:
        first = stream.read(len(PIECES[0]))
        begun.set()
        return first + stream.read()

    with GrowingFile[bytes](path) as file:
        file.write(b"header")
        with file.read_back(read):
            file.write(PIECES[0])
            file.flush()
            assert begun.wait(LIMIT), "the reader is there before the end is"
            file.writelines(PIECES[1:])
        file.write(b"trailer")
        file.seek(0)
        file.write(b"HEADER")
    content = b"".join(PIECES)
    assert path.read_bytes() == b"HEADER" + content + b"trailer"
    [(part, found)] = file.found.items()
    assert part == Part(6, len(content))
    assert found.result() == content
    assert found.crc == zlib.crc32(content)
    assert read_again(path, {part: found.crc}) == (fingerprint_of(path), [])


@pytest.mark.parametrize("place", [6, 1_000_000, 2_000_065])
def test_what_changes_after_it_was_read_is_noticed(place: int, path: Path) -> None:
    with GrowingFile[bytes](path) as file:
        file.write(b"header")
        with file.read_back(whole):
            file.writelines(PIECES)
    [(part, found)] = file.found.items()
    with path.open("r+b") as other:
        other.seek(place)
        other.write(b"\xaa")
    assert read_again(path, {part: found.crc}) == (fingerprint_of(path), [part])


def test_what_is_cut_after_it_was_read_is_noticed(path: Path) -> None:
    with GrowingFile[bytes](path) as file, file.read_back(whole):
        file.write(b"content")
    [(part, found)] = file.found.items()
    with path.open("r+b") as other:
        other.truncate(3)
    assert read_again(path, {part: found.crc}) == (fingerprint_of(path), [part])


@pytest.mark.parametrize("bad", [None, 0, 1, 2, 3])
def test_each_of_many_parts_is_looked_at(
    bad: int | None, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.system.hashing._PART", 100_000)
    content = os.urandom(3 * CHUNK)
    path.write_bytes(content)
    sizes = [(1, 5), (6, CHUNK), (CHUNK + 6, CHUNK - 6), (2 * CHUNK, CHUNK), (3 * CHUNK, 0)]
    parts = [Part(start, size) for start, size in sizes]
    crcs = {part: zlib.crc32(content[part.start : part.end]) for part in parts}
    if bad is not None:
        crcs[parts[bad]] ^= 1
    expected = [] if bad is None else [parts[bad]]
    assert read_again(path, crcs) == (fingerprint_of(path), expected)


def test_the_disk_s_bytes_are_read_not_those_of_the_writer(path: Path) -> None:
    """A disk that keeps something else is noticed by what is read."""

    class Faulty(GrowingFile[bytes]):
        def write(self, content: bytes) -> int:  # type: ignore[override]
            return super().write(content.replace(b"good", b"evil"))

    with Faulty(path) as file, file.read_back(whole):
        file.write(b"good")
    [found] = file.found.values()
    assert found.result() == b"evil"


def test_what_is_behind_the_reader_s_end_is_in_the_check_sum(path: Path) -> None:
    with GrowingFile[bytes](path) as file, file.read_back(lambda stream, advance: stream.read(3)):
        file.write(b"content")
    [found] = file.found.values()
    assert found.result() == b"con"
    assert found.crc == zlib.crc32(b"content")


def test_what_the_reader_raises_waits_for_who_asks(path: Path) -> None:
    def fail(stream: IO[bytes], advance: Advance) -> bytes:
        raise KeyboardInterrupt("a bar's")

    with GrowingFile[bytes](path) as file, file.read_back(fail):
        file.writelines(PIECES)
    [found] = file.found.values()
    with pytest.raises(KeyboardInterrupt, match="a bar's"):
        found.result()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_a_writer_that_fails_ends_the_reader(error: type[BaseException], path: Path) -> None:
    def write(file: GrowingFile[bytes]) -> None:
        with file.read_back(whole):
            file.writelines(PIECES)
            raise error

    with GrowingFile[bytes](path) as file:
        with pytest.raises(error):
            write(file)
        assert file.found == {}


@pytest.mark.parametrize("late", [True, False])
def test_an_interruption_while_the_reader_starts_ends_it(
    late: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the program would wait at its end for one that waits for the rest of the file."""
    start, started = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        if late:
            start(thread)
            started.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with GrowingFile[bytes](path) as file:
        with pytest.raises(KeyboardInterrupt), file.read_back(whole):
            pass
        assert file.found == {}
    assert [thread.is_alive() for thread in started] == [False] * late


def test_a_full_disk_ends_the_reader() -> None:
    def fill(file: GrowingFile[bytes]) -> None:
        with file.read_back(whole):
            file.writelines(PIECES)

    file = GrowingFile[bytes](Path("/dev/full"))
    with pytest.raises(OSError, match="No space left on device"):
        fill(file)
    with pytest.raises(OSError, match="No space left on device"):
        file.close()


def test_an_empty_part(path: Path) -> None:
    with GrowingFile[bytes](path) as file, file.read_back(whole):
        pass
    assert file.found[Part(0, 0)].result() == b""
