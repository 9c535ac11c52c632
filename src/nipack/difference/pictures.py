"""A picture of what changed in an image: three orthogonal slices of old, new and difference."""

import importlib
from pathlib import Path
from typing import Any

from nipack.difference.voxels import ImageDifference, value_blocks
from nipack.system.atomic import written_beside
from nipack.system.errors import ArtifactError
from nipack.system.images import quiet_nibabel
from nipack.system.opening import is_drawable, opened

_SIDE = 220  # pixels that the longest side of a slice gets
_GAP = 8


def draw_difference(old: Path, new: Path, difference: ImageDifference, target: Path) -> Path | None:
    """Write a picture: a row each for old, new and difference, a column each for x, y and z.

    It is a PNG, or a WebP where the target ends in `.webp`.

    The slices go through the voxel with the largest difference, in RAS orientation, as neurology
    shows them (left is left).  Returns its path; None, and writes nothing, where there are no
    slices: a surface, a shape that changed, fewer than three dimensions, too many voxels.
    """
    if difference.where is None or not is_drawable(difference.old.shape):
        return None
    with quiet_nibabel():
        images = [opened(path) for path in (old, new)]
        slices = [_slices(image, difference.where) for image in images]
    sheet = _sheet(slices[0], slices[1])
    with written_beside(target, ArtifactError) as output:
        if target.suffix == ".webp":
            sheet.save(output, format="WEBP", quality=82, method=3)
        else:
            sheet.save(output, format="PNG", optimize=False)
    return target


def _slices(image: Any, where: tuple[int, ...]) -> list[Any]:
    """Return the planes across x, y and z of the world, each as rows from the top down."""
    import numpy as np

    orientations: Any = importlib.import_module("nibabel.orientations")
    orientation = orientations.io_orientation(image.affine)
    axis_of = {int(world): voxel for voxel, (world, _) in enumerate(orientation)}
    flipped = {int(world) for world, flip in orientation if flip < 0}
    zooms = [float(zoom) or 1.0 for zoom in image.header.get_zooms()[:3]]
    planes = _planes(image, where)
    slices = []
    for across, right, up in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        plane = planes[axis_of[across]]
        if axis_of[right] < axis_of[up]:
            plane = plane.T
        plane = plane if right not in flipped else plane[:, ::-1]
        plane = plane if up in flipped else plane[::-1]
        slices.append((np.ascontiguousarray(plane), zooms[axis_of[right]], zooms[axis_of[up]]))
    return slices


def _planes(image: Any, where: tuple[int, ...]) -> list[Any]:
    """Return the planes across each voxel axis at an index, from one pass through the file."""
    import numpy as np

    shape, volume = image.shape[:3], 0
    for index, length in reversed(list(zip(where[3:], image.shape[3:], strict=True))):
        volume = volume * length + index
    nx, ny, nz = shape
    planes = [np.zeros(each) for each in ((ny, nz), (nx, nz), (nx, ny))]
    layer = nx * ny
    for number, block in enumerate(value_blocks(image, layer)):
        if number // nz > volume:
            break
        if number // nz == volume:
            k = number % nz
            values = block.reshape((nx, ny), order="F")
            planes[0][:, k] = values[where[0], :]
            planes[1][:, k] = values[:, where[1]]
            if k == where[2]:
                planes[2][:] = values
    return planes


def _sheet(old: list[Any], new: list[Any]) -> Any:
    import numpy as np
    from PIL import Image

    values = np.concatenate([plane.ravel() for plane, _, _ in (*old, *new)])
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, (0.5, 99.5)) if values.size else (0, 1)
    differences = [b[0] - a[0] for a, b in zip(old, new, strict=True)]
    most = max((float(np.nanmax(np.abs(each))) for each in differences), default=0) or 1
    rows = [
        [_picture(_grey(plane, low, high), *zooms) for plane, *zooms in old],
        [_picture(_grey(plane, low, high), *zooms) for plane, *zooms in new],
        [
            _picture(_signed(change, most), *zooms)
            for change, (_, *zooms) in zip(differences, old, strict=True)
        ],
    ]
    widths = [max(row[i].width for row in rows) for i in range(3)]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (sum(widths) + 4 * _GAP, sum(heights) + 4 * _GAP), "white")
    top = _GAP
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        left = _GAP
        for picture, width in zip(row, widths, strict=True):
            # Around a slice is what is around a head: nothing, and no difference.
            sheet.paste(
                "white" if number == 2 else "black", (left, top, left + width, top + height)
            )
            place = left + (width - picture.width) // 2, top + (height - picture.height) // 2
            sheet.paste(picture, place)
            left += width + _GAP
        top += height + _GAP
    return sheet


def _grey(plane: Any, low: float, high: float) -> Any:
    import numpy as np

    scaled = np.clip((np.nan_to_num(plane) - low) / ((high - low) or 1), 0, 1)
    return np.repeat((scaled * 255).astype(np.uint8)[..., None], 3, axis=2)


def _signed(change: Any, most: float) -> Any:
    """Colour what is more in the new image red, what is less blue, the rest white."""
    import numpy as np

    share = np.clip(np.nan_to_num(change) / most, -1, 1)[..., None]
    towards = np.where(share > 0, [178, 24, 43], [33, 102, 172])
    return (255 + (towards - 255) * np.abs(share)).astype(np.uint8)


def _picture(pixels: Any, width_of: float, height_of: float) -> Any:
    from PIL import Image

    height, width = pixels.shape[0] * height_of, pixels.shape[1] * width_of
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)
