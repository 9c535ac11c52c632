"""Read back what an artifact installs, while it is written or afterwards."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO

from nipack.builder.archive.growing import Found, GrowingFile, Part
from nipack.builder.archive.members import Content, read_tar
from nipack.builder.archive.streams import LimitedReader
from nipack.system.fast_hash import PROOF
from nipack.system.hashing import CHUNK
from nipack.system.progress import Advance

Reader = Callable[[IO[bytes]], IO[bytes]]
"""Returns a stream that decompresses another."""

ReadBack = Mapping[Part, Found[Sequence[Content]]]
"""What was read back of a file while it was written, with the digests of proofs."""
NOTHING: ReadBack = MappingProxyType({})


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
        return output.read_back(lambda stream, advance: list(self.contents(stream, advance, PROOF)))

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
