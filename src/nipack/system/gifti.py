"""GIFTI as nibabel reads it, from memory and within bounds."""

import gzip
import importlib
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

# A file may become as large as this when it is unpacked, and so may its arrays.
MOST_BYTES = 256_000_000
_EXTERNAL = b"ExternalFileBinary"


class NotReadError(Exception):
    """A file is left alone: it is too large, or its arrays lie in other files."""


def read_gifti(path: Path) -> Any:
    """Return the image in a GIFTI file, a `nibabel.GiftiImage`.

    No array inflates beyond its dimensions.  Raises NotReadError for what may be good and is left
    alone, ValueError, or whatever nibabel does, for what is damaged.
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise NotReadError(f"it is larger than {MOST_BYTES:,} bytes")
    if _EXTERNAL in content:
        raise NotReadError("its arrays lie in other files")
    parser = _bounded_parser()
    parser.parse(string=content)
    return parser.img


def _bounded_parser() -> Any:
    """Return nibabel's parser of GIFTI, which inflates no array beyond its dimensions."""
    fast: Any = importlib.import_module("nibabel.gifti.parse_gifti_fast")
    codes: Any = importlib.import_module("nibabel.gifti.util").gifti_encoding_codes
    numpy: Any = importlib.import_module("numpy")

    class Bounded(fast.GiftiImageParser):  # type: ignore[misc]
        room = float(MOST_BYTES)

        def flush_chardata(self) -> None:
            if self.write_to == "Data" and self._char_blocks:
                # No number has more than 16 bytes.
                size = 16 * numpy.prod(self.da.dims, dtype=numpy.float64)
                self.room -= size
                if size <= 0:
                    raise ValueError("an array is empty")
                if self.room < 0:
                    raise NotReadError(f"its arrays are larger than {MOST_BYTES:,} bytes")
                if codes.label[self.da.encoding] == "B64GZ":
                    inflate = zlib.decompressobj()
                    inflate.decompress(b64decode("".join(self._char_blocks)), int(size))
                    if inflate.unconsumed_tail:
                        raise ValueError("an array is larger than its dimensions")
            super().flush_chardata()

    return Bounded()
