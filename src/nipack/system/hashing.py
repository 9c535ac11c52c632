"""Digests of streams and files, at the hash's own speed."""

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from nipack.system.progress import Advance

CHUNK = 1 << 18  # Larger chunks leave the processor's cache between the read and the hash.
# More threads than these wait for the disk, and each has its memory.
THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """The size in bytes of a file, and its digests in hexadecimal, by algorithm."""

    size: int
    by_algorithm: dict[str, str]


def digest_stream(
    stream: IO[bytes], algorithms: Iterable[str], advance: Advance = lambda count: None
) -> Digests:
    """Return the digests of the rest of a stream, which is read once."""
    # usedforsecurity: md5 is what md5sums wants, on machines in FIPS mode too.
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    size = 0
    while chunk := stream.read(CHUNK):
        for each in hashes.values():
            each.update(chunk)
        size += len(chunk)
        advance(len(chunk))
    return Digests(size=size, by_algorithm={name: h.hexdigest() for name, h in hashes.items()})


def digest_bytes(content: bytes, algorithms: Iterable[str]) -> Digests:
    """Return the digests of bytes."""
    return digest_stream(io.BytesIO(content), algorithms)


def digest_file(
    path: Path, algorithms: Iterable[str], advance: Advance = lambda count: None
) -> Digests:
    """Return the digests of a file, which is read once."""
    with path.open("rb", buffering=0) as stream:
        return digest_stream(stream, algorithms, advance)


def digest_files(
    paths: Sequence[Path], algorithms: Sequence[str], advance: Advance
) -> list[Digests]:
    """Return the digests of each file, in order; the files are hashed on all processors."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return list(pool.map(lambda path: digest_file(path, algorithms, advance), paths))
