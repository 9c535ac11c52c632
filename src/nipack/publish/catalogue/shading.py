"""Drawing a surface: its triangles as a person sees them from one side, in shades of light.

What it costs grows with the pixels that triangles cover, not with their number alone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Indices = npt.NDArray[Any]

# Each pixel is the mean of this many by as many.
_FINE = 2
_PIXELS = 100_000  # that are looked at in one go: some 10 MB
_MOST_PIXELS = 12_000_000
_SMALLEST = 60
# What of a triangle's size rounding takes from its neighbour.
_EDGE = 1e-5
_DENSE = 6
# From above, a little from the left, and in front of the surface.
_LIGHT = (-0.35, 0.55, 0.76)
_COLOUR = (236, 224, 210)


class View(NamedTuple):
    """How a surface is seen: the directions of the world that go right, up and to the viewer."""

    right: tuple[int, int, int]
    up: tuple[int, int, int]
    near: tuple[int, int, int]


class Surface(NamedTuple):
    """A surface of n points (n, 3) in mm, and m triangles (m, 3) of numbers of points."""

    points: Numbers
    triangles: Indices


def drawn(surface: Surface, views: Sequence[View], height: int) -> list[npt.NDArray[np.uint8]]:
    """Return a picture (height, width, 3) for each view of a surface that fills it, on black.

    Raises ValueError where a surface has no extent, or is too tangled to be drawn.
    """
    normals, outward = _normals(surface), _outward(surface)
    return [_seen(surface, normals, outward, view, height) for view in views]


def _seen(
    surface: Surface, normals: Numbers, outward: int, view: View, height: int
) -> npt.NDArray[np.uint8]:
    seen = _turned(surface.points, view)
    low, high = seen.min(axis=1), seen.max(axis=1)
    extent = high - low
    largest = float(extent.max())
    if not largest or not np.isfinite(largest):
        raise ValueError("the points of the surface are all in one place, or nowhere")
    wide, tall = (max(float(each) / largest, 0.02) for each in extent[:2])
    fine = height * _FINE
    while True:
        # A long surface is not wider than three times its height.
        scale = min((fine - 2) / tall, (3 * fine - 2) / wide)
        places = (seen - low[:, None]) * (scale / largest)
        shape = fine, max(2, round(wide * scale)) + 2
        places += np.array([[1], [(fine - tall * scale) / 2], [0]])
        facets = _facets(places, surface.triangles, shape, outward)
        if facets.counts.sum() <= _MOST_PIXELS:
            break
        fine //= 2
        if fine < _SMALLEST:
            raise ValueError("its triangles lie over one another in too many layers")
    owner, depth = _front(facets, shape)
    light = _lit(facets, _turned(normals, view).astype(np.float32), owner.reshape(shape))
    return _developed(depth.reshape(shape), light, scale, height)


def _turned(vectors: Numbers, view: View) -> Numbers:
    """Return (3, n): how far vectors (n, 3) go right, up and to the viewer."""
    # A product of matrices keeps all processors busy with very little.
    return np.stack(
        [sum(n * vectors[:, axis] for axis, n in enumerate(each) if n) for each in view]
    )


def _normals(surface: Surface) -> Numbers:
    """Return the direction of the surface at each point, that of the larger triangles first."""
    size = float(np.ptp(surface.points)) or 1.0
    x, y, z = (np.ascontiguousarray(each) for each in (surface.points / size).T)
    one, two, three = surface.triangles.T
    (ax, bx), (ay, by), (az, bz) = ((n[two] - n[one], n[three] - n[one]) for n in (x, y, z))
    flat = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    corners = np.ascontiguousarray(surface.triangles.T)
    sums = [
        sum(np.bincount(corner, each, len(surface.points)) for corner in corners) for each in flat
    ]
    return np.stack(sums, axis=-1)


def _outward(surface: Surface) -> int:
    """Return 1 for a closed surface whose triangles turn left as seen from outside, -1 for right.

    Of such a one, what is turned away is hidden.  0 is for any other.
    """
    one, two, three = (each.astype(np.uint64) for each in surface.triangles.T)
    there = back = 0
    for begin, end in ((one, two), (two, three), (three, one)):
        there += _mixed(begin, end)
        back += _mixed(end, begin)
    # Each edge is passed as often in one direction as in the other.
    if there != back:
        return 0
    points = surface.points - surface.points.mean(axis=0)
    a, b, c = (points[corner] for corner in surface.triangles.T)
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return int(np.sign(volume)) if np.isfinite(volume) else 0


def _mixed(begin: Indices, end: Indices) -> int:
    """Return the sum of a number for each edge that says little of its points."""
    # Whole numbers of 64 bits that overflow do so as it is wanted.
    mixed: Indices = begin * np.uint64(0x9E3779B97F4A7C15) + end * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed >>= np.uint64(32)
    return int(mixed.sum())


class _Facets(NamedTuple):
    """The triangles that may be seen: their corners, and the pixels around each.

    `left` and `bottom` are the first column and row, then how many columns and pixels.  `planes`
    are nine arrays: the second corner's weight at the first pixel, and what a column and a row
    more add to it; the same for the third corner, and for how near the triangle is.
    """

    corners: Indices
    left: Indices
    bottom: Indices
    columns: Indices
    counts: Indices
    planes: tuple[Numbers, ...]


def _facets(places: Numbers, triangles: Indices, shape: tuple[int, int], outward: int) -> _Facets:
    """Return the triangles in whose midst may be a pixel's, by the places (3, n) of points."""
    x, y, z = places
    corners = np.ascontiguousarray(triangles.T)
    (x1, x2, x3), (y1, y2, y3) = ([each[corner] for corner in corners] for each in (x, y))
    area = (x2 - x1) * (y3 - y1) - (y2 - y1) * (x3 - x1)
    # What is seen from its edge hides nothing.
    facing = area * outward > 1e-9 if outward else abs(area) > 1e-9
    left, right = _between((x1, x2, x3), shape[1])
    bottom, top = _between((y1, y2, y3), shape[0])
    some = np.flatnonzero(facing & (right >= left) & (top >= bottom))
    left, right, bottom, top = (each[some] for each in (left, right, bottom, top))
    x1, x2, x3, y1, y2, y3, area = (each[some] for each in (x1, x2, x3, y1, y2, y3, area))
    corners = corners[:, some]
    z1, z2, z3 = (z[corner] for corner in corners)
    columns, rows = right - left + 1, top - bottom + 1
    x2, x3, y2, y3, z2, z3 = x2 - x1, x3 - x1, y2 - y1, y3 - y1, z2 - z1, z3 - z1
    second = y3 / area, -x3 / area
    third = -y2 / area, x2 / area
    near = tuple(s * z2 + t * z3 for s, t in zip(second, third, strict=True))
    x1, y1 = left - x1, bottom - y1
    planes = []
    for first, (column, row) in ((0, second), (0, third), (z1, near)):
        planes += [first + x1 * column + y1 * row, column, row]
    singles = tuple(each.astype(np.float32) for each in planes)
    return _Facets(corners, left, bottom, columns, columns * rows, singles)


