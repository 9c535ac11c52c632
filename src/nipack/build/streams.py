"""Files that count what is read of them, or that end where a part of a larger file ends."""

import io
from typing import IO, TYPE_CHECKING

from nipack.build.progress import Advance

if TYPE_CHECKING:
    from typing_extensions import Buffer


class CountingReader(io.RawIOBase):
    """A file that tells how many bytes were read from it; it can seek if the file can."""

    def __init__(self, stream: IO[bytes], advance: Advance) -> None:
        """Read from `stream`, which stays the caller's to close."""
        self._stream, self._advance = stream, advance

    def readinto(self, buffer: "Buffer") -> int:
        """Fill a buffer as far as the file has bytes."""
        view = memoryview(buffer).cast("B")
        chunk = self._stream.read(len(view))
        view[: len(chunk)] = chunk
        self._advance(len(chunk))
        return len(chunk)

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
