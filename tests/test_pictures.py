"""The pictures of terminals show what the commands print."""

import subprocess
import sys

import pytest
from tests.conftest import REPOSITORY


@pytest.mark.slow(40)
def test_the_pictures_are_current() -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "pictures.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_is_in_the_gallery() -> None:
    page = (REPOSITORY / "docs" / "gallery.md").read_text("utf-8")
    pictures = [path.name for path in (REPOSITORY / "docs/_static/terminals").glob("*.svg")]
    assert len(pictures) >= 6
    assert all(f"_static/terminals/{name})" in page for name in pictures)
