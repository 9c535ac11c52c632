"""BLAKE3, or sha256 in its place where its library is missing, as in Debian 12.

Both have 256 bits, and of neither is a collision known; without instructions of the processor for
sha256, BLAKE3 takes a fifteenth of its time.
"""

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

try:
    from blake3 import blake3
except ImportError:
    HAVE_BLAKE3 = False
else:
    HAVE_BLAKE3 = True

PROOF = "blake3" if HAVE_BLAKE3 else "sha256"
"""The algorithm by which what was read back is compared with what was packed."""
FINGERPRINT = "blake3" if HAVE_BLAKE3 else "blake2b"
"""The fastest that tells a file from any other."""


class Hash(Protocol):
    """What hashlib's objects do that is asked for here."""

    def update(self, data: "Buffer", /) -> object:
        """Take some more bytes."""

    def digest(self) -> bytes:
        """Return the digest of all that was taken."""
        ...

    def hexdigest(self) -> str:
        """Return the digest in hexadecimal."""
        ...


def new_hash(algorithm: str) -> Hash:
    """Return what computes a digest; raises ValueError for an algorithm that is not known."""
    if algorithm == "blake3" and HAVE_BLAKE3:
        made: Hash = blake3()
        return made
    # usedforsecurity: md5 is what md5sums wants, on machines in FIPS mode too.
    return hashlib.new(algorithm, usedforsecurity=False)
