"""The rows of docs/reliability.md that have the figures of scripts/fuzz and of scripts/mutate."""

import json
import re
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"(?m)^\| damaged inputs to [0-9]+ readers.*$")
_MUTANTS = re.compile(r"(?m)^\| a line of the source that was broken.*$")


def row() -> str:
    """Return what was tried, of what `scripts/fuzz --record` has noted."""
    known = _noted("fuzzed.json")
    tried = sum(sum(seeds.values()) for seeds in known.values())
    least = min(sum(seeds.values()) for seeds in known.values())
    return (
        f"| damaged inputs to {len(known)} readers, {least:,} or more to each, each read in 10 s | "
        f"`scripts/fuzz all --executions N --record` | {tried:,} | {tried:,} |"
    )


def mutants() -> str:
    """Return how many mutants the tests notice, of what `scripts/mutate --record` has noted.

    One that is known to do the same as the original is not counted.
    """
    areas, tried, noticed, first = [], 0, 0, 0
    for name, seeds in _noted("mutated.json").items():
        of_area = sum(each["tried"] - len(each["equivalent"]) for each in seeds.values())
        left = sum(len(each["survived"]) for each in seeds.values())
        areas.append(f"{name} {of_area - left} of {of_area}")
        tried, noticed = tried + of_area, noticed + of_area - left
        first += of_area - sum(each["survived_at_first"] for each in seeds.values())
    return (
        f"| a line of the source that was broken, noticed by the quick tests: {', '.join(areas)}; "
        f"{first} before tests were written for the others | `scripts/mutate --record` | "
        f"{tried:,} | {noticed:,} |"
    )


def _noted(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TOP / "scripts" / name).read_text("utf-8"))
    return found


def made() -> dict[Path, str]:
    """Return the page."""
    page = TOP / "docs" / "reliability.md"
    text = _ROW.sub(lambda match: row(), page.read_text("utf-8"))
    return {page: _MUTANTS.sub(lambda match: mutants(), text)}
