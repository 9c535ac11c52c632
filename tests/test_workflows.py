"""What runs at GitHub is what a person runs, with no more rights than it needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
# What makes the machine ready, and what only a release's own job can do.
OTHERS = ("apt-get update", "git config", "python -m pip install uv", "uv publish")

RIGHTS = {
    "release": {"publish": {"id-token": "write"}},
    "pages": {"publish": {"id-token": "write", "pages": "write"}},
}


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_step_is_one_of_our_scripts_or_pinned_by_digest(path: Path) -> None:
    for job in jobs(path).values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"])
            elif not step["run"].startswith(OTHERS):
                script = REPOSITORY / step["run"].split()[0]
                usage = script.read_text("utf-8")
                assert all(f"{word} " in usage for word in step["run"].split()[1:])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_job_may_write_but_the_one_that_publishes(path: Path) -> None:
    assert yaml.safe_load(path.read_text("utf-8"))["permissions"] == {"contents": "read"}
    rights = {name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job}
    assert rights == RIGHTS.get(path.stem, {})


def test_the_lowest_versions_are_tried() -> None:
    steps = jobs(REPOSITORY / ".github" / "workflows" / "tests.yml")["lowest"]["steps"]
    assert steps[-1]["run"] == "scripts/test --quick --lowest"


def test_every_python_and_system_has_its_turn() -> None:
    matrix = jobs(REPOSITORY / ".github" / "workflows" / "tests.yml")["quick"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13", "3.14"]


def test_the_site_is_checked_for_every_change_and_published_from_main() -> None:
    workflows = REPOSITORY / ".github" / "workflows"
    checked = jobs(workflows / "tests.yml")["documents"]["steps"]
    assert {"run": "scripts/docs"} in checked
    published = jobs(workflows / "pages.yml")
    assert {"run": "scripts/docs"} in published["build"]["steps"]
    assert published["build"]["steps"][-1]["with"]["path"] == "docs/_build"
    assert published["publish"]["needs"] == "build"
    assert "site_links.py" in (REPOSITORY / "scripts" / "docs").read_text("utf-8")
