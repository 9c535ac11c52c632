"""The documentation's site builds without a warning, and every page of it is linked."""

import subprocess
import sys
from pathlib import Path

import pytest
from scripts import site_links
from tests.conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [*command, "-d", tmp_path / "trees", REPOSITORY / "docs", tmp_path / "site"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(PAGES) > 10
    for page in PAGES:
        built = tmp_path / "site" / page.relative_to(REPOSITORY / "docs").with_suffix(".html")
        assert built.is_file()
    commands = (tmp_path / "site" / "reference" / "commands.html").read_text("utf-8")
    assert "nipack verify" in commands
    assert site_links.faults(tmp_path / "site") == []
    front = (tmp_path / "site" / "index.html").read_text("utf-8")
    for door in ("users.html", "data-authors.html", "maintainers/README.html"):
        assert f'href="{door}"' in front


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.html").write_text(
        "<h1 id='top'>A</h1><a href='#top'></a><a href='#no'></a><a href='below/'></a>"
        "<a href='https://example.org/x'></a><img src='no.png'><a href='../../etc'></a>"
        "<picture><source srcset='dark.png'></picture>",
        "utf-8",
    )
    (tmp_path / "below" / "index.html").write_text("<a href='../a.html#top'></a>", "utf-8")
    assert site_links.faults(tmp_path) == [
        "a.html: #no: the page has no such place",
        "a.html: ../../etc: it leaves the site",
        "a.html: dark.png: there is no such file",
        "a.html: no.png: there is no such file",
    ]
    script = REPOSITORY / "scripts" / "site_links.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, check=False)
    assert done.returncode == 1


def test_each_terminal_is_in_the_gallery() -> None:
    page = (REPOSITORY / "docs" / "gallery.md").read_text("utf-8")
    pictures = [path.name for path in (REPOSITORY / "docs/_static/terminals").glob("*.svg")]
    assert len(pictures) >= 6
    assert all(f"_static/terminals/{name})" in page for name in pictures)
