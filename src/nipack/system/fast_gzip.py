"""gzip by ISA-L, or by Python's own zlib where the library is missing or old, as in Debian 12.

What is packed differs between the two in its compressed form, never in what is unpacked.
"""

import gzip
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

try:
    import isal
    from isal import igzip, igzip_lib, igzip_threaded, isal_zlib
except ModuleNotFoundError:
    HAVE_ISAL = False
    GzipError: tuple[type[Exception], ...] = (zlib.error,)
else:
    # The threaded writer of versions before 1.9 waits for ever where the disk is full.
    HAVE_ISAL = tuple(map(int, isal.__version__.split(".")[:2])) >= (1, 9)
    GzipError = (zlib.error, cast("type[Exception]", igzip_lib.IsalError))

# ISA-L's levels are 0 to 3; from 1 to 2 nothing is gained on images, with zlib neither.
_LEVEL = 1
# On raw images ISA-L's 3 and zlib's 1 are within 0.7 % of zlib's 6, at a twentieth of its time.
_RAW_LEVEL = {True: 3, False: 1}
_THREADS = 2


def open_writer(output: IO[bytes]) -> IO[bytes]:
    """Return a stream that compresses with gzip into `output`; no name, no time in its header."""
    if not HAVE_ISAL:
        return cast(
            "IO[bytes]",
            gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=output, mtime=0),
        )
    # The writer begins with its header, and cannot be closed where that finds the disk full: what
    # is waiting goes to the disk first, so that the header fits into the buffer.
    output.flush()
    writer = igzip_threaded.open(  # type: ignore[no-untyped-call]
        output, "wb", _LEVEL, threads=_THREADS
    )
    return cast("IO[bytes]", writer)


def open_reader(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that decompresses gzip, in a thread of its own where ISA-L is there."""
    if not HAVE_ISAL:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream, mode="rb"))
    reader = igzip_threaded.open(stream, "rb", threads=1)  # type: ignore[no-untyped-call]
    return cast("IO[bytes]", reader)


def open_plain_reader(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that decompresses gzip in the thread that reads it, at a fifth less time."""
    opened = igzip.IGzipFile if HAVE_ISAL else gzip.GzipFile
    return cast("IO[bytes]", opened(fileobj=stream, mode="rb"))


def raw_compressor() -> Any:
    """Return an object as zlib.compressobj makes it, whose stream has no header: as in a zip."""
    level = _RAW_LEVEL[HAVE_ISAL]
    if not HAVE_ISAL:
        return zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return isal_zlib.compressobj(level, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)


def raw_decompressor() -> Any:
    """Return an object as zlib.decompressobj makes it, for what `raw_compressor` has made."""
    if not HAVE_ISAL:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    return isal_zlib.decompressobj(-isal_zlib.MAX_WBITS)


def crc32(data: "Buffer", value: int) -> int:
    """Return the check sum of what came before, which is `value`, and of some more."""
    found = isal_zlib.crc32(data, value) if HAVE_ISAL else zlib.crc32(data, value)
    return int(found)


def crc32_combined(first: int, second: int, size: int) -> int:
    """Return the check sum of some bytes and of a `size` of more, each of which has its own."""
    if HAVE_ISAL:
        return int(isal_zlib.crc32_combine(first, second, size))
    return _product(_power_of_x(8 * size), first) ^ second


def _product(first: int, second: int) -> int:
    """Return a product modulo CRC-32's polynomial, the highest bit standing for x to the 0."""
    product, bit = 0, 1 << 31
    while bit:
        if first & bit:
            product ^= second
        bit >>= 1
        second = second >> 1 ^ (0xEDB88320 if second & 1 else 0)
    return product


def _power_of_x(exponent: int) -> int:
    power, square = 1 << 31, 1 << 30
    while exponent:
        if exponent & 1:
            power = _product(square, power)
        square = _product(square, square)
        exponent >>= 1
    return power


def decompressor() -> Any:
    """Return an object as zlib.decompressobj makes it, for one member of a gzip file."""
    return isal_zlib.decompressobj(wbits=31) if HAVE_ISAL else zlib.decompressobj(wbits=31)
