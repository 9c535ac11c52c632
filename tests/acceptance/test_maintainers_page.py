"""The page for distributions' maintainers does what it says."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, run

PAGE = (REPOSITORY / "docs" / "maintainers.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", PAGE)


@pytest.mark.slow
@pytest.mark.tools("dpkg-buildpackage", "dh", "lintian", "rpmbuild", "rpm2archive", "rpmlint")
def test_every_command_works(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "recipes", tmp_path / "recipes")
    commands = [line[2:] for text in blocks("console") for line in text.splitlines()]
    assert len(commands) == 9
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        run("sh", "-ec", command, cwd=tmp_path, env=os.environ | {"PATH": path})


def test_the_gates_are_those_of_the_tests() -> None:
    tests = "".join(
        (REPOSITORY / "tests" / "acceptance" / name).read_text("utf-8")
        for name in ("test_recipe_debian.py", "conftest.py")
    )
    [gates] = blocks("sh")
    for line in gates.splitlines():
        program, *words = line.split()
        assert f'"{program}"' in tests
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        assert [option for option in options if option not in tests] == [], line
