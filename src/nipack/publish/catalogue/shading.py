"""Drawing a surface: its triangles as a person sees them from one side, in shades of light.

What it costs grows with the pixels that triangles cover, not with their number alone.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[Any]

# Each pixel is the mean of this many by as many.
_FINE = 2
_PIXELS = 100_000  # that are looked at in one go: some 10 MB
_MOST_PIXELS = 12_000_000
_SMALLEST = 60
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


def drawn(surface: Surface, view: View, height: int) -> npt.NDArray[np.uint8]:
    """Return a picture (height, width, 3) of a surface that fills it, on black.

    Raises ValueError where a surface has no extent, or is too tangled to be drawn.
    """
    axes = np.array(view, dtype=np.float64)
    seen = surface.points @ axes.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    extent = high - low
    largest = float(extent.max())
    if not largest or not np.isfinite(largest):
        raise ValueError("the points of the surface are all in one place, or nowhere")
    wide, tall = (max(float(each) / largest, 0.02) for each in extent[:2])
    fine = height * _FINE
    while True:
        # A long surface is not wider than three times its height.
        scale = min((fine - 2) / tall, (3 * fine - 2) / wide)
        corners = ((seen - low) * (scale / largest))[surface.triangles]
        shape = fine, max(2, round(wide * scale)) + 2
        corners[..., 1] += (fine - tall * scale) / 2
        corners[..., 0] += 1
        boxes = _boxes(corners, shape)
        if boxes.counts.sum() <= _MOST_PIXELS:
            break
        fine //= 2
        if fine < _SMALLEST:
            raise ValueError("its triangles lie over one another in too many layers")
    planes = _planes(corners)
    owner, depth = _front(planes, boxes, shape)
    normals = _normals(seen / largest, surface.triangles)
    light = _lit(planes, normals, surface.triangles, owner.reshape(shape))
    return _developed(depth.reshape(shape), light, scale, height)


class _Boxes(NamedTuple):
    """The pixels around each triangle: the first column and row, the columns, and how many."""

    left: Indices
    bottom: Indices
    columns: Indices
    counts: Indices


def _boxes(corners: Numbers, shape: tuple[int, int]) -> _Boxes:
    """Return the pixels whose middle may be in each triangle; those of none are left out."""
    one, two, three = (corners[:, corner, :2] for corner in range(3))
    first = np.ceil(np.minimum(np.minimum(one, two), three)).astype(np.int64)
    last = np.floor(np.maximum(np.maximum(one, two), three)).astype(np.int64)
    first, last = np.maximum(first, 0), np.minimum(last, (shape[1] - 1, shape[0] - 1))
    sides = np.maximum(last - first + 1, 0)
    # What is seen from its edge hides nothing.
    counts = np.where(abs(_area(corners)) > 1e-9, sides[:, 0] * sides[:, 1], 0)
    return _Boxes(first[:, 0], first[:, 1], sides[:, 0], counts)


def _area(corners: Numbers) -> Numbers:
    """Return twice the area of each triangle as it is seen, negative where it turns right."""
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    found: Numbers = one[:, 0] * two[:, 1] - two[:, 0] * one[:, 1]
    return found


def _normals(points: Numbers, triangles: Indices) -> Numbers:
    """Return the direction of the surface at each point, that of the larger triangles first."""
    one, two, three = (points[triangles[:, corner]] for corner in range(3))
    flat = np.cross(two - one, three - one)
    found = np.zeros_like(points)
    for axis in range(3):
        for corner in range(3):
            found[:, axis] += np.bincount(triangles[:, corner], flat[:, axis], len(points))
    return found


def _planes(corners: Numbers) -> Numbers:
    """Return (m, 3, 3): for the second corner's weight, the third's, and how near a pixel is.

    Each is the sum of its first times the column, its second times the row, and its third.
    """
    one, two, three = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = _area(corners)[:, None]
    # Those without an area have no pixels, and their planes are not asked for.
    area[area == 0] = 1
    second = np.stack([three[:, 1], -three[:, 0]], axis=-1) / area
    third = np.stack([-two[:, 1], two[:, 0]], axis=-1) / area
    near = second * two[:, 2:] + third * three[:, 2:]
    slopes = np.stack([second, third, near], axis=1)
    heights = -(slopes * one[:, None, :2]).sum(axis=2)
    heights[:, 2] += one[:, 2]
    return np.concatenate([slopes, heights[..., None]], axis=2)


def _front(planes: Numbers, boxes: _Boxes, shape: tuple[int, int]) -> tuple[Indices, Numbers]:
    """Return which triangle is seen at each pixel, -1 for none, and how near it is there."""
    owner = np.full(shape[0] * shape[1], -1)
    depth = np.full(len(owner), -np.inf)
    some = np.flatnonzero(boxes.counts)
    ends = np.cumsum(boxes.counts[some])
    begin = 0
    while begin < len(some):
        before = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + _PIXELS)))
        which, row, column = _inside(planes, boxes, some[begin:end])
        near = _at(planes[:, 2], which, row, column)
        pixel = row * shape[1] + column
        np.maximum.at(depth, pixel, near)
        seen = np.flatnonzero(near == depth[pixel])
        owner[pixel[seen]] = which[seen]
        begin = end
    return owner, depth


def _inside(planes: Numbers, boxes: _Boxes, chosen: Indices) -> tuple[Indices, Indices, Indices]:
    """Return each pixel in each of some triangles: the triangle, the row and the column."""
    counts = boxes.counts[chosen]
    which = np.repeat(chosen, counts)
    place = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(place, boxes.columns[which])
    row, column = row + boxes.bottom[which], column + boxes.left[which]
    second = _at(planes[:, 0], which, row, column)
    third = _at(planes[:, 1], which, row, column)
    inside = np.flatnonzero((second >= 0) & (third >= 0) & (second + third <= 1))
    return which[inside], row[inside], column[inside]


def _at(planes: Numbers, which: Indices, row: Indices, column: Indices) -> Numbers:
    """Return the values of some triangles' planes at pixels."""
    x, y, constant = planes[which].T
    found: Numbers = x * column + y * row + constant
    return found


