"""Which library compresses gzip; tests/builder/archive shows what both of them write."""

import subprocess
import sys
import zlib

import pytest

from nipack.system import fast_gzip
from nipack.system.fast_gzip import HAVE_ISAL, crc32_combined

PROGRAM = """
import sys
import zlib
if sys.argv[1] == "none":
    sys.modules["isal"] = None
else:
    import isal
    isal.__version__ = sys.argv[1]
from nipack.system.fast_gzip import HAVE_ISAL
print(HAVE_ISAL)
"""


@pytest.mark.parametrize(
    ("version", "used"), [("none", False), ("1.8.0", False), ("1.9.0", True), ("2.0.1.dev1", True)]
)
def test_a_library_that_waits_for_ever_on_a_full_disk_is_not_used(version: str, used: bool) -> None:
    said = subprocess.check_output([sys.executable, "-c", PROGRAM, version], text=True)
    assert said == f"{used}\n"


@pytest.mark.parametrize("have_isal", [HAVE_ISAL, False])
@pytest.mark.parametrize("size", [0, 1, 7, 1000, 100_003])
def test_check_sums_of_two_pieces_make_that_of_both(
    size: int, have_isal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_gzip, "HAVE_ISAL", have_isal)
    first, second = b"some bytes", bytes(range(251)) * (size // 251) + bytes(size % 251)
    pieces = zlib.crc32(first), zlib.crc32(second)
    assert crc32_combined(*pieces, len(second)) == zlib.crc32(first + second)
    assert crc32_combined(pieces[1], pieces[0], len(first)) == zlib.crc32(second + first)
