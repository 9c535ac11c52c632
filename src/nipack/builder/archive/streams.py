"""Files that count what is read of them, or that end where a part of a larger file ends."""

import io
from typing import IO, TYPE_CHECKING, cast

from nipack.system import fast_gzip
from nipack.system.hashing import CHUNK
from nipack.system.limits import how_to_raise
from nipack.system.progress import Advance

if TYPE_CHECKING:
    from typing_extensions import Buffer


class CountingReader(io.RawIOBase):
    """A file that tells how many bytes were read from it; it can seek if the file can."""

    def __init__(self, stream: IO[bytes], advance: Advance) -> None:
        """Read from `stream`, which stays the caller's to close."""
        self._stream, self._advance = stream, advance

    def readinto(self, buffer: "Buffer") -> int:
        """Fill a buffer as far as the file has bytes, even where one read gives fewer."""
        view = memoryview(buffer).cast("B")
        count = 0
        while count < len(view) and (chunk := self._stream.read(len(view) - count)):
            view[count : count + len(chunk)] = chunk
            count += len(chunk)
        self._advance(count)
        return count

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell whether the file can seek."""
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek in the file; nothing is counted."""
        return self._stream.seek(offset, whence)


class LimitedReader(io.RawIOBase):
    """The next `size` bytes of a file, and nothing behind them."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        """Read from `stream`, which stays the caller's to close."""
        self._stream, self._left = stream, size

    def readinto(self, buffer: "Buffer") -> int:
        """Fill a buffer as far as there are bytes left."""
        view = memoryview(buffer).cast("B")[: self._left]
        chunk = self._stream.read(len(view))
        view[: len(chunk)] = chunk
        self._left -= len(chunk)
        return len(chunk)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True


class BlockWriter:
    """Hands on what is written in blocks of one size, whatever the sizes that it comes in.

    There is one block, of which the output must keep nothing: files are read right into it.
    """

    def __init__(self, output: IO[bytes], size: int) -> None:
        """Write into `output`, which stays the caller's to close, in blocks of `size` bytes."""
        self._output = output
        self._block = memoryview(bytearray(size))
        self._used = self._handed_on = 0

    def write(self, content: bytes) -> None:
        """Write some bytes, or keep them for the next block."""
        done = 0
        while done < len(content):
            part = content[done : done + len(self._block) - self._used]
            self._block[self._used : self._used + len(part)] = part
            self._take(len(part))
            done += len(part)

    def read_from(self, stream: IO[bytes], size: int, advance: Advance) -> int:
        """Write the next `size` bytes of a stream; return how many it does not have."""
        left = size
        while left:
            room = self._block[self._used : self._used + left]
            count = cast("io.RawIOBase", stream).readinto(room) or 0
            if not count:
                break
            self._take(count)
            left -= count
            advance(count)
        return left

    def _take(self, count: int) -> None:
        self._used += count
        if self._used == len(self._block):
            self.flush()

    def fill(self, multiple: int) -> None:
        """Write zeros, until what was written is a multiple of a number of bytes."""
        self.write(bytes(-(self._handed_on + self._used) % multiple))

    def flush(self) -> None:
        """Write what has been kept."""
        self._output.write(self._block[: self._used])
        self._handed_on += self._used
        self._used = 0


class Inflated(io.RawIOBase):
    """What is in deflated bytes without a header, as in a zip; `crc` is the CRC-32 of it so far."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Read from `stream`, which stays the caller's to close."""
        self._stream, self._inflater = stream, fast_gzip.raw_decompressor()
        self.crc = 0

    def readinto(self, buffer: "Buffer") -> int:
        """Fill some of a buffer; raises EOFError where the bytes end too early."""
        view = memoryview(buffer).cast("B")
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._stream.read(CHUNK)
            part = self._inflater.decompress(packed, len(view))
            if part:
                view[: len(part)] = part
                self.crc = fast_gzip.crc32(part, self.crc)
                return len(part)
            if not packed:
                raise EOFError("deflated bytes that end too early")
        return 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True


class ForwardReader:
    """A file that tells its place, and seeks in one direction alone, by reading."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Read from `stream`, which stays the caller's to close, its place being 0."""
        self._stream, self._place = stream, 0

    def read(self, size: int) -> bytes:
        """Return as many bytes as there are, up to a size."""
        content = self._stream.read(size)
        self._place += len(content)
        return content

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._place

    def seek(self, place: int) -> int:
        """Read on to a place; raises io.UnsupportedOperation for one that was passed."""
        if place < self._place:
            raise io.UnsupportedOperation("it only seeks forward")
        while self._place < place and self.read(min(place - self._place, CHUNK)):
            pass
        return self._place

    def passed(self, count: int) -> None:
        """Take note of what somebody else has read of the stream."""
        self._place += count


class MeteredReader(io.RawIOBase):
    """A file of which no more is read than is allowed for the moment."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Read from `stream`, which stays the caller's to close."""
        self._stream = stream
        self._left: int | None = None

    def allow(self, count: int | None) -> None:
        """Allow so many bytes from here on, None for any number."""
        self._left = count

    def readinto(self, buffer: "Buffer") -> int:
        """Fill a buffer as far as there are bytes; raises ValueError where they are too many."""
        view = memoryview(buffer).cast("B")
        chunk = self._stream.read(len(view))
        view[: len(chunk)] = chunk
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                raise ValueError(f"a header that is too large; {how_to_raise('header')}")
        return len(chunk)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True
