"""The row of docs/reliability.md that has the figures of scripts/fuzz."""

import json
import re
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"(?m)^\| damaged inputs to [0-9]+ readers.*$")


def row() -> str:
    """Return what was tried, of what `scripts/fuzz --record` has noted."""
    known = json.loads((TOP / "scripts" / "fuzzed.json").read_text("utf-8"))
    tried = sum(sum(seeds.values()) for seeds in known.values())
    least = min(sum(seeds.values()) for seeds in known.values())
    return (
        f"| damaged inputs to {len(known)} readers, {least:,} or more to each, each read in 10 s | "
        f"`scripts/fuzz all --executions N --record` | {tried:,} | {tried:,} |"
    )


def made() -> dict[Path, str]:
    """Return the page."""
    page = TOP / "docs" / "reliability.md"
    return {page: _ROW.sub(row(), page.read_text("utf-8"))}
