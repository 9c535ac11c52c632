"""How the archives are compressed: one choice for each format, with the reason for it.

Images in a data package are mostly `.nii.gz` already, of which nothing makes less, so the levels
are low; what they are for zstd is chosen by samples of the data.
"""

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Protocol, cast

import zstandard

from nipack.builder.archive.sampling import QUICK, WINDOW_LOG, Tuning
from nipack.system import fast_gzip
from nipack.system.hashing import CHUNK

# What zstd's workers write depends on there being any, never on how many: two, on every machine.
ZSTD_THREADS = 2
SAMPLE_SIZE = 1 << 16

# What readers of archives raise where the bytes are not what they should be.
_MALFORMED: tuple[type[Exception], ...] = (
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    *fast_gzip.GzipError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zstandard.ZstdError,
)


@contextmanager
def malformed_archive_as(error_of: Callable[[str], Exception]) -> Iterator[None]:
    """Raise what is wrong with an archive's bytes as the error that `error_of` makes of a reason.

    What the system refuses, an OSError with its errno, is not the archive's fault and stays.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise error_of(str(error)) from error  # gzip's and bzip2's word for what is malformed
    except _MALFORMED as error:
        raise error_of(str(error) or type(error).__name__) from error


class SizedFile(Protocol):
    """A file with its path and its size in bytes."""

    @property
    def path(self) -> str:
        """Its path."""

    @property
    def size(self) -> int:
        """Its size in bytes."""


def zstd_writer(
    output: IO[bytes], tuning: Tuning = QUICK, *, threads: int = ZSTD_THREADS
) -> IO[bytes]:
    """Return a stream that compresses with zstd into `output`, which closing it leaves open."""
    # A smaller window and job keep the workers' buffers, most of a build's memory, small.
    parameters = tuning.parameters(
        threads=threads, window_log=WINDOW_LOG, job_size=4 << 20, write_checksum=True
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    return cast("IO[bytes]", compressor.stream_writer(output, closefd=False))


def zstd_reader(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that decompresses all zstd frames of another, which stays open."""
    decompressor = zstandard.ZstdDecompressor()
    reader = decompressor.stream_reader(
        stream, read_size=CHUNK, read_across_frames=True, closefd=False
    )
    return io.BufferedReader(cast("io.RawIOBase", reader), 1 << 16)


def gzip_writer(output: IO[bytes]) -> IO[bytes]:
    """Return a stream that compresses with gzip into `output`; no name, no time in its header."""
    return fast_gzip.open_writer(output)


@contextmanager
def plain_gzip_writer(output: IO[bytes], level: int) -> Iterator[IO[bytes]]:
    """Give a stream whose gzip every Python's zlib makes the same: for what others make again."""
    # Python's own header has another system's number from version to version; 3 is Unix (RFC 1952).
    output.write(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
    packing = _PlainGzip(output, level)
    yield cast("IO[bytes]", packing)
    packing.finish()


class _PlainGzip:
    """Deflates what is written, and counts it for the end."""

    def __init__(self, output: IO[bytes], level: int) -> None:
        self._output, self._crc, self._size = output, 0, 0
        self._packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)

    def write(self, data: bytes) -> int:
        """Write some more."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._output.write(self._packer.compress(data))
        return len(data)

    def finish(self) -> None:
        """Write the end."""
        self._output.write(self._packer.flush())
        self._output.write(struct.pack("<2I", self._crc, self._size & 0xFFFFFFFF))


def gzip_reader(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that decompresses gzip; closing it leaves the other open."""
    return fast_gzip.open_plain_reader(stream)


def small_gzip(content: bytes) -> bytes:
    """Compress a small text as Debian Policy 12.7 asks: gzip -9, without name or time."""
    # Python's own header has another system's number from version to version; 3 is Unix (RFC 1952).
    header = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03"
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = compressor.compress(content) + compressor.flush()
    return header + packed + struct.pack("<2I", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def is_mostly_compressed(files: Iterable[SizedFile]) -> bool:
    """Tell whether most bytes of a payload are compressed already, by the files' names."""
    sizes = [(file.size, file.path.lower().endswith(_COMPRESSED)) for file in files]
    return 2 * sum(size for size, done in sizes if done) > sum(size for size, _ in sizes)


def gzip_level(files: Iterable[SizedFile]) -> int:
    """Return zlib's level for a source tarball: the quickest where most is compressed already."""
    return 1 if is_mostly_compressed(files) else 6


_COMPRESSED = (
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".tgz", ".mgz", ".npz", ".jpg", ".jpeg", ".png"),
    *(".h5", ".mat"),
)


def deflates_well(sample: bytes) -> bool:
    """Tell by a file's first bytes whether it is worth deflating: not what is compressed already.

    Readers of a zip take stored members as they are, faster than any other.
    """
    return len(zlib.compress(sample, 1)) < 0.9 * len(sample)