def _between(values: Sequence[Numbers], size: int) -> tuple[Indices, Indices]:
    """Return the first and the last whole number that lie between three, and in the picture."""
    one, two, three = values
    first = np.ceil(np.minimum(np.minimum(one, two), three)).astype(np.int32)
    last = np.floor(np.maximum(np.maximum(one, two), three)).astype(np.int32)
    return np.maximum(first, 0), np.minimum(last, size - 1)


def _front(facets: _Facets, shape: tuple[int, int]) -> tuple[Indices, Numbers]:
    """Return which triangle is seen at each pixel, -1 for none, and how near it is there."""
    owner = np.full(shape[0] * shape[1], -1, np.int32)
    depth = np.full(len(owner), -np.inf, np.float32)
    ends = np.cumsum(facets.counts)
    begin = 0
    while begin < len(ends):
        before = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + _PIXELS)))
        which, row, column = _inside(facets, begin, end)
        near = _at(facets.planes[6:], which, row, column)
        pixel = (row + facets.bottom[which]) * shape[1] + column + facets.left[which]
        pixel = pixel.astype(np.intp)  # ten times as fast in what follows
        np.maximum.at(depth, pixel, near)
        seen = np.flatnonzero(near == depth[pixel])
        owner[pixel[seen]] = which[seen]
        begin = end
    return owner, depth


