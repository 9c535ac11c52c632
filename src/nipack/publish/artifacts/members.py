"""What the readers of artifacts share: the files of an archive, one after the other."""

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, Any

from nipack.publish.artifacts.zstd_frames import zstd_reader

Members = Iterator[tuple[str, IO[bytes]]]
"""Files by their paths; each content is read before the next is asked for."""

_CHUNK = 1 << 18
_DECOMPRESS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".xz": lzma.LZMAFile,
    ".zst": zstd_reader,
}


def tar_members(name: str, stream: IO[bytes]) -> Members:
    """Yield each regular file of a tar, which is compressed as its name says.

    At the end all of the stream was read; raises EOFError, or an error of its compression, where
    it is cut off or damaged there.
    """
    decompress = _DECOMPRESS.get(name[name.rindex(".") :])
    plain = decompress(stream) if decompress else stream
    with closing(plain), tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            if member.isfile() and (content := archive.extractfile(member)) is not None:
                yield member.name, content
        # Behind the tar's end is that of its compression, and behind that the end of what it is
        # in: each notices only there what was cut off or changed.
        read_to_end(plain)
        read_to_end(stream)


def read_to_end(stream: IO[bytes]) -> None:
    """Read what is left of a stream, which has a digest or a length behind it."""
    while stream.read(_CHUNK):
        pass


def below(prefix: str, members: Members) -> Members:
    """Yield what is below a prefix, `usr/` say, by its path from there."""
    for name, content in members:
        path = name.removeprefix("./")
        if path.startswith(prefix):
            yield path.removeprefix(prefix), content


class Part(io.RawIOBase):
    """So many of the next bytes of a stream; one that ends before raises EOFError."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        """Take a stream, and how many bytes of it."""
        self._stream, self.left = stream, size

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes into a buffer; return how many."""
        chunk = self._stream.read(min(self.left, len(buffer)))
        if not chunk and self.left and len(buffer):
            raise EOFError("it ends in the middle of a file")
        buffer[: len(chunk)] = chunk
        self.left -= len(chunk)
        return len(chunk)
