"""What the readers of artifacts share: the files of an archive, one after the other."""

import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, Any

import zstandard

Members = Iterator[tuple[str, IO[bytes]]]
"""Files by their paths; each content is read before the next is asked for."""

_DECOMPRESS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".xz": lzma.LZMAFile,
    ".zst": lambda stream: zstandard.ZstdDecompressor().stream_reader(stream),
}


def tar_members(name: str, stream: IO[bytes]) -> Members:
    """Yield each regular file of a tar, which is compressed as its name says."""
    decompress = _DECOMPRESS.get(name[name.rindex(".") :])
    plain = decompress(stream) if decompress else stream
    with closing(plain), tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            if member.isfile() and (content := archive.extractfile(member)) is not None:
                yield member.name, content


def below(prefix: str, members: Members) -> Members:
    """Yield what is below a prefix, `usr/` say, by its path from there."""
    for name, content in members:
        path = name.removeprefix("./")
        if path.startswith(prefix):
            yield path.removeprefix(prefix), content
