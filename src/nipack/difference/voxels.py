"""Two versions of one image, compared by header and voxels, in bounded memory."""

import importlib
import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from nipack.system import fast_gzip
from nipack.system.gifti import read_gifti
from nipack.system.images import can_read_images, quiet_nibabel
from nipack.system.opening import opened
from nipack.system.progress import Advance

# Values that are compared at a time: 2 MB of int16, 8 MB once they are scaled.
_VALUES = 1 << 20
# What nibabel can only load whole is compared up to this size, in bytes.
_LARGEST_WHOLE = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSide:
    """What the header of one version of an image says; `zooms` are voxel sizes in mm (and s)."""

    shape: tuple[int, ...]
    zooms: tuple[float, ...]
    data_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDifference:
    """How two versions of an image differ.

    `affine` is the largest distance, in mm, between where the two put the centre of the same voxel,
    None where one of them has no affine or the shapes differ.  `values` counts the voxels (of a
    surface: all numbers of all its arrays), `differing` those whose value is another, `largest` is
    the largest absolute difference of two finite values and `where` the indices of its voxel.  All
    are None where the voxels were not compared, and `not_compared` says why.
    """

    old: ImageSide
    new: ImageSide
    affine: float | None = None
    values: int | None = None
    differing: int | None = None
    largest: float | None = None
    where: tuple[int, ...] | None = None
    not_compared: str = ""

    @property
    def same_for_analysis(self) -> bool:
        """Whether shape, place and every value are the same: only their storage differs."""
        return self.differing == 0 and self.affine == 0.0 and self.old.shape == self.new.shape

    def lines(self) -> list[str]:
        """Return the difference in words, a line for each part of it."""
        lines = []
        if self.old.shape != self.new.shape:
            lines.append(f"shape: {_shape(self.old.shape)} is now {_shape(self.new.shape)}")
        if self.old.zooms != self.new.zooms:
            lines.append(f"voxel size: {_zooms(self.old.zooms)} is now {_zooms(self.new.zooms)}")
        if self.affine:
            lines.append(f"affine: voxels moved by up to {self.affine:.3g} mm")
        if self.old.data_type != self.new.data_type:
            lines.append(f"data type: {self.old.data_type} is now {self.new.data_type}")
        if self.differing:
            share = self.differing / (self.values or 1)
            by = "" if self.largest is None else f", by up to {self.largest:.6g}"
            at = "" if self.where is None else f" at {list(self.where)}"
            lines.append(f"values: {self.differing:,} of {self.values:,} ({share:.2%}){by}{at}")
        elif self.differing == 0:
            lines.append(f"values: all {self.values:,} are the same")
        if self.not_compared:
            lines.append(f"values were not compared: {self.not_compared}")
        return lines


def image_difference_of(document: Mapping[str, Any]) -> ImageDifference:
    """Return the difference that JSON holds; raises LookupError, TypeError where it has none."""
    sides = {
        name: ImageSide(
            shape=tuple(document[name]["shape"]),
            zooms=tuple(document[name]["zooms"]),
            data_type=document[name]["data_type"],
        )
        for name in ("old", "new")
    }
    where = document["where"]
    return ImageDifference(
        **{**document, **sides, "where": None if where is None else tuple(where)}
    )


def compare_images(
    old: Path, new: Path, advance: Advance = lambda count: None
) -> ImageDifference | None:
    """Compare two versions of an image; None for what nibabel does not read, or is not there.

    `advance` is told how many bytes of the two, decompressed, were compared.
    """
    if not can_read_images():
        return None
    nibabel: Any = importlib.import_module("nibabel")
    with quiet_nibabel():
        try:
            if old.suffix.lower() == new.suffix.lower() == ".gii":
                return _compare_surfaces(read_gifti(old), read_gifti(new))
            images = opened(old), opened(new)
            if not all(isinstance(image, nibabel.spatialimages.SpatialImage) for image in images):
                return None
            return _compare_volumes(*images, advance)
        except Exception:  # What nibabel raises for a strange file is not one family.
            return None


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _zooms(zooms: tuple[float, ...]) -> str:
    return " x ".join(f"{zoom:g}" for zoom in zooms)


def _side(image: Any) -> ImageSide:
    zooms = image.header.get_zooms() if hasattr(image.header, "get_zooms") else ()
    return ImageSide(
        shape=tuple(int(each) for each in image.shape),
        zooms=tuple(round(float(each), 6) for each in zooms),
        data_type=str(image.get_data_dtype()),
    )


def _compare_volumes(old: Any, new: Any, advance: Advance) -> ImageDifference:
    before, after = _side(old), _side(new)
    if old.shape != new.shape:
        reason = "the shapes differ"
        return ImageDifference(old=before, new=after, not_compared=reason)
    affine = _largest_move(old.affine, new.affine, old.shape)
    blocks = _blocks(old, new)
    if blocks is None:
        reason = f"nibabel can only load this kind whole, and it is over {_LARGEST_WHOLE >> 20} MB"
        return ImageDifference(old=before, new=after, affine=affine, not_compared=reason)
    counts = _count(blocks, advance)
    place = None
    if counts.at is not None:
        place = _indices(counts.at, old.shape, _order(old))
    return ImageDifference(
        old=before,
        new=after,
        affine=affine,
        values=math.prod(old.shape),
        differing=counts.differing,
        largest=counts.largest,
        where=place,
    )


