"""The documentation's site builds without a warning, and every page of it is linked."""

import subprocess
import sys
from pathlib import Path

import pytest
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
    front = (tmp_path / "site" / "index.html").read_text("utf-8")
    for door in ("users.html", "data-authors.html", "maintainers/README.html"):
        assert f'href="{door}"' in front


def test_the_drawings_are_those_of_the_script(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, runpy; names = runpy.run_path(sys.argv[1]);"
        "out = pathlib.Path(sys.argv[2]);"
        "[(out / f'{name}.svg').write_text(names[name.replace('-', '_')](), 'utf-8')"
        " for name in ('search-order', 'package-way')]"
    )
    script = REPOSITORY / "scripts" / "drawings.py"
    subprocess.run([sys.executable, "-c", program, script, tmp_path], check=True)
    for made in tmp_path.iterdir():
        kept = REPOSITORY / "docs" / "_static" / made.name
        assert made.read_text("utf-8") == kept.read_text("utf-8")
