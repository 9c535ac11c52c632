"""What the README shows of scripts/demo is what it prints."""

import re
import sys

import pytest
from tests.acceptance.systems import REPOSITORY, run

pytestmark = pytest.mark.slow


@pytest.mark.tools("dpkg-deb")
def test_the_transcript_in_the_readme_is_real() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    shown = re.search(r"^\$ scripts/demo\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert shown is not None
    source = REPOSITORY / "recipes" / "nipy-examplepkg"
    said = run(sys.executable, REPOSITORY / "scripts" / "demo.py", source)
    for place in (REPOSITORY / ".demo", REPOSITORY):
        said = said.replace(f"{place}/", "")
    printed = [line.rstrip() for line in said.strip().splitlines()]
    assert printed == shown[1].strip().splitlines()
