"""Which algorithm proves what was packed, and that it is the one that it is called."""

import subprocess
import sys

import pytest

from nipack.system.fast_hash import HAVE_BLAKE3, PROOF, new_hash

PROGRAM = """
import sys
sys.modules["blake3"] = None
from nipack.system import fast_hash, hashing
digests = hashing.digest_bytes(b"", [fast_hash.PROOF])
print(fast_hash.PROOF, fast_hash.FINGERPRINT, *digests.by_algorithm)
"""
WITHOUT = """
import sys
sys.modules["blake3"] = None
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_without_its_library_sha256_stands_in() -> None:
    said = subprocess.check_output([sys.executable, "-c", PROGRAM], text=True)
    assert said == "sha256 blake2b sha256\n"


@pytest.mark.skipif(not HAVE_BLAKE3, reason="blake3 is not installed")
def test_blake3_is_what_its_paper_says() -> None:
    assert PROOF == "blake3"
    found = new_hash("blake3")
    found.update(bytes(number % 251 for number in range(2048)))
    # Of test_vectors.json beside the reference implementation.
    assert found.hexdigest() == "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"


@pytest.mark.slow(20)
@pytest.mark.skipif(not HAVE_BLAKE3, reason="that is how they are run already")
def test_what_is_proven_is_proven_without_it() -> None:
    """A byte that is wrong, and a file that changes, is seen by sha256, too."""
    tests = ("builder/flows/test_build.py", "builder/test_known_files.py", "builder/archive")
    paths = [f"tests/{each}" for each in tests]
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT, "-m", "not slow and not root", *paths],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
