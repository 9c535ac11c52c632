"""The drawings of who imports whom are those of the imports as they are."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY


def test_the_drawings_are_current(tmp_path: Path) -> None:
    script = REPOSITORY / "scripts" / "architecture.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    for made in sorted(tmp_path.iterdir()):
        kept = REPOSITORY / "docs" / "_static" / made.name
        assert made.read_text("utf-8") == kept.read_text("utf-8"), f"write it: {script.name}"
    assert len(list(tmp_path.iterdir())) == 2
