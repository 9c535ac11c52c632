"""Pictures of an image: the three planes through its middle, and what its header says.

A volume is read plane by plane, so that memory does not grow with it.
"""

import importlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nipack.system.opening import is_drawable, opened

Plane = npt.NDArray[Any]

LARGE, SMALL = 300, 110
_GAP = 2
# Regions of an atlas have numbers; more kinds than this in three planes are measurements.
_MOST_REGIONS = 400
_SPACES = {1: "scanner", 2: "aligned to another image", 3: "Talairach", 4: "MNI 152"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePreview:
    """What is shown of an image.

    `zooms` are in mm, `orientation` is where the axes go, as in RAS; `window` are the numbers, as
    they are stored, that are black and white, None where each is a region; `large` and `small` are
    WebP pictures, with their widths and heights in pixels.
    """

    shape: tuple[int, ...]
    zooms: tuple[float, ...]
    orientation: str
    kind: str
    space: str
    window: tuple[float, float] | None
    large: tuple[bytes, int, int]
    small: tuple[bytes, int, int]

    @property
    def told(self) -> dict[str, Any]:
        """What a page says of it, as JSON has it."""
        return {
            "shape": list(self.shape),
            "zooms": list(self.zooms),
            "orientation": self.orientation,
            "type": self.kind,
            "space": self.space,
        }


def preview(path: Path) -> ImagePreview:
    """Return the preview of an image of three dimensions, or of the first volume of more.

    Raises ValueError, NotReadError, or whatever nibabel does, where it is none, or too large; see
    Brett et al., Coordinate systems and affines, in nibabel's documentation for the orientations.
    """
    nibabel: Any = importlib.import_module("nibabel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image: Any = opened(path)
        if not is_drawable(image.shape):
            raise ValueError(f"{path.name}: has no three dimensions, or too many voxels")
        planes = [_oriented(image, plane, axis) for axis, plane in enumerate(_planes(image))]
        # Across the world's z, y and x: axial, coronal, sagittal.
        planes.sort(key=lambda each: -each[0])
        arrays = [plane for _, plane, _ in planes]
        window = _window(arrays, image.get_data_dtype())
        tones = [_tones(each, window) for each in arrays]
        ratios = [ratio for _, _, ratio in planes]
        orientation = "".join(str(each) for each in nibabel.aff2axcodes(image.affine))
        return ImagePreview(
            shape=tuple(int(each) for each in image.shape),
            zooms=tuple(round(float(each), 4) for each in image.header.get_zooms()[:3]),
            orientation=orientation,
            kind=str(image.get_data_dtype()),
            space=_space(image.header),
            window=window,
            large=_montage(tones, ratios, LARGE),
            small=_montage(tones, ratios, SMALL),
        )


def _space(header: Any) -> str:
    try:
        return _SPACES.get(int(header["sform_code"]) or int(header["qform_code"]), "")
    except (KeyError, ValueError, IndexError):
        return ""


def _planes(image: Any) -> list[Plane]:
    """Return the planes across each axis of the array through the middle, read one by one."""
    columns, rows, layers = image.shape[:3]
    dtype = np.dtype(image.dataobj.dtype)
    across = [
        np.zeros(shape, dtype) for shape in ((rows, layers), (columns, layers), (columns, rows))
    ]
    for layer, plane in enumerate(layers_of(image)):
        across[0][:, layer] = plane[columns // 2, :]
        across[1][:, layer] = plane[:, rows // 2]
        if layer == layers // 2:
            across[2][:] = plane
    return across


def layers_of(image: Any) -> Iterator[Plane]:
    """Yield the planes across the last axis of the first volume, one by one, as they are stored."""
    columns, rows, layers = image.shape[:3]
    dtype = np.dtype(image.dataobj.dtype)
    size = columns * rows * dtype.itemsize
    with image.file_map["image"].get_prepare_fileobj("rb") as stream:
        stream.seek(image.dataobj.offset)
        for _ in range(layers):
            content = stream.read(size)
            yield np.frombuffer(content, dtype).reshape((columns, rows), order="F")


def _oriented(image: Any, plane: Plane, axis: int) -> tuple[int, Plane, float]:
    """Return which world axis a plane is across, its rows from the top, and a pixel's h/w.

    Left is left, anterior is to the right of a sagittal plane, superior is up.
    """
    nibabel: Any = importlib.import_module("nibabel")
    orientation = nibabel.io_orientation(image.affine)
    if np.isnan(orientation).any():
        orientation = np.array([[0, 1], [1, 1], [2, 1]])
    zooms = [abs(float(each)) or 1.0 for each in image.header.get_zooms()[:3]]
    kept = [each for each in range(3) if each != axis]
    if orientation[kept[0], 0] > orientation[kept[1], 0]:
        plane, kept = plane.T, kept[::-1]
    right, up = kept
    plane = plane if orientation[right, 1] > 0 else plane[::-1]
    plane = plane if orientation[up, 1] > 0 else plane[:, ::-1]
    return int(orientation[axis, 0]), plane.T[::-1], zooms[up] / zooms[right]


def _window(planes: list[Plane], dtype: Any) -> tuple[float, float] | None:
    """Return the numbers that are shown in black and in white; None where each is a region."""
    if planes[0].dtype.names or np.iscomplexobj(planes[0]):
        raise ValueError("an image of colours or complex numbers has no shades of grey")
    joined = np.concatenate([plane.ravel() for plane in planes])
    if np.issubdtype(dtype, np.integer) and _are_regions(planes, joined):
        return None
    values = joined[np.isfinite(joined)].astype(np.float64)
    seen = values[values != 0] if (values != 0).any() else values
    low = min(0.0, float(np.percentile(seen, 1))) if seen.size else 0.0
    high = float(np.percentile(seen, 99.5)) if seen.size else 1.0
    return low, high


def _tones(plane: Plane, window: tuple[float, float] | None) -> Plane:
    """Return a plane as pixels of red, green and blue."""
    if window is None:
        return colours(plane)
    return np.repeat(greys(plane, window)[..., None], 3, axis=2)


def greys(plane: Plane, window: tuple[float, float]) -> Plane:
    """Return numbers in shades of grey, 0 to 255."""
    low, high = window
    span = (high - low) or 1.0
    shares = (np.nan_to_num(plane.astype(np.float64)) - low) / span
    return (np.clip(shares, 0, 1) * 255).astype(np.uint8)


def _are_regions(planes: list[Plane], joined: Plane) -> bool:
    """Tell whether the numbers are names of regions: few, and with equal neighbours."""
    if not 2 < np.unique(joined).size <= _MOST_REGIONS:
        return False
    inside = [(plane[:, 1:] == plane[:, :-1])[plane[:, 1:] != 0] for plane in planes]
    return float(np.concatenate(inside).mean()) > 0.7


def colours(plane: Plane) -> Plane:
    """Return regions as red, green and blue, each number in a colour of its own, 0 in black."""
    hue = (plane.astype(np.float64) * 0.61803398875) % 1.0
    light = 0.72 + 0.2 * ((plane.astype(np.int64) * 7) % 3 - 1)
    phases = np.stack([hue, (hue + 1 / 3) % 1.0, (hue + 2 / 3) % 1.0], axis=-1)
    colour = (0.55 + 0.4 * np.cos(2 * np.pi * phases)) * light[..., None] + 0.05
    shown = (np.clip(colour, 0, 1) * 255).astype(np.uint8)
    shown[plane == 0] = 0
    return shown


def _montage(tones: list[Plane], ratios: list[float], height: int) -> tuple[bytes, int, int]:
    """Return planes side by side, in one scale, as WebP, with its width and height."""
    from PIL import Image

    pairs = zip(tones, ratios, strict=True)
    sizes = [(each.shape[1], each.shape[0] * ratio) for each, ratio in pairs]
    scale = height / max(tall for _, tall in sizes)
    widest = 3 * height / (scale * sum(wide for wide, _ in sizes))
    scale *= min(1.0, widest)
    shapes = [(max(1, round(wide * scale)), max(1, round(tall * scale))) for wide, tall in sizes]
    total = sum(wide for wide, _ in shapes) + 2 * _GAP
    sheet = Image.new("RGB", (total, height))
    left = 0
    for pixels, shape in zip(tones, shapes, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        picture = picture.resize(shape, Image.Resampling.BICUBIC)
        sheet.paste(picture, (left, (height - shape[1]) // 2))
        left += shape[0] + _GAP
    target = io.BytesIO()
    sheet.save(target, "WEBP", quality=82, method=3)
    return target.getvalue(), total, height
