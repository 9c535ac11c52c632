"""A small copy of a volume, for a viewer in a page: at most 128 voxels along an axis, a byte each.

A page from a disk may not fetch a file, but it may run one: so the copy is a script with the bytes
of a NIfTI file in base64.
"""

import base64
import gzip
import importlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nipack.publish.catalogue.scripts import volume_script
from nipack.publish.catalogue.slices import Plane, colours, greys, layers_of
from nipack.system.opening import opened

MOST_BYTES = 1_500_000
"""A script is no larger than this."""
# Voxels along an axis; the next is taken where the file would be too large.
_LONGEST = (128, 96, 64, 40)
_MOST_REGIONS = 255
# A viewer has nothing to show of a volume that is thinner or larger than this, in mm.
_SMALLEST, _LARGEST = 1e-3, 1e4

Window = tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallVolume:
    """A NIfTI file, packed, of whole numbers of one byte.

    `regions` are the regions that its numbers 1, 2, ... stand for; empty for an image of
    intensities, which its scaling gives back, nearly.  Where an image has more regions than a byte
    has numbers, several share one, and it is not `exact`.
    """

    content: bytes
    regions: tuple[int, ...] = ()
    exact: bool = True

    def script(self, key: str) -> bytes:
        """Return the program that hands the volume to a page, under a key."""
        tints = colours(np.array(self.regions, np.int64)).tolist() if self.regions else []
        volume = {
            "content": base64.b64encode(self.content).decode(),
            "regions": list(self.regions) if self.exact else [],
            "colours": tints,
        }
        return volume_script(key, volume)


def small_volume(path: Path, window: Window) -> SmallVolume:
    """Return a small copy of an image's first volume; a window of None says that it has regions.

    Raises ValueError where an image is not of use in a viewer, or whatever nibabel does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image: Any = opened(path)
        _examine(image)
        for longest in _LONGEST:
            found = _copied(image, window, longest)
            if len(found.content) * 4 / 3 < MOST_BYTES * 0.95:
                return found
    raise ValueError("even a small copy is too large for a page")


def _examine(image: Any) -> None:
    affine = np.asarray(image.affine, np.float64)
    if not np.isfinite(affine).all() or abs(affine).max() > 1e6:
        raise ValueError("its affine leads nowhere")
    zooms = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    sizes = zooms * image.shape[:3]
    if zooms.min() < _SMALLEST or sizes.max() > _LARGEST:
        raise ValueError("its voxels are too small or too large to be looked at")
    if abs(np.linalg.det(affine[:3, :3] / zooms)) < 1e-3:
        raise ValueError("its axes lie in one plane")


def _copied(image: Any, window: Window, longest: int) -> SmallVolume:
    """Return the copy with at most so many voxels along an axis."""
    steps = [math.ceil(count / longest) for count in image.shape[:3]]
    if window is not None:
        data = _averaged(image, steps, window)
        return SmallVolume(content=_nifti(image, data, steps, [(n - 1) / 2 for n in steps], window))
    data, regions = _numbered(_picked(image, steps))
    # A region is taken from one voxel, and that of the copy is where this voxel is.
    content = _nifti(image, data, steps, [(n - 1) // 2 for n in steps], window)
    kept = tuple(regions[:_MOST_REGIONS])
    return SmallVolume(content=content, regions=kept, exact=len(kept) == len(regions))


def _picked(image: Any, steps: Sequence[int]) -> Plane:
    """Return every so many voxels one, as it is stored."""
    first = [(step - 1) // 2 for step in steps]
    planes = [
        plane[first[0] :: steps[0], first[1] :: steps[1]].copy()
        for number, plane in enumerate(layers_of(image))
        if number % steps[2] == first[2]
    ]
    return np.stack(planes, axis=-1)


def _numbered(data: Plane) -> tuple[Plane, list[int]]:
    """Return regions numbered from 1 to 255 and again, 0 being what is none, and their numbers."""
    found = np.unique(data)
    regions = found[found != 0]
    ranks = np.searchsorted(regions, data) % _MOST_REGIONS + 1
    ranks[data == 0] = 0
    return ranks.astype(np.uint8), regions.tolist()


def _averaged(image: Any, steps: Sequence[int], window: tuple[float, float]) -> Plane:
    """Return the mean of each block of voxels, in shades of grey."""
    columns, rows, _ = image.shape[:3]
    across, along = (np.arange(0, n, step) for n, step in zip((columns, rows), steps, strict=False))
    area = np.outer(np.diff([*across, columns]), np.diff([*along, rows]))
    found: list[Plane] = []
    block, depth = np.zeros(area.shape), 0
    for plane in layers_of(image):
        # As in the slices, what is no number is black.
        values = np.nan_to_num(plane.astype(np.float64))
        block += np.add.reduceat(np.add.reduceat(values, across, axis=0), along, axis=1)
        depth += 1
        if depth == steps[2]:
            found.append(greys(block / (area * depth), window))
            block, depth = np.zeros(area.shape), 0
    if depth:
        found.append(greys(block / (area * depth), window))
    return np.stack(found, axis=-1)


def _nifti(
    image: Any, data: Plane, steps: Sequence[int], offsets: Sequence[float], window: Window
) -> bytes:
    """Return a packed NIfTI file whose voxels are, in mm, where those of the image are."""
    nibabel: Any = importlib.import_module("nibabel")
    scaling = np.diag([*map(float, steps), 1.0])
    scaling[:3, 3] = offsets
    copy = nibabel.Nifti1Image(data, image.affine @ scaling)
    copy.set_sform(copy.affine, code=1)
    copy.header.set_xyzt_units("mm")
    if window is None:
        copy.header.set_intent("label")
    content = bytearray(copy.to_bytes())
    if window is not None:
        low, high = window
        slope, inter = (
            float(getattr(image.dataobj, name, other))
            for name, other in (("slope", 1), ("inter", 0))
        )
        scale = np.array([((high - low) or 1.0) / 255 * slope, low * slope + inter], "<f4")
        if not np.isfinite(scale).all() or scale[0] == 0:
            raise ValueError("its numbers are too large or too small to be looked at")
        # nibabel would choose another scaling: scl_slope and scl_inter of NIfTI-1.
        content[112:120] = scale.tobytes()
        # What a viewer shows in white and in black, cal_max and cal_min.
        content[124:132] = np.array([scale[0] * 255 + scale[1], scale[1]], "<f4").tobytes()
    return gzip.compress(bytes(content), 9, mtime=0)