def _inside(facets: _Facets, begin: int, end: int) -> tuple[Indices, Indices, Indices]:
    """Return each pixel in each of some triangles: the triangle, and the pixel's row and column.

    Rows and columns are counted from the first of the triangle.
    """
    counts = facets.counts[begin:end]
    which = np.repeat(np.arange(begin, end, dtype=np.int32), counts)
    starts = np.cumsum(counts, dtype=np.int32) - counts
    place = np.arange(len(which), dtype=np.int32) - np.repeat(starts, counts)
    row, column = np.divmod(place, np.repeat(facets.columns[begin:end], counts))
    down, along = row.astype(np.float32), column.astype(np.float32)
    second, third = (
        first + x * along + y * down
        for first, x, y in (
            [np.repeat(each[begin:end], counts) for each in facets.planes[at : at + 3]]
            for at in (0, 3)
        )
    )
    inside = np.flatnonzero((second >= -_EDGE) & (third >= -_EDGE) & (second + third <= 1 + _EDGE))
    return which[inside], row[inside], column[inside]


def _at(plane: Sequence[Numbers], which: Indices, row: Indices, column: Indices) -> Numbers:
    """Return the values of some triangles' planes at their pixels."""
    first, x, y = (each[which] for each in plane)
    found: Numbers = first + x * column.astype(np.float32) + y * row.astype(np.float32)
    return found


def _lit(facets: _Facets, normals: Numbers, owner: Indices) -> Numbers:
    """Return how light each pixel is; normals are those of the points, (3, n)."""
    light = np.zeros(owner.shape, np.float32)
    row, column = np.nonzero(owner >= 0)
    which = owner[row, column]
    place = (row - facets.bottom[which]).astype(np.int32), column - facets.left[which]
    second = _at(facets.planes[:3], which, *place)
    third = _at(facets.planes[3:6], which, *place)
    weights = 1 - second - third, second, third
    # Where triangles are as small as pixels, the light at their corners says it all.
    is_dense = len(facets.left) * _DENSE > len(which)
    values = _light(normals)[None] if is_dense else normals
    shown = np.stack([
        sum(each[corner[which]] * weight
            for corner, weight in zip(facets.corners, weights, strict=True))
        for each in values
    ])  # fmt: skip
    light[row, column] = shown[0] if is_dense else _light(shown)
    return light


def _light(normals: Numbers) -> Numbers:
    """Return how light a surface is, seen from either of its sides: Lambert's law, and a gleam."""
    x, y, z = normals
    length = np.sqrt(x * x + y * y + z * z)
    length = np.where(z < 0, -1, 1) / np.where(length > 0, length, 1)
    lamp = [each / float(np.linalg.norm(_LIGHT)) for each in _LIGHT]
    facing = z * length
    direct = np.clip(x * length * lamp[0] + y * length * lamp[1] + facing * lamp[2], 0, 1)
    fourth = (direct * direct) ** 2
    found: Numbers = 0.14 + 0.2 * facing + 0.62 * direct + 0.12 * (fourth**4 * fourth**2)
    return found


def _developed(depth: Numbers, light: Numbers, scale: float, height: int) -> npt.NDArray[np.uint8]:
    """Return pixels of red, green and blue: what lies deeper than what is around it is darker."""
    there = np.isfinite(depth)
    known, deep, grey = (
        _coarse(each, height) for each in (there, np.where(there, depth, 0), light)
    )
    shown = grey * _hollows(deep, known, scale, max(1, round(scale / 40 * height / len(depth))))
    pixels = shown[::-1, :, None] * np.array(_COLOUR, np.float32)
    found: npt.NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return found


def _coarse(values: Numbers, height: int) -> Numbers:
    """Return values of a picture of that height, each the mean of those that it is made of."""
    from PIL import Image

    size = max(1, round(values.shape[1] * height / values.shape[0])), height
    fine = Image.fromarray(values.astype(np.float32))
    return np.asarray(fine.resize(size, Image.Resampling.BOX))


def _hollows(deep: Numbers, known: Numbers, scale: float, reach: int) -> Numbers:
    """Return how much light comes to each pixel, by the depth around it: unsharp masking.

    `known` is how much of each pixel is of the surface, `deep` its depth times that.
    """
    around = _blurred(deep, reach) / np.maximum(_blurred(known, reach), 1e-6)
    here = deep / np.maximum(known, 1e-6)
    found: Numbers = 1 + np.clip((here - around) * (9 / scale), -0.5, 0.06)
    return found


def _blurred(values: Numbers, reach: int) -> Numbers:
    """Return the mean of what is around each value, twice in each direction."""
    for _ in range(4):
        padded = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        places = np.arange(len(values))
        upper = np.minimum(places + reach + 1, len(values))
        lower = np.maximum(places - reach, 0)
        values = ((padded[upper] - padded[lower]) / (2 * reach + 1)).T
    return values
