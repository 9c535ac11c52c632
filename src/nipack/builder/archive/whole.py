"""Archives of strangers are read to their last byte: nothing in them is passed over in silence."""

import io
import zipfile
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Protocol

from nipack.system.hashing import CHUNK
from nipack.system.limits import how_to_raise, limits

if TYPE_CHECKING:
    from typing_extensions import Buffer

# APPNOTE.TXT 4.3.16 and 4.3.14: the end of a zip, and how that of a large one is found.
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 0xFFFF
_END64, _LOCATOR, _LOCATOR_SIZE = b"PK\x06\x06", b"PK\x06\x07", 20
_OF_A_MEMBER = 400  # bytes that the directory of a zip has for each, at most, on the whole


class Decompressor(Protocol):
    """What bz2 and lzma make for one stream."""

    @property
    def eof(self) -> bool:
        """Whether the stream's end was met."""

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing left to give without more input."""

    @property
    def unused_data(self) -> bytes:
        """What was behind the end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return some of the content."""


class WholeDecompressor(io.RawIOBase):
    """The content of all compressed streams of a file; raises ValueError where others follow.

    Python's own readers take what is no stream, behind the first, for the end of the file.
    """

    def __init__(self, stream: IO[bytes], new: Callable[[], Decompressor]) -> None:
        """Read from `stream`, which stays the caller's to close; `new` is for each stream in it."""
        self._stream, self._new = stream, new
        self._now, self._chunk = new(), b""

    def readinto(self, buffer: "Buffer") -> int:
        """Fill a buffer with content; raises EOFError where that is cut short."""
        view = memoryview(buffer).cast("B")
        while True:
            if self._now.eof and not self._begin_next():
                return 0
            if self._now.needs_input and not self._chunk:
                self._chunk = self._stream.read(CHUNK)
                if not self._chunk:
                    raise EOFError("it ends before its content does")
            found = self._now.decompress(self._chunk, len(view))
            self._chunk = b""
            if found:
                view[: len(found)] = found
                return len(found)

    def _begin_next(self) -> bool:
        """Begin the stream behind one, if there is any; zeros between are no content."""
        rest = self._now.unused_data.lstrip(b"\0")
        while not rest:
            chunk = self._stream.read(CHUNK)
            if not chunk:
                return False
            rest = chunk.lstrip(b"\0")
        self._now, self._chunk = self._new(), rest
        return True

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True


def zip_must_be_whole(stream: IO[bytes]) -> None:
    """Raise BadZipFile unless a zip is all of its file, and its directory of a sane size.

    Python takes the last zip in a file, and says nothing of what is before and behind.
    """
    size = stream.seek(0, io.SEEK_END)
    tail_size = min(size, _END_SIZE + _LONGEST_COMMENT + _LOCATOR_SIZE + 4096)
    stream.seek(size - tail_size)
    tail = stream.read(tail_size)
    stream.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise zipfile.BadZipFile("it has no end")
    end = tail[at:]
    length, offset, begin = _directory(tail, at)
    behind = len(end) - _END_SIZE - int.from_bytes(end[20:22], "little")
    if behind < 0:
        raise zipfile.BadZipFile("its comment is cut short")
    if behind:
        raise zipfile.BadZipFile(f"after its end are {behind:,} more bytes, which would be lost")
    before = size - tail_size + begin - length - offset
    if before:
        raise zipfile.BadZipFile(f"before it are {before:,} more bytes, which would be lost")
    if length > _OF_A_MEMBER * limits().members:
        raise zipfile.BadZipFile(f"its directory has {length:,} bytes; {how_to_raise('members')}")


def _directory(tail: bytes, at: int) -> tuple[int, int, int]:
    """Return a directory's size and offset, and where in the tail it ends."""
    end = tail[at:]
    length, offset = (int.from_bytes(end[n : n + 4], "little") for n in (12, 16))
    locator = tail[max(at - _LOCATOR_SIZE, 0) : at]
    begin = tail.rfind(_END64, 0, at)
    if not locator.startswith(_LOCATOR) or begin < 0:
        return length, offset, at
    record = tail[begin:]
    return (
        int.from_bytes(record[40:48], "little"),
        int.from_bytes(record[48:56], "little"),
        begin,
    )
