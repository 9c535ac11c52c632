"""Read back what an artifact installs, while it is written or afterwards."""

import io
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import IO

import zstandard

from nipack.builder.archive.growing import Found, GrowingFile, Part
from nipack.builder.archive.members import Content, read_tar
from nipack.builder.archive.streams import LimitedReader
from nipack.system.fast_hash import PROOF
from nipack.system.hashing import CHUNK
from nipack.system.progress import Advance

Reader = Callable[[IO[bytes]], IO[bytes]]
"""Returns a stream that decompresses another."""

ReadBack = Mapping[Part, Found[Iterable[Content]]]
"""What was read back of a file while it was written, with the digests of proofs."""
_PIECE = 1000  # contents that are made at once
NOTHING: ReadBack = MappingProxyType({})


class Kept(Iterable[Content]):
    """Contents that wait to be compared, in a fifth of the memory of as many objects."""

    def __init__(self, contents: Iterable[Content]) -> None:
        """Keep all that there is."""
        rows = map(_row, contents)
        pieces = iter(lambda: [*islice(rows, _PIECE)], [])
        self._pieces = [zstandard.compress(marshal.dumps(some), 1) for some in pieces]

    def __iter__(self) -> Iterator[Content]:
        """Yield each, in its order."""
        for piece in self._pieces:
            rows = marshal.loads(zstandard.decompress(piece))
            for path, mode, size, digest, algorithm, target, is_directory in rows:
                yield Content(
                    path=path,
                    mode=mode,
                    size=size,
                    digest=digest,
                    algorithm=algorithm,
                    target=target,
                    is_directory=is_directory,
                )


def _row(each: Content) -> tuple[str | int | None, ...]:
    what = (each.path, each.mode, each.size, each.digest, each.algorithm)
    return (*what, each.target, each.is_directory)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedTar:
    """A compressed tar: how it is decompressed, and what `read_tar` has to know of it."""

    reader: Reader
    base: str
    directories: bool

    def read_back(self, output: IO[bytes]) -> AbstractContextManager[None]:
        """Have the one that is written into `output` read back meanwhile, where that can be."""
        if not isinstance(output, GrowingFile):
            return nullcontext()
        return output.read_back(lambda stream, advance: Kept(self.contents(stream, advance, PROOF)))

    def contents(self, stream: IO[bytes], advance: Advance, algorithm: str) -> Iterator[Content]:
        """Yield what is in one, which is read to its end: there are its check sums."""
        with self.reader(stream) as tar:
            yield from read_tar(
                tar,
                advance,
                base=self.base,
                directories=self.directories,
                algorithm=algorithm,
            )
            while tar.read(CHUNK):
                pass

    def contents_of_part(
        self, file: IO[bytes], part: Part, advance: Advance, found: ReadBack, algorithm: str
    ) -> Iterator[Content]:
        """Yield what is in the one that a part of a file is, unless it was read back already."""
        if part in found:
            yield from found[part].result()
            return
        file.seek(part.start)
        with io.BufferedReader(LimitedReader(file, part.size)) as stream:
            yield from self.contents(stream, advance, algorithm)
