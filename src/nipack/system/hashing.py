"""Digests of streams and files, at the hash's own speed."""

import io
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, cast

from nipack.system.fast_hash import FINGERPRINT, new_hash
from nipack.system.parallel import THREADS as THREADS
from nipack.system.parallel import for_each_file, threads
from nipack.system.progress import Advance
from nipack.system.small_files import start_of

CHUNK = 1 << 18  # Larger chunks leave the processor's cache between the read and the hash.
Watch = Callable[[int], Callable[[memoryview], object]]
_own = threading.local()
_SMALL = 1 << 12  # bytes of a file that is read at once
_PART = 8 << 20  # of what is hashed in parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """The size in bytes of a file, and its digests in hexadecimal, by algorithm."""

    size: int
    by_algorithm: Mapping[str, str]


class PackedDigests(Mapping[str, str]):
    """Digests in hexadecimal, by algorithm, in a third of the memory of a dictionary of them."""

    __slots__ = ("_bytes", "_places")

    def __init__(self, digests: Mapping[str, str]) -> None:
        """Keep digests; raises ValueError for what is not hexadecimal."""
        self._keep(tuple(digests), [bytes.fromhex(each) for each in digests.values()])

    @classmethod
    def of_bytes(cls, content: bytes, algorithms: Iterable[str]) -> "PackedDigests":
        """Return the digests of bytes."""
        hashes = {name: new_hash(name) for name in algorithms}
        for each in hashes.values():
            each.update(content)
        made = cls.__new__(cls)
        made._keep(tuple(hashes), [each.digest() for each in hashes.values()])
        return made

    def _keep(self, names: tuple[str, ...], digests: list[bytes]) -> None:
        self._bytes = b"".join(digests)
        self._places = _places(names, tuple(map(len, digests)))

    def __getitem__(self, algorithm: str) -> str:
        """Return the digest of an algorithm."""
        return self._bytes[self._places[algorithm]].hex()

    def __iter__(self) -> Iterator[str]:
        """Yield the algorithms."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return the number of digests."""
        return len(self._places)


@cache
def _places(names: tuple[str, ...], sizes: tuple[int, ...]) -> Mapping[str, slice]:
    """Return where each digest is in the bytes of all, which have these sizes."""
    ends = itertools.accumulate(sizes)
    places = (slice(end - size, end) for size, end in zip(sizes, ends, strict=True))
    return dict(zip(names, places, strict=True))


def digest_stream(
    stream: IO[bytes],
    algorithms: Iterable[str],
    advance: Advance = lambda count: None,
    *,
    size: int = sys.maxsize,
) -> Digests:
    """Return the digests of the rest of a stream, or of a `size` of it, which is read once."""
    hashes = {name: new_hash(name) for name in algorithms}
    done = 0
    for chunk in chunks(stream, size):
        for each in hashes.values():
            each.update(chunk)
        done += len(chunk)
        advance(len(chunk))
    return Digests(size=done, by_algorithm={name: h.hexdigest() for name, h in hashes.items()})


def chunks(stream: IO[bytes], size: int = sys.maxsize) -> Iterator[memoryview]:
    """Yield the rest of a stream, or a `size` of it; each chunk is there until the next is.

    All are in the one buffer that a thread has for them, which stays in the processor's cache.
    """
    if not hasattr(_own, "buffer"):
        _own.buffer = memoryview(bytearray(CHUNK))
    buffer: memoryview = _own.buffer
    readable = cast("io.RawIOBase", stream)
    while size and (count := readable.readinto(buffer[:size])):
        yield buffer[:count]
        size -= count


def digest_bytes(content: bytes, algorithms: Iterable[str]) -> Digests:
    """Return the digests of bytes."""
    return digest_stream(io.BytesIO(content), algorithms)


def digest_file(
    path: str | Path, algorithms: Iterable[str], advance: Advance = lambda count: None
) -> Digests:
    """Return the digests of a file, which is read once."""
    with open(path, "rb", buffering=0) as stream:  # a Path takes its time
        return digest_stream(stream, algorithms, advance)


def fingerprint_of(
    path: Path,
    advance: Advance = lambda count: None,
    watch: Watch = lambda start: lambda chunk: None,
) -> str:
    """Return what tells a file from any other: the digest of those of its parts of 8 MiB.

    The parts are hashed on all processors, where one after the other would keep one busy.  Who is
    to see the bytes, too, is asked with a part's place for what takes its chunks, in their order.
    """
    with path.open("rb", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)

    def part(start: int) -> bytes:
        part_hash, show = new_hash(FINGERPRINT), watch(start)
        with path.open("rb", buffering=0) as stream:
            stream.seek(start)
            for chunk in chunks(stream, _PART):
                part_hash.update(chunk)
                show(chunk)
                advance(len(chunk))
        return part_hash.digest()

    with ThreadPoolExecutor(max_workers=threads()) as pool:
        parts = b"".join(pool.map(part, range(0, size, _PART)))
    return digest_bytes(parts, [FINGERPRINT]).by_algorithm[FINGERPRINT]


def digest_files(
    paths: Sequence[str | Path], algorithms: Sequence[str], advance: Advance
) -> list[Digests]:
    """Return the digests of each file, in order; the files are hashed on all processors."""

    def digests(path: str | Path) -> Digests:
        start = start_of(path, _SMALL + 1)
        if len(start) <= _SMALL:
            advance(len(start))
            return Digests(size=len(start), by_algorithm=PackedDigests.of_bytes(start, algorithms))
        found = digest_file(path, algorithms, advance)
        return Digests(size=found.size, by_algorithm=PackedDigests(found.by_algorithm))

    sizes = [os.stat(path).st_size for path in paths]  # a Path takes its time
    return for_each_file(digests, paths, sizes)
