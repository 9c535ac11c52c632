"""The pages for distributions' maintainers do what they say."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, assert_in_order, run

PAGES = REPOSITORY / "docs" / "maintainers"

# How many commands each page has, and what the last of them prints.
COMMANDS = {
    "README": (2, ["nipy-examplepkg.spec"]),
    "conda-forge": (11, ['version: "0.2"']),
    "debian": (11, ["work/nipy-examplepkg_0.2-1_source.changes"]),
    "fedora": (8, ["- 0.2-1", "- Update to 0.2", "- 0.1-1"]),
    "arch": (6, ["pkgver = 0.2-1", "backup = etc/nipy/nipy_examplepkg.ini"]),
}


def blocks(page: str, language: str) -> list[str]:
    text = (PAGES / f"{page}.md").read_text("utf-8")
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", text)


@pytest.mark.slow(0.1)
def test_every_page_is_tried() -> None:
    assert set(COMMANDS) == {path.stem for path in PAGES.iterdir()}


@pytest.mark.slow
@pytest.mark.tools("dpkg-buildpackage", "dh", "lintian", "rpmbuild", "rpm2archive", "rpmlint")
@pytest.mark.tools("makepkg", "bsdtar", "zstd")
@pytest.mark.parametrize("page", COMMANDS)
def test_every_command_works(page: str, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "recipes", tmp_path / "recipes")
    commands = [line[2:] for text in blocks(page, "console") for line in text.splitlines()]
    count, last = COMMANDS[page]
    assert len(commands) == count
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = [
        run("sh", "-ec", command, cwd=tmp_path, env=os.environ | {"PATH": path})
        for command in commands
    ]
    assert_in_order(said[-1], *last)
    if page == "debian":
        assert_in_order("".join(said), "nipy-examplepkg (0.2-1)", "nipy-examplepkg (0.1-1)")


@pytest.mark.slow(0.1)
def test_the_gates_are_those_of_the_tests() -> None:
    tests = "".join(
        (REPOSITORY / "tests" / "acceptance" / name).read_text("utf-8")
        for name in ("test_recipe_debian.py", "test_watch.py", "conftest.py")
    )
    [gates] = blocks("debian", "sh")
    assert len(gates.splitlines()) == 6
    for line in gates.splitlines():
        program, *words = line.split()
        assert f'"{program}"' in tests
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        assert [option for option in options if option not in tests] == [], line
