"""Notice that zstd data is cut off: the library takes what there is for all of it.

Source: RFC 8878, 3.1 (frames), 3.1.1.2 (blocks) and 3.1.2 (skippable frames).
"""

from collections.abc import Generator
from typing import IO, Any, cast

import zstandard

_MAGIC, _SKIPPABLE = 0xFD2FB528, 0x184D2A50
_CONTENT_SIZE, _DICTIONARY = (0, 2, 4, 8), (0, 1, 2, 4)
_RLE, _CHECKSUM = 1, 4


def zstd_reader(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream of what is compressed in another, in a frame or several.

    Reading raises EOFError where the last one is cut off, and ZstdError where one is damaged.
    """
    decompressor = zstandard.ZstdDecompressor()
    source = cast("IO[bytes]", _WholeFrames(stream))
    reader: Any = decompressor.stream_reader(source, read_across_frames=True)
    return cast("IO[bytes]", reader)


class _WholeFrames:
    """A stream that follows where its frames begin and end, and refuses to end within one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._between = True
        self._start = b""
        self._parts = self._layout()
        self._wanted = next(self._parts)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; raises EOFError where there are none, and a frame has more."""
        chunk = self._stream.read(size)
        if chunk:
            self._follow(chunk)
        elif not self._between:
            raise EOFError("its compressed data is cut off")
        return chunk

    def _follow(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk):
            if self._wanted < 0:
                passed = min(-self._wanted, len(chunk) - at)
                self._wanted, at = self._wanted + passed, at + passed
            else:
                more = chunk[at : at + self._wanted - len(self._start)]
                self._start, at = self._start + more, at + len(more)
                self._between = False
                if len(self._start) == self._wanted:
                    self._wanted = self._parts.send(self._start)
                    self._start = b""
            while self._wanted == 0:
                self._wanted = self._parts.send(b"")

    def _layout(self) -> Generator[int, bytes, None]:
        """Yield how many bytes to be given next; negative, how many to pass over."""
        while True:
            self._between = True
            magic = int.from_bytes((yield 4), "little")
            if magic & ~15 == _SKIPPABLE:
                yield -int.from_bytes((yield 4), "little")
                continue
            if magic != _MAGIC:
                raise ValueError("its compressed data is not of zstd")
            descriptor = (yield 1)[0]
            single = descriptor >> 5 & 1
            size = _CONTENT_SIZE[descriptor >> 6] or single
            yield -(size + _DICTIONARY[descriptor & 3] + (not single))
            last = 0
            while not last:
                block = int.from_bytes((yield 3), "little")
                last, kind, size = block & 1, block >> 1 & 3, block >> 3
                yield -(1 if kind == _RLE else size)
            yield -4 if descriptor & _CHECKSUM else 0
