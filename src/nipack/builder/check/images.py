"""What nibabel says of the images of a payload; without nibabel, nothing."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nipack.builder.check.plain_nifti import is_plain_nifti
from nipack.builder.rules import problem_at
from nipack.system.errors import Problem
from nipack.system.gifti import NotReadError
from nipack.system.images import can_read_images
from nipack.system.opening import opened

log = logging.getLogger(__name__)

_COMPRESSED = (".gz", ".bz2", ".zst")


def image_problems(path: Path, where: str, size: int, start: bytes = b"") -> Iterator[Problem]:
    """Yield why nibabel cannot read an image.

    `size` is in bytes, of what is inside where the file is compressed.  Where the file's `start`
    shows that there is no reason, nibabel is not loaded.
    """
    if not can_read_images() or is_plain_nifti(path.name, start, size):
        return
    try:
        reason = _cut_short(opened(path), path, size)
    except (ImportError, NotReadError) as error:
        log.info("%s: not opened: %s", where, error)  # nibabel may want a further library for it
        return
    except Exception as error:  # What nibabel raises for a strange file is not one family.
        lines = str(error).splitlines() or [type(error).__name__]
        reason = f"nibabel cannot open it: {lines[0]}"
    if reason:
        yield problem_at("image-unreadable", where, reason, "write it again from the original")


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
