"""A new file of which parts are read back, by a thread of their own, while they are written."""

import io
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Generic, TypeVar

from nipack.system import fast_gzip
from nipack.system.hashing import CHUNK, fingerprint_of
from nipack.system.interruption import held_back
from nipack.system.progress import Advance

if TYPE_CHECKING:
    from typing_extensions import Buffer

T = TypeVar("T")
# Seconds that a reader waits where it has caught up with the writer.
_PATIENCE = 0.002


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part lies in a file; both are in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The place of the first byte behind it."""
        return self.start + self.size


@dataclass(slots=True)
class Found(Generic[T]):
    """What was read back of a part: its CRC-32, and what its reader made of it.

    `error` is what kept the reader from it.
    """

    crc: int = 0
    made: T | None = None
    error: BaseException | None = None

    def result(self) -> T:
        """Return what the reader made; raises what it raised."""
        if self.error is not None:
            raise self.error
        assert self.made is not None, "a reader that did not fail has made something"
        return self.made


def read_again(file: Path, crcs: Mapping[Part, int]) -> tuple[str, list[Part]]:
    """Return a file's fingerprint, and which of its parts have another CRC-32 by now.

    It is read once for both; the parts do not overlap.
    """
    sums = _CheckSums(crcs)
    fingerprint = fingerprint_of(file, watch=sums.of_piece)
    return fingerprint, [each for each, crc in crcs.items() if sums.of(each) != (crc, each.size)]


class _CheckSums:
    """The CRC-32 of parts of a file, of which several threads read a piece each."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = sorted(parts, key=attrgetter("start"))
        self._starts = [part.start for part in self._parts]
        # Of each part, by the place of a piece: the check sum and the size of what it has of it.
        self._found: dict[Part, dict[int, tuple[int, int]]] = {part: {} for part in self._parts}

    def of_piece(self, start: int) -> Callable[[memoryview], None]:
        """Return what takes the chunks of a piece that begins at a place."""
        place = start

        def take(chunk: memoryview) -> None:
            nonlocal place
            for part in self._between(place, place + len(chunk)):
                there = chunk[max(0, part.start - place) : part.end - place]
                crc, size = self._found[part].get(start, (0, 0))
                self._found[part][start] = fast_gzip.crc32(there, crc), size + len(there)
            place += len(chunk)

        return take

    def _between(self, start: int, end: int) -> Iterator[Part]:
        first = max(0, bisect_right(self._starts, start) - 1)
        for part in islice(self._parts, first, None):
            if part.start >= end:
                return
            if part.end > start:
                yield part

    def of(self, part: Part) -> tuple[int, int]:
        """Return the CRC-32 of a part, and how many bytes of it there are."""
        crc = size = 0
        for _, (more, count) in sorted(self._found[part].items()):
            crc, size = fast_gzip.crc32_combined(crc, more, count), size + count
        return crc, size


class StoppedError(Exception):
    """The writing has failed, and there is nothing left to read back."""


class GrowingFile(io.BufferedRandom, Generic[T]):
    """A new file that is written from its beginning on.

    `found` has each part that was read back; `advance` counts what of it was read.
    """

    def __init__(self, path: Path, advance: Advance = lambda count: None) -> None:
        """Open an empty file for writing."""
        super().__init__(io.FileIO(path, "r+"), CHUNK)
        self.advance = advance
        self.found: dict[Part, Found[T]] = {}
        self._path = path

    @contextmanager
    def read_back(self, read: Callable[[IO[bytes], Advance], T]) -> Iterator[None]:
        """Have what is written within read back meanwhile; whatever `read` raises waits in `found`.

        What is written within must only be appended.
        """
        self.flush()
        start = self.tell()
        follower = _Follower(self._path, start)
        result = Found[T]()
        arguments = (follower, read, self.advance, result)
        # A program that ends waits for no daemon: not where it ends before the next line either.
        thread = threading.Thread(target=_read, args=arguments, daemon=True)
        try:
            with held_back():  # Half started, it could not be joined.
                thread.start()
            yield
            self.flush()
            follower.end = self.tell()
            thread.join()
        except BaseException:
            follower.stopped = True
            raise
        finally:
            if thread.ident is not None:
                thread.join()
        self.found[Part(start, follower.end - start)] = result


def _read(
    follower: "_Follower",
    read: Callable[[IO[bytes], Advance], T],
    advance: Advance,
    result: Found[T],
) -> None:
    try:
        with follower, io.BufferedReader(follower, CHUNK) as stream:
            result.made = read(stream, advance)
            while stream.read(CHUNK):
                pass  # Behind what its reader wanted there is nothing, or the check sum says so.
        result.crc = follower.crc
    except BaseException as error:  # It is raised again where the result is wanted.
        result.error = error


class _Follower(io.RawIOBase):
    """What the file has on the disk from `start` on, to an `end` that is set when it is known."""

    def __init__(self, path: Path, start: int) -> None:
        self._file, self._place = io.FileIO(path), start
        self._file.seek(start)
        self.end: int | None = None
        self.stopped = False
        self.crc = 0

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer).cast("B")
        while True:
            end = self.end  # asked for first: what is there is all of it, if it was known by then
            left = len(view) if end is None else end - self._place
            count = self._file.readinto(view[:left]) or 0
            if self.stopped:
                raise StoppedError
            if count or self._place == end:
                break
            time.sleep(_PATIENCE)
        self._place += count
        self.crc = fast_gzip.crc32(view[:count], self.crc)
        return count

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()
