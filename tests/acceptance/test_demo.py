"""What docs/demo.md shows of scripts/demo is what it prints."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, run

pytestmark = pytest.mark.slow(60)
SOURCE = REPOSITORY / "recipes" / "nipy-examplepkg"
APT = """\
$ mmdebstrap --quiet --variant=apt trixie system
$ cp lab/apt/lab.sources system/etc/apt/sources.list.d
$ chroot system apt-get --quiet=2 update
$ chroot system apt-get --quiet=2 --yes install nipy-examplepkg
"""


def printed(path: str = os.environ["PATH"]) -> str:
    """Return what the demonstration prints, with paths from its folder on, and one port and key."""
    said = run(sys.executable, REPOSITORY / "scripts" / "demo.py", SOURCE, env={"PATH": path})
    for place in (REPOSITORY / ".demo", REPOSITORY):
        said = said.replace(f"{place}/", "")
    return alike(said)


def alike(text: str) -> str:
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text)
    text = re.sub(r"\b[0-9A-F]{40}\b", "FINGERPRINT", text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE).strip()


@pytest.mark.tools("dpkg-deb")
def test_the_transcript_in_the_documentation_is_real(tmp_path: Path) -> None:
    """It is what a user sees who is not root: there is no mmdebstrap then."""
    page = (REPOSITORY / "docs" / "demo.md").read_text("utf-8")
    shown = re.search(r"^\$ scripts/demo\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    for program in ("dpkg-deb", "tar"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    assert printed(str(tmp_path)) == alike(shown[1])
    assert (REPOSITORY / ".demo" / "lab" / "index.html").is_file()


@pytest.mark.root
@pytest.mark.tools("mmdebstrap")
def test_apt_installs_by_name_in_a_system_of_its_own() -> None:
    said = printed()
    _, found, last = said.partition(APT)
    assert found, said
    assert "nibabel finds version 0.1 in system/usr/share/nipy/nipy/examplepkg" in last
    assert "The same data was found each time." in last
