"""Which files are images, and how nibabel is used, where it is installed."""

import importlib.util
import logging
import warnings
from collections.abc import Collection, Container, Iterator
from contextlib import contextmanager

_SINGLE = (".nii", ".nii.gz", ".mgh", ".mgz", ".gii", ".mnc", ".trk", ".tck")
# An image in two files is named by the second, and opened where both are there.
_PAIRS = {".hdr": (".img", ".img.gz"), ".par": (".rec",), ".head": (".brik", ".brik.gz")}


def can_read_images() -> bool:
    """Tell whether nibabel is installed, which the extra `image` brings."""
    return importlib.util.find_spec("nibabel") is not None


@contextmanager
def quiet_nibabel() -> Iterator[None]:
    """Keep what nibabel and numpy remark on odd headers away from the terminal."""
    logger = logging.getLogger("nibabel.global")
    before = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = before


def headers_of_pairs(paths: Collection[str]) -> frozenset[str]:
    """Return those of the paths that are headers of images in two files, both of them there."""
    headers = [path for path in paths if path.lower().endswith(tuple(_PAIRS))]
    lower = {path.lower() for path in paths} if headers else set()
    return frozenset(
        path
        for path in headers
        for ending, others in _PAIRS.items()
        if path.lower().endswith(ending)
        and any(f"{path.lower().removesuffix(ending)}{other}" in lower for other in others)
    )


def is_image(path: str, headers: Container[str]) -> bool:
    """Tell by its name whether a file is an image; `headers` are those of pairs."""
    return path in headers or path.lower().endswith(_SINGLE)
