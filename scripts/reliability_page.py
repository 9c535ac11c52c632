"""What docs/reliability.md has of the figures of scripts/fuzz, mutate and privacy-rates."""

import json
import re
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
_PEOPLE = re.compile(r"(?s)(?<=<!-- of scripts/privacy-rates -->\n).*(?=<!-- until here -->)")
_ROW = re.compile(r"(?m)^\| damaged inputs to [0-9]+ readers.*$")
_MUTANTS = re.compile(r"(?m)^\| a line of the source that was broken.*(?:\n\| of these, .*)?$")


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

    In a second row is what they noticed at first try.  One that is known to do the same as the
    original is not counted.
    """
    noted = _noted("mutated.json")
    areas, tried, noticed = [], 0, 0
    rounds: dict[str, list[int]] = {}
    for name, seeds in noted.items():
        of_area = sum(map(_counted, seeds.values()))
        left = sum(len(each["survived"]) for each in seeds.values())
        areas.append(f"{name} {of_area - left} of {of_area}")
        tried, noticed = tried + of_area, noticed + of_area - left
        for seed, each in seeds.items():
            of_round = rounds.setdefault(seed, [0, 0])
            of_round[1] += _counted(each)
            of_round[0] += _counted(each) - _survived_at_first(each)
    first = "; ".join(f"round {seed}: {n} of {m}" for seed, (n, m) in sorted(rounds.items()))
    return (
        f"| a line of the source that was broken, noticed by the quick tests: {', '.join(areas)} "
        f"(before tests were written for the others, {first}) | `scripts/mutate --record` | "
        f"{tried:,} | {noticed:,} |\n{_last_rounds(noted)}"
    )


def _last_rounds(noted: dict[str, Any]) -> str:
    """Return what was noticed at first try of the lines of each area's last round."""
    last = {name: seeds[max(seeds, key=int)] for name, seeds in noted.items()}
    found = {name: _counted(each) - _survived_at_first(each) for name, each in last.items()}
    areas = ", ".join(f"{name} {found[name]} of {_counted(each)}" for name, each in last.items())
    return (
        "| of these, lines that nobody had broken before, noticed by the tests as they were, in "
        f"the last round of each area: {areas} | `scripts/mutate --fresh --record` | "
        f"{sum(map(_counted, last.values())):,} | {sum(found.values()):,} |"
    )


def _counted(noted: dict[str, Any]) -> int:
    """Return how many mutants a round had that do something else than the original."""
    return int(noted["tried"]) - len(noted["equivalent"])


def _survived_at_first(noted: dict[str, Any]) -> int:
    """Return how many survived before tests were written, without what does the same anyhow.

    Of the first round it is a number alone.
    """
    first = noted["survived_at_first"]
    return first if isinstance(first, int) else len(set(first) - noted["equivalent"].keys())


def _noted(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TOP / "scripts" / name).read_text("utf-8"))
    return found


def people() -> str:
    """Return how often the checks of privacy were wrong, as `scripts/privacy-rates` has noted."""
    known = _noted("privacy_rates.json")
    versions = known["versions"]
    alarms = [
        f"| {f'{name} {versions[name]}' if name in versions else name} | {n['files']:,} | "
        f"{n['right']:,} | "
        f"{n['false']:,} ({_percent(n['false'], n['files'])} of the files) |"
        for name, n in known["alarms"].items()
    ]
    traits = [
        f"| {name} | {n['tried']:,} | {n['missed']:,} ({_percent(n['missed'], n['tried'])}) |"
        for name, n in known["traits"].items()
    ]
    worst = sorted(known["places"].items(), key=lambda row: -row[1]["missed"] / row[1]["tried"])
    words = [f"{name} ({_percent(n['missed'], n['tried'])})" for name, n in worst[:3]]
    return (
        "| installed by | files | alarms that are right | false alarms |\n|---|---|---|---|\n"
        + "\n".join(alarms)
        + "\n\n| made up | tried | missed |\n|---|---|---|\n"
        + "\n".join(traits)
        + f"\n\nIt was tried in {len(worst)} places. Without the last row, most was missed in "
        + f"{', '.join(words)}.\n"
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def made() -> dict[Path, str]:
    """Return the page."""
    page = TOP / "docs" / "reliability.md"
    text = _ROW.sub(lambda match: row(), page.read_text("utf-8"))
    text = _MUTANTS.sub(lambda match: mutants(), text)
    return {page: _PEOPLE.sub(lambda match: people(), text)}