def _compare_surfaces(old: Any, new: Any) -> ImageDifference:
    before, after = _surface_side(old), _surface_side(new)
    if before.shape != after.shape:
        return ImageDifference(old=before, new=after, not_compared="the shapes differ")
    arrays = list(zip(old.darrays, new.darrays, strict=True))
    pairs = [(one.data.ravel(), other.data.ravel()) for one, other in arrays]
    counts = _count(iter(pairs), lambda count: None)
    moves = [
        _largest_move(_surface_affine(one), _surface_affine(other), (1, 1, 1))
        for one, other in arrays
    ]
    return ImageDifference(
        old=before,
        new=after,
        affine=max((move or 0.0 for move in moves), default=0.0),
        values=sum(len(one) for one, _ in pairs),
        differing=counts.differing,
        largest=counts.largest,
    )


def _surface_side(image: Any) -> ImageSide:
    arrays = [array.data for array in image.darrays]
    return ImageSide(
        shape=tuple(length for array in arrays for length in array.shape),
        zooms=(),
        data_type=", ".join(str(array.dtype) for array in arrays),
    )


def _surface_affine(array: Any) -> Any:
    import numpy as np

    return np.eye(4) if array.coordsys is None else array.coordsys.xform


def _largest_move(old: Any, new: Any, shape: tuple[int, ...]) -> float | None:
    """Return how far apart, in mm, two affines put the corners of a volume, where it is most."""
    import numpy as np

    if old is None or new is None:
        return None
    ends = [(0, length - 1) for length in (*shape, 1, 1, 1)[:3]]
    corners = np.array([(x, y, z, 1) for x in ends[0] for y in ends[1] for z in ends[2]], float)
    moved = corners @ (np.asarray(new, float) - np.asarray(old, float)).T
    return float(np.linalg.norm(moved[:, :3], axis=1).max())


@dataclass(slots=True)
class _Counts:
    differing: int = 0
    largest: float | None = None
    at: int | None = None


def _count(blocks: Iterator[tuple[Any, Any]], advance: Advance) -> _Counts:
    """Count the values that differ between two arrays that come in blocks; NaN equals NaN."""
    import numpy as np

    counts, begin = _Counts(), 0
    for old, new in blocks:
        if old.dtype != new.dtype or old.tobytes() != new.tobytes():
            differs = old != new
            if old.dtype.kind in "fc" or new.dtype.kind in "fc":
                differs &= ~(np.isnan(old) & np.isnan(new))
            counts.differing += int(np.count_nonzero(differs))
            if old.dtype.kind in "biuf" and new.dtype.kind in "biuf":
                _note_largest(counts, old, new, begin)
        begin += len(old)
        advance(old.nbytes + new.nbytes)
    return counts


def _note_largest(counts: _Counts, old: Any, new: Any, begin: int) -> None:
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(new.astype(np.float64) - old.astype(np.float64))
    distance[~np.isfinite(distance)] = 0
    at = int(distance.argmax())
    if distance[at] > (counts.largest or 0):
        counts.largest, counts.at = float(distance[at]), begin + at


def _indices(at: int, shape: tuple[int, ...], order: str) -> tuple[int, ...]:
    indices = []
    for length in shape if order == "F" else reversed(shape):
        at, index = divmod(at, length)
        indices.append(index)
    return tuple(indices if order == "F" else reversed(indices))


def _order(image: Any) -> str:
    return str(getattr(image.dataobj, "order", "F"))


def _blocks(old: Any, new: Any) -> Iterator[tuple[Any, Any]] | None:
    """Return the values of two images block by block, in the order that both are stored in."""
    if _streams(old) and _streams(new) and _order(old) == _order(new):
        return zip(value_blocks(old), value_blocks(new), strict=True)
    size = 8 * math.prod(old.shape)
    return None if size > _LARGEST_WHOLE else iter([(_whole(old), _whole(new))])


def _whole(image: Any) -> Any:
    import numpy as np

    return np.asanyarray(image.dataobj).ravel(order=cast("Any", _order(image)))


def _streams(image: Any) -> bool:
    from nibabel.arrayproxy import ArrayProxy

    return type(image.dataobj) is ArrayProxy and _file_of(image) is not None


def _file_of(image: Any) -> str | None:
    data = image.file_map.get("image")
    return None if data is None else data.filename


def value_blocks(image: Any, values: int = _VALUES) -> Iterator[Any]:
    """Yield an image's values, scaled, as flat arrays of `values` at most, in storage order.

    Raises EOFError where the file is shorter than its header says.
    """
    import numpy as np

    proxy = image.dataobj
    left, offset = math.prod(proxy.shape), proxy.offset
    with closing(_open(str(_file_of(image)))) as stream:
        _read(stream, offset)
        while left:
            count = min(values, left)
            raw = np.frombuffer(_read(stream, count * proxy.dtype.itemsize), proxy.dtype)
            yield _scaled(raw, proxy)
            left -= count


def _scaled(raw: Any, proxy: Any) -> Any:
    import numpy as np

    slope, inter = proxy.slope, proxy.inter
    if np.all(slope == 1) and np.all(inter == 0):
        return raw
    return raw * float(slope) + float(inter)


def _open(path: str) -> IO[bytes]:
    if path.lower().endswith((".gz", ".mgz")):
        # The reader of ISA-L takes a file and not a path where it is to be closed with it.
        return fast_gzip.open_reader(Path(path).open("rb"))
    openers: Any = importlib.import_module("nibabel.openers")
    return cast("IO[bytes]", openers.ImageOpener(path))


def _read(stream: IO[bytes], size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(min(size, 1 << 22))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
