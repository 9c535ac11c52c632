"""Pictures of a surface: both sides of a hemisphere, and how many points and triangles it has."""

import importlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nipack.publish.catalogue.names import hemisphere_in, is_flat, is_gifti
from nipack.publish.catalogue.shading import Surface, View, drawn
from nipack.system.gifti import read_gifti

_LARGE, _SMALL, _GAP = 300, 110, 12
_TRIANGLES = bytes.fromhex("fffffe")
_FROM_LEFT = View((0, -1, 0), (0, 0, 1), (-1, 0, 0))
_FROM_RIGHT = View((0, 1, 0), (0, 0, 1), (1, 0, 0))
# For a surface that is flat across x, y or z: what is seen of it.
_FLAT = (_FROM_RIGHT, View((1, 0, 0), (0, 0, 1), (0, -1, 0)), View((1, 0, 0), (0, 1, 0), (0, 0, 1)))
_FLATTEST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfacePreview:
    """What is shown of a surface.

    `hemisphere` is left, right or nothing, `views` the sides from which it is seen, from left to
    right; `large` and `small` are WebP pictures, with their widths and heights in pixels.
    """

    vertices: int
    triangles: int
    hemisphere: str
    views: tuple[str, ...]
    large: tuple[bytes, int, int]
    small: tuple[bytes, int, int]

    @property
    def told(self) -> dict[str, Any]:
        """What a page says of it, as JSON has it."""
        return {
            "vertices": self.vertices,
            "triangles": self.triangles,
            "hemisphere": self.hemisphere,
            "views": list(self.views),
        }


def preview(copy: Path, name: str) -> SurfacePreview:
    """Return the preview of a surface, a file of GIFTI or FreeSurfer that is called `name`.

    Raises ValueError, NotReadError, or whatever nibabel does, where there is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if is_gifti(name):
            surface, structure = _gifti(copy)
        else:
            surface, structure = _freesurfer(copy), ""
    _examine(surface)
    side = _hemisphere(structure, name)
    used = _compact(surface)
    views = _views(used, side, flat=is_flat(name))
    pictures = drawn(used, [*views.values()], _LARGE)
    return SurfacePreview(
        vertices=len(surface.points),
        triangles=len(surface.triangles),
        hemisphere=side,
        views=tuple(views),
        large=_montage(pictures, _LARGE),
        small=_montage(pictures, _SMALL),
    )


def _gifti(copy: Path) -> tuple[Surface, str]:
    """Return the surface of a GIFTI file, and the structure that it says it is of."""
    image = read_gifti(copy)
    arrays = {}
    for intent in ("NIFTI_INTENT_POINTSET", "NIFTI_INTENT_TRIANGLE"):
        found = image.get_arrays_from_intent(intent)
        if not found:
            raise ValueError("it has values of a surface's points, and not their places")
        arrays[intent] = found[0]
    points, triangles = arrays.values()
    structure = (points.meta or {}).get("AnatomicalStructurePrimary") or (image.meta or {}).get(
        "AnatomicalStructurePrimary", ""
    )
    return Surface(np.asarray(points.data), np.asarray(triangles.data)), str(structure)


def _freesurfer(copy: Path) -> Surface:
    """Return the surface of a FreeSurfer file of triangles."""
    with copy.open("rb") as stream:
        # Older files of four-sided faces are read one by one, which takes minutes.
        if stream.read(3) != _TRIANGLES:
            raise ValueError("it is not a FreeSurfer file of triangles")
    freesurfer: Any = importlib.import_module("nibabel.freesurfer")
    return Surface(*freesurfer.read_geometry(copy))


def _examine(surface: Surface) -> None:
    """Raise ValueError where points and triangles are not those of a surface."""
    points, triangles = surface
    for array, kind in ((points, np.floating), (triangles, np.integer)):
        if array.ndim != 2 or array.shape[1] != 3 or not len(array):
            raise ValueError("points and triangles have three numbers each")
        if not np.issubdtype(array.dtype, kind):
            raise ValueError("points are real numbers, and triangles whole ones")
    if triangles.min() < 0 or triangles.max() >= len(points):
        raise ValueError("a triangle is between points that are not there")
    if not np.isfinite(points).all():
        raise ValueError("a point is nowhere")


def _hemisphere(structure: str, name: str) -> str:
    """Return which hemisphere a surface is of, by what it says of itself, or by its name."""
    for side in ("left", "right"):
        if side in structure.lower():
            return side
    return hemisphere_in(name)


def _views(surface: Surface, side: str, *, flat: bool) -> dict[str, View]:
    """Return how a surface is shown: a flat one from its front, others from two sides."""
    extent = np.ptp(surface.points, axis=0)
    if flat or extent.min() <= _FLATTEST * extent.max():
        return {"front": _FLAT[int(extent.argmin())]}
    if side == "left":
        return {"lateral": _FROM_LEFT, "medial": _FROM_RIGHT}
    if side == "right":
        return {"lateral": _FROM_RIGHT, "medial": _FROM_LEFT}
    return {"left": _FROM_LEFT, "right": _FROM_RIGHT}


def _compact(surface: Surface) -> Surface:
    """Return a surface without the points that no triangle has: none of them is seen."""
    kept = np.zeros(len(surface.points), bool)
    kept[surface.triangles] = True
    number = np.cumsum(kept) - 1
    return Surface(surface.points[kept].astype(np.float64), number[surface.triangles])


def _montage(pictures: list[npt.NDArray[np.uint8]], height: int) -> tuple[bytes, int, int]:
    """Return pictures of equal height side by side as WebP, with its width and height."""
    from PIL import Image

    gap = round(_GAP * height / _LARGE)
    widths = [max(1, round(each.shape[1] * height / each.shape[0])) for each in pictures]
    used = sum(widths) + gap * (len(widths) + 1)
    # A page shows all pictures in one width; one that is narrow would be as tall as the page.
    total = max(used, 2 * height)
    sheet = Image.new("RGB", (total, height + 2 * gap))
    left = gap + (total - used) // 2
    for pixels, width in zip(pictures, widths, strict=True):
        picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(picture, (left, gap))
        left += width + gap
    target = io.BytesIO()
    sheet.save(target, "WEBP", quality=84, method=3)
    return target.getvalue(), total, height + 2 * gap
