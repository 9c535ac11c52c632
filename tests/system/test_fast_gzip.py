"""Which library compresses gzip; tests/builder/archive shows what both of them write."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
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
