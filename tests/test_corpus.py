"""All of the hostile inputs end as they should."""

import subprocess
import sys

import pytest
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it forks")
CORPUS = [sys.executable, str(REPOSITORY / "scripts" / "corpus.py")]


@pytest.mark.slow(250)
def test_every_hostile_input_ends_as_it_should() -> None:
    done = subprocess.run(CORPUS, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.count("end as they should") == 2


@pytest.mark.slow
def test_it_notices() -> None:
    """A limit of memory that nothing keeps to is found to be broken."""
    words = [*CORPUS, "--only", "no archive", "--every", "9", "--memory", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MB: error: " in done.stdout
