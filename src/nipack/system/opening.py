"""Images as nibabel opens them, within bounds: a stranger's header decides how much it reads.

Voxels stay in their file until they are asked for, but for MINC, which nibabel reads whole.
"""

import gzip
import importlib
import io
import math
import struct
from pathlib import Path
from typing import IO, Any, cast

from nipack.system.gifti import MOST_BYTES, NotReadError, read_gifti

_MOST_BEFORE_DATA = 16 << 20  # bytes, of a NIfTI header and its extensions, which are read whole
_MOST_EXTENSIONS = 1000
_MOST_XML = 4 << 20  # bytes of CIFTI's; that of 91,282 grayordinates is 0.7 MB
_CIFTI = 32
_NIFTI2_SIZE = 540
# Bytes of a header that is a text; its numbers take fifty times as much.
_MOST_TEXT = {".head": 2 << 20, ".par": 8 << 20, ".tck": 1 << 20}
_MOST_LINES = 100_000
_MOST_MATRIX = (
    64 << 10
)  # bytes of a file beside an Analyze image, which may be compressed in itself
_MOST_UNPACKED = 64_000_000  # bytes of a MINC file that is compressed as a whole
_MOST_READS = 100_000  # of one MINC file: two or more for each of its dimensions and attributes
_HDF5 = b"\x89HDF"
# Pixels in three planes: all of them are in memory at once, several times.
_MOST_DRAWN = 8_000_000
_MOST_SOUGHT = 2_000_000_000  # voxels that are unpacked to come to what is behind or among them


def opened(path: Path) -> Any:
    """Return an image, of which nibabel has read a header of bounded size.

    Raises NotReadError for what may be good and is left alone, ImportError where nibabel wants a
    further library, ValueError, or whatever nibabel does, for what is damaged.
    """
    name = path.name.lower()
    if name.endswith(".gii"):
        return read_gifti(path)
    _bound_text(path, path.suffix.lower())
    if name.endswith((".nii", ".nii.gz", ".hdr")):
        _bound_extensions(path, name)
    if name.endswith(".mgz"):
        _bound_voxels(path)
    nibabel: Any = importlib.import_module("nibabel")
    try:
        if name.endswith((".trk", ".tck")):
            return nibabel.streamlines.load(path, lazy_load=True)
        if name.endswith((".mnc", ".mnc.gz")):
            return _minc(path, name)
        return nibabel.load(path)
    except AttributeError as error:
        # nibabel's word for an optional library that is not there.
        if type(error).__name__ == "TripWireError":
            raise ImportError(str(error)) from error
        raise


def is_drawable(shape: tuple[int, ...]) -> bool:
    """Tell whether an image has three dimensions, of which planes can be drawn within bounds."""
    if len(shape) < 3 or 0 in shape:
        return False
    x, y, z = (int(each) for each in shape[:3])
    return x * y + y * z + x * z <= _MOST_DRAWN and x * y * z <= _MOST_SOUGHT


def _bound_text(path: Path, suffix: str) -> None:
    """Refuse a header that is a text of more than scanners and programs write."""
    most = _MOST_TEXT.get(suffix)
    if most is None:
        return
    with path.open("rb") as stream:
        start = stream.read(most + 1)
    if suffix == ".tck":
        if b"\nEND" not in start[:most]:
            raise ValueError(f"its header has no end in its first {most:,} bytes")
    elif len(start) > most or start.count(b"\n") > _MOST_LINES:
        raise NotReadError(f"its header has more than {most:,} bytes or {_MOST_LINES:,} lines")


def _bound_extensions(path: Path, name: str) -> None:
    """Refuse NIfTI extensions that are too large, or too many: they are read with the header.

    Those of an image in two files follow its header to the end of that file, and an Analyze header
    has a file of matrices beside it.
    """
    with _unpacked(path, name) as stream:
        start = stream.read(_NIFTI2_SIZE)
        for order in "<>":
            size = struct.unpack_from(f"{order}i", start.ljust(4, b"\0"))[0]
            place = {348: ("f", 108), _NIFTI2_SIZE: ("q", 168)}.get(size)
            if place is None or len(start) < size:
                continue
            (offset,) = struct.unpack_from(f"{order}{place[0]}", start, place[1])
            if name.endswith(".hdr"):
                offset = path.stat().st_size
                _bound_matrices(path)
            # Not the other way round: an offset may be NaN.
            if not offset <= _MOST_BEFORE_DATA:
                raise ValueError(
                    f"its header declares {offset:,.0f} bytes before the data, of extensions"
                )
            stream.seek(size + 4)
            _bound_each_extension(stream, int(offset) - size - 4, order)


def _unpacked(path: Path, name: str) -> IO[bytes]:
    opener = gzip.open if name.endswith((".gz", ".mgz")) else open
    return cast("IO[bytes]", opener(path, "rb"))


def _bound_voxels(path: Path) -> None:
    """Refuse what is too long before the end of an MGH header, which is behind the voxels."""
    with _unpacked(path, ".mgz") as stream:
        start = stream.read(20)
    if len(start) == 20 and math.prod(map(abs, struct.unpack(">4i", start[4:]))) > _MOST_SOUGHT:
        raise NotReadError(f"it has more than {_MOST_SOUGHT:,} voxels")


def _bound_each_extension(stream: IO[bytes], room: int, order: str) -> None:
    for _ in range(_MOST_EXTENSIONS):
        if room < 16:
            return
        head = stream.read(8)
        if len(head) < 8:
            return
        size, code = struct.unpack(f"{order}ii", head)
        if size < 8 or size > room:
            return  # nibabel says what is wrong with it
        if code == _CIFTI and size > _MOST_XML:
            raise NotReadError(f"its description has more than {_MOST_XML:,} bytes of XML")
        stream.seek(size - 8, 1)
        room -= size
    raise NotReadError(f"it has more than {_MOST_EXTENSIONS:,} extensions")


def _bound_matrices(header: Path) -> None:
    beside = header.with_suffix(".mat")
    if beside.exists() and beside.stat().st_size > _MOST_MATRIX:
        raise NotReadError(f"{beside.name} has more than {_MOST_MATRIX:,} bytes of matrices")


class _BoundedStream(io.BufferedIOBase):
    """Lets no more be read than a file has: each part of it once, in few parts."""

    def __init__(self, stream: IO[bytes], room: int) -> None:
        self._stream, self._room, self._reads = stream, room, _MOST_READS

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int | None = -1) -> bytes:
        self._reads -= 1
        if size is None or not 0 <= size <= self._room or self._reads < 0:
            raise ValueError("its header declares more than the file has")
        self._room -= size
        return self._stream.read(size)


def _minc(path: Path, name: str) -> Any:
    """Return an image of MINC 1.

    MINC 2 is left alone: what a file of HDF5 asks of its library has no bound that is known here.
    """
    packed = name.endswith(".gz")
    with _unpacked(path, name) as stream:
        if stream.read(4) == _HDF5:
            raise NotReadError("it is MINC 2, which is HDF5")
        stream.seek(0)
        nibabel: Any = importlib.import_module("nibabel")
        # A variable may begin where another does: without a bound, each is read again.
        room = _MOST_UNPACKED if packed else path.stat().st_size + 4096
        if room > MOST_BYTES:
            raise NotReadError(f"it is larger than {MOST_BYTES:,} bytes, and read whole")
        holder = nibabel.fileholders.FileHolder(fileobj=_BoundedStream(stream, room))
        return nibabel.Minc1Image.from_file_map({"image": holder})
