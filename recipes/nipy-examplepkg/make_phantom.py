#!/usr/bin/env python3
"""Make the phantom of nipy-examplepkg: a head of nested ellipsoids, the same bytes every time.

Run it with nibabel installed: make_phantom.py OUTPUT.nii.gz
"""

import gzip
import sys
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (24, 28, 24)  # voxels
VOXEL_SIZE = 8.0  # millimetres
# Half axes in millimetres, and the intensity inside: skull, fluid, grey and white matter.
ELLIPSOIDS = [
    ((78.0, 98.0, 80.0), 60),
    ((72.0, 92.0, 74.0), 20),
    ((66.0, 86.0, 68.0), 120),
    ((46.0, 64.0, 46.0), 180),
]


def phantom() -> nibabel.Nifti1Image:
    """Return the image, its origin in the middle of the head, in MNI space's orientation."""
    centre = (np.array(SHAPE) - 1) / 2
    axes = np.ogrid[tuple(slice(size) for size in SHAPE)]
    x, y, z = ((axis - middle) * VOXEL_SIZE for axis, middle in zip(axes, centre, strict=True))
    data = np.zeros(SHAPE, dtype=np.uint8)
    for (a, b, c), intensity in ELLIPSOIDS:
        data[(x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 <= 1] = intensity
    affine = np.diag([VOXEL_SIZE, VOXEL_SIZE, VOXEL_SIZE, 1])
    affine[:3, 3] = -centre * VOXEL_SIZE
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = b"nipack phantom"
    image.set_sform(affine, code="mni")
    return image


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(gzip.compress(phantom().to_bytes(), 9, mtime=0))