def _lit(planes: Numbers, normals: Numbers, triangles: Indices, owner: Indices) -> Numbers:
    """Return how light each pixel is; normals are those of the points, (n, 3)."""
    light = np.zeros(owner.shape)
    row, column = np.nonzero(owner >= 0)
    which = owner[row, column]
    second = _at(planes[:, 0], which, row, column)
    third = _at(planes[:, 1], which, row, column)
    weights = np.stack([1 - second - third, second, third], axis=-1)
    light[row, column] = _light((normals[triangles[which]] * weights[..., None]).sum(axis=1))
    return light


def _light(normals: Numbers) -> Numbers:
    """Return how light a surface is, seen from either of its sides: Lambert's law, and a gleam."""
    length = np.linalg.norm(normals, axis=1)
    normals = normals / np.where(length > 0, length, 1)[:, None]
    normals = np.where(normals[:, 2:] < 0, -normals, normals)
    lamp = np.array(_LIGHT) / np.linalg.norm(_LIGHT)
    direct = np.clip(normals @ lamp, 0, 1)
    facing = np.clip(normals[:, 2], 0, 1)
    found: Numbers = 0.14 + 0.2 * facing + 0.62 * direct + 0.12 * direct**24
    return found


def _developed(depth: Numbers, light: Numbers, scale: float, height: int) -> npt.NDArray[np.uint8]:
    """Return pixels of red, green and blue: what lies deeper than what is around it is darker."""
    from PIL import Image

    there = np.isfinite(depth)
    shown = light * np.where(there, _hollows(depth, there, scale), 0)
    pixels = np.clip(shown[..., None] * np.array(_COLOUR), 0, 255).astype(np.uint8)[::-1]
    size = max(1, round(depth.shape[1] * height / depth.shape[0])), height
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize(size, Image.Resampling.BOX))


def _hollows(depth: Numbers, there: npt.NDArray[np.bool_], scale: float) -> Numbers:
    """Return how much light comes to each pixel, by the depth around it: unsharp masking."""
    flat = np.where(there, depth, 0.0)
    reach = max(2, round(scale / 40))
    known = _blurred(there.astype(np.float64), reach)
    around = _blurred(flat, reach) / np.maximum(known, 1e-6)
    found: Numbers = 1 + np.clip((flat - around) * (9 / scale), -0.5, 0.06)
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
