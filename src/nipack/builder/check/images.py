"""What nibabel says of the images of a payload; without nibabel, nothing."""

import gzip
import importlib
import logging
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nipack.builder.rules import problem_at
from nipack.system.errors import Problem
from nipack.system.gifti import NotReadError, read_gifti
from nipack.system.images import can_read_images

log = logging.getLogger(__name__)

_MOST_BEFORE_DATA = 16 << 20  # bytes, of a header and its extensions, which nibabel reads whole
_NIFTI2_SIZE = 540
_COMPRESSED = (".gz", ".bz2", ".zst")


def image_problems(path: Path, where: str, size: int) -> Iterator[Problem]:
    """Yield why nibabel cannot read an image.

    `size` is in bytes, of what is inside where the file is compressed.
    """
    if not can_read_images():
        return
    try:
        reason = _too_much_before_data(path)
        reason = reason or _cut_short(_open(path), path, size)
    except (ImportError, NotReadError) as error:
        log.info("%s: not opened: %s", where, error)  # nibabel may want a further library for it
        return
    except Exception as error:  # What nibabel raises for a strange file is not one family.
        lines = str(error).splitlines() or [type(error).__name__]
        reason = f"nibabel cannot open it: {lines[0]}"
    if reason:
        yield problem_at("image-unreadable", where, reason, "write it again from the original")


def _too_much_before_data(path: Path) -> str:
    """Return why a NIfTI file's extensions cannot be read: they are, whole, where it is opened."""
    name = path.name.lower()
    if not name.endswith((".nii", ".nii.gz")):
        return ""
    with gzip.open(path) if name.endswith(".gz") else path.open("rb") as stream:
        start = stream.read(_NIFTI2_SIZE)
    for order in "<>":
        size = struct.unpack_from(f"{order}i", start.ljust(4, b"\0"))[0]
        place = {348: ("f", 108), _NIFTI2_SIZE: ("q", 168)}.get(size)
        if place is None or len(start) < size:
            continue
        (offset,) = struct.unpack_from(f"{order}{place[0]}", start, place[1])
        # Not the other way round: an offset may be NaN.
        if not offset <= _MOST_BEFORE_DATA:
            return f"its header declares {offset:,.0f} bytes before the data, of extensions"
    return ""


def _open(path: Path) -> Any:
    nibabel: Any = importlib.import_module("nibabel")
    if path.suffix.lower() in (".trk", ".tck"):
        return nibabel.streamlines.load(path, lazy_load=True)
    if path.suffix.lower() == ".gii":
        return read_gifti(path)
    try:
        return nibabel.load(path)
    except AttributeError as error:
        # nibabel's word for an optional library that is not there.
        if type(error).__name__ == "TripWireError":
            raise ImportError(str(error)) from error
        raise


def _cut_short(image: Any, path: Path, size: int) -> str:
    """Return by how much an image's file is too small for the data that its header declares."""
    from nibabel.arrayproxy import ArrayProxy

    proxy = getattr(image, "dataobj", None)
    data = getattr(image, "file_map", {}).get("image")
    if type(proxy) is not ArrayProxy or data is None or data.filename is None:
        return ""
    if Path(data.filename) != path:
        if data.filename.endswith(_COMPRESSED):
            return ""  # The check of that file itself looks at its end.
        size = Path(data.filename).stat().st_size
    needed = proxy.offset + math.prod(proxy.shape) * proxy.dtype.itemsize
    if size >= needed:
        return ""
    return f"its header declares {needed:,} bytes, but it has {size:,}"
