"""The first screen: the picture of the catalogue, and badges."""

import re
import subprocess
import sys

import pytest
from PIL import Image
from scripts import badges
from tests.conftest import REPOSITORY


@pytest.mark.slow(30)
@pytest.mark.tools("chromium")
def test_the_catalogue_s_pictures_are_current() -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "catalogue_picture.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_screen_has_the_catalogue_for_light_and_dark() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    [dark] = re.findall(r'prefers-color-scheme: dark\)" srcset="(.*?)"', readme)
    [light] = re.findall(r'<img alt=".+?" src="(.*?)"', readme)
    sides = [Image.open(REPOSITORY / each) for each in (light, dark)]
    assert sides[0].size == sides[1].size
    tones = [sum(each.convert("L").resize((1, 1)).tobytes()) for each in sides]
    assert tones[0] > 200 > 60 > tones[1]
    assert len(readme.splitlines()) <= 110  # a page


def test_every_badge_says_what_the_project_s_files_hold_to() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    shown = re.findall(r"!\[(.*?)\]\((\S+badges/(\w+)\.svg)\)", readme)
    facts = badges.facts()
    assert {name for _, _, name in shown} == facts.keys()
    for said, path, name in shown:
        label, value = facts[name]
        assert (REPOSITORY / path).is_file()
        assert re.sub(r"[: ]+", " ", said).lower() == f"{label} {value}".lower()
