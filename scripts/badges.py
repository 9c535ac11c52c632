"""The badges of README.md, drawn from what the project's own files say: docs/_static/badges/*.svg.

Nothing in them is claimed that a file here does not hold to: scripts/generate draws them again.
"""

import re
import sys
from html import escape
from pathlib import Path
from typing import Any

import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOP = Path(__file__).resolve().parent.parent
BADGES = TOP / "docs" / "_static" / "badges"
_CHARACTER, _MARGIN, _HEIGHT = 7, 16, 20  # pixels


def facts() -> dict[str, tuple[str, str]]:
    """Return the two halves of each badge by its name."""
    metadata = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    project, tool = metadata["project"], metadata["tool"]
    tests = _workflow("tests")
    versions = sorted(
        tests["quick"]["strategy"]["matrix"]["python"], key=lambda each: int(each.split(".")[1])
    )
    [lowest] = re.findall(r"^>=([0-9.]+)$", project["requires-python"])
    if versions[0] != lowest:
        sys.exit(f"badges: the tests begin with Python {versions[0]}, and {lowest} is promised")
    steps = [step.get("run") for step in tests["coverage"]["steps"]]
    if "scripts/test --quick --coverage" not in steps:
        sys.exit("badges: no workflow holds the coverage")
    found = {
        "python": ("python", f"{versions[0]} to {versions[-1]}"),
        "coverage": ("coverage", f"over {tool['coverage']['report']['fail_under']} %"),
        "licence": ("licence", project["license"]),
    }
    if tool["mypy"]["strict"]:
        found["types"] = ("types", "mypy, strict")
    return found


def _workflow(name: str) -> dict[str, Any]:
    text = (TOP / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")
    jobs: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return jobs


def badge(label: str, value: str) -> str:
    """Return a badge as SVG, which needs nothing from elsewhere."""
    left, right = (len(each) * _CHARACTER + _MARGIN for each in (label, value))
    width = left + right
    words = "".join(
        f"<text x='{x}' y='14' text-anchor='middle'>{escape(each)}</text>"
        for x, each in ((left / 2, label), (left + right / 2, value))
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{_HEIGHT}' role='img' "
        f"aria-label='{escape(label)}: {escape(value)}' font-size='12' "
        "font-family='system-ui, sans-serif' fill='#fff'>\n"
        f"<rect width='{width}' height='{_HEIGHT}' rx='3' fill='#115e59'/>\n"
        f"<path d='M3 0h{left - 3}v{_HEIGHT}H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z' fill='#374151'/>\n"
        f"{words}\n</svg>\n"
    )


def made() -> dict[Path, str]:
    """Return each badge by its file."""
    return {BADGES / f"{name}.svg": badge(label, value) for name, (label, value) in facts().items()}
