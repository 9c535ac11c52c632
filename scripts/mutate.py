"""Break a line of nipack at a time, and see whether the quick tests of it fail.

Some mutants of an area are taken by a seed, the same ones each time; what a mutant is stands in
mutants.py, and how its tests are run in trials.py.  With --fresh, none is taken that was recorded
before.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutants
from mutants import Mutant
from trials import Map, Trials

RECORD = Path(__file__).resolve().parent / "mutated.json"


@dataclass(frozen=True, slots=True)
class Area:
    """Modules, below src/nipack, and the tests that are to hold what they do."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


_SHARED = (
    *("tests/cli/test_verify.py", "tests/cli/test_build.py", "tests/publish/test_verification.py"),
    *("tests/publish/artifacts", "tests/publish/client"),
)
AREAS = {
    "look-up": Area(
        modules=("lookup/*.py",),
        tests=("tests/lookup", "tests/test_data.py", "tests/inventory", "tests/advice"),
    ),
    "unpacking": Area(
        modules=(
            *("builder/source/unpack.py", "builder/source/folders.py", "builder/source/tree.py"),
            *("builder/source/several.py", "builder/source/together.py"),
            *(f"builder/archive/{name}.py" for name in ("members", "streams", "zipped", "whole")),
            *(f"builder/archive/{name}.py" for name in ("compression", "growing", "zips")),
        ),
        tests=(
            *("tests/builder/archive", "tests/builder/source", "tests/builder/flows"),
            "tests/builder/check",
            *("tests/builder/test_reading.py", "tests/builder/test_hostile_texts.py"),
        ),
    ),
    "manifest": Area(
        modules=(
            *("builder/manifest.py", "inventory/payload.py", "layout.py"),
            "publish/artifacts/contents.py",
        ),
        tests=(
            *("tests/builder/test_manifest.py", "tests/test_layout.py", "tests/inventory"),
            *("tests/builder/test_parts.py", "tests/builder/formats", *_SHARED),
        ),
    ),
    "verification": Area(
        modules=(
            *("inventory/verification.py", "publish/verification.py", "builder/flows/build.py"),
            *("inventory/copies.py", "publish/artifacts/damage.py"),
        ),
        tests=(
            *(
                "tests/inventory",
                "tests/builder/flows",
                "tests/builder/test_parts.py",
            ),
            *_SHARED,
        ),
    ),
    "escaping": Area(
        modules=("builder/escaping.py", "builder/rendering.py", "cli/visible.py"),
        tests=(
            *("tests/builder/test_rendering.py", "tests/builder/test_escaping.py"),
            *("tests/cli/test_visible.py", "tests/builder/recipes"),
        ),
    ),
    "publish": Area(
        modules=(
            *("publish/*.py", "publish/artifacts/*.py", "publish/ecosystems/*.py"),
            *("publish/client/*.py", "publish/stores/*.py"),
        ),
        tests=("tests/publish",),
    ),
}


def every(area: Area) -> dict[str, Mutant]:
    """Return all mutants of an area by their names, one of each name."""
    paths = sorted(
        {path for glob in area.modules for path in (mutants.SOURCE / "nipack").glob(glob)}
    )
    return {mutant.name: mutant for path in paths for mutant in mutants.mutants(path)}


def sample(area: Area, seed: int, count: int, tried: set[str]) -> list[Mutant]:
    """Return some mutants of an area, but those with the digests of what was tried.

    A change to the source changes which these are no more than it must.
    """

    def place(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()

    fresh = [mutant for mutant in every(area).values() if mutant.digest not in tried]
    return sorted(fresh, key=place)[:count]


def main() -> int:
    """Try mutants; return 1 if any survives that is not known to do the same as the original."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40, help="mutants of each area (default 40)")
    parser.add_argument("--fresh", action="store_true", help="none that another seed has tried")
    parser.add_argument("--again", action="store_true", help="only what survived the last time")
    parser.add_argument("--record", action="store_true", help=f"note it in {RECORD.name}")
    options = parser.parse_args()
    if unknown := set(options.areas) - set(AREAS):
        parser.error(f"{', '.join(sorted(unknown))}: is not an area; use {', '.join(AREAS)}")
    survived = 0
    with tempfile.TemporaryDirectory(prefix="mutants") as folder:
        trials = Trials(Path(folder))
        areas = options.areas or [*AREAS]
        known = trials.map(
            tuple(dict.fromkeys(each for name in areas for each in AREAS[name].tests))
        )
        for name in areas:
            survived += _tried(name, trials, known, options)
    return 1 if survived else 0


def _tried(name: str, trials: Trials, known_tests: Map, options: argparse.Namespace) -> int:
    """Try the mutants of an area; return how many survived and should not have."""
    area, seeds = AREAS[name], _recorded().get(name, {})
    known = seeds.get(str(options.seed), {})
    chosen, lost = _chosen(area, seeds, options)
    survivors = [*lost]
    equivalent = known.get("equivalent", {})
    for number, (mutant, why) in enumerate(trials.run(chosen, known_tests), 1):
        print(f"{name} {number}/{len(chosen)}: {mutant.name}: {why or 'SURVIVED'}", flush=True)
        if not why:
            survivors.append(mutant.name)
    real = [each for each in survivors if each not in equivalent]
    print(f"{name}: {len(real)} survived of {len(chosen)}, {len(equivalent)} known as equivalent")
    if options.record:
        tried = {} if options.again else {"which": " ".join(each.digest for each in chosen)}
        first = known if "tried" in known else {"tried": len(chosen), "survived_at_first": real}
        noted = {**first, **known, **tried, "survived": real, "equivalent": equivalent}
        record = _recorded()  # again: another run may have noted something meanwhile
        record.setdefault(name, {})[str(options.seed)] = noted
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return len(real)


def _recorded() -> dict[str, Any]:
    return json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}


def _chosen(
    area: Area, seeds: dict[str, Any], options: argparse.Namespace
) -> tuple[list[Mutant], list[str]]:
    """Return the mutants to try, and the names of those that are not there any more."""
    if options.again:
        there = every(area)
        names = seeds.get(str(options.seed), {}).get("survived", ())
        chosen = [there[each] for each in names if each in there]
        # What is written otherwise now cannot be tried, and is not called noticed.
        return chosen, [each for each in names if each not in there]
    others = [noted for seed, noted in seeds.items() if seed != str(options.seed)]
    tried = {each for noted in others for each in noted.get("which", "").split()}
    return sample(area, options.seed, options.count, tried if options.fresh else set()), []


if __name__ == "__main__":
    sys.exit(main())
