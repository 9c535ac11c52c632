"""Images of the commonest kind, of which nothing else than their header has to be known.

To load nibabel and numpy takes as long as the rest of a small build, and for these images it says
nothing: a test compares what both of them say.  Source: nifti1.h of the NIfTI-1 standard.
"""

import math
import struct

from nipack.system import fast_gzip

_SIZE, _OFFSET = 348, 352  # of the header, and of the header with the mark of no extension
_DIMENSIONS, _TYPE, _PIXDIM, _FORMS = 40, 70, 76, 252
# Bits of a voxel by its type: whole numbers of 8, 16 and 32 bits, and floating ones of 32 and 64.
_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32}
_FORM_CODES = range(5)
# Of the squares of three parts of a quaternion: nibabel forgives 3.6e-7 for their rounding.
_MOST = 1 + 2e-7


def is_plain_nifti(name: str, start: bytes, size: int) -> bool:
    """Tell that a file is a NIfTI-1 image that nibabel opens, and that it has all of its voxels.

    `start` has the file's first bytes, and `size` is in bytes of what is inside it.
    """
    if name.lower().endswith(".nii.gz"):
        try:
            start = fast_gzip.decompressor().decompress(start, _OFFSET)
        except fast_gzip.GzipError:
            return False
    elif not name.lower().endswith(".nii"):
        return False
    header = start[:_OFFSET]
    if len(header) < _OFFSET or header[_SIZE - 4 :] != b"n+1\0\0\0\0\0":
        return False
    order = next((each for each in "<>" if header[:4] == struct.pack(f"{each}i", _SIZE)), None)
    return order is not None and _is_plain(header, order, size)


def _is_plain(header: bytes, order: str, size: int) -> bool:
    count, *shape = struct.unpack_from(f"{order}8h", header, _DIMENSIONS)
    kind, bits = struct.unpack_from(f"{order}2h", header, _TYPE)
    pixdim = struct.unpack_from(f"{order}8f", header, _PIXDIM)
    offset, *scaling = struct.unpack_from(f"{order}3f", header, _PIXDIM + 32)
    qform, sform, *place = struct.unpack_from(f"{order}2h18f", header, _FORMS)
    return (
        1 <= count <= 7
        and all(each >= 1 for each in shape[:count])
        and _BITS.get(kind) == bits
        and offset == _OFFSET
        and all(map(math.isfinite, (*pixdim, *scaling, *place)))
        and abs(pixdim[0]) == 1
        and all(each > 0 for each in pixdim[1:4])
        and qform in _FORM_CODES
        and sform in _FORM_CODES
        and sum(each * each for each in place[:3]) <= _MOST
        and size >= _OFFSET + math.prod(shape[:count]) * bits // 8
    )
