#!/usr/bin/env python3
"""Count how often the checks of privacy are wrong, over real files and made-up people.

False alarms are counted over what nibabel, nilearn and nipy install, and over what other packages
beside them have, mostly JSON, of up to 64 KB as sidecars are.  Misses are counted over people who
do not exist, put into each place that the checks look at.
"""

import argparse
import fnmatch
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import nibabel
from tests.builder.check.made_up_people import TRAITS
from tests.builder.check.private_files import FREE, LABELLED, written

from nipack.builder.check.places import place_of
from nipack.builder.check.privacy import file_problems, gzip_problems
from nipack.system.errors import Problem

TOP = Path(__file__).resolve().parent.parent
RECORD = TOP / "scripts" / "privacy_rates.json"
IMAGES = ("nibabel", "nilearn", "nipy")
OTHERS = "other packages, up to 64 KB"
_START = 1 << 15
_SIDECAR = 64 << 10  # bytes

# What was looked at and is there: the file and the code.  Whether a phantom was
# examined on a date, or a somebody, no program can know.
RIGHT = (
    ("nibabel/*.PAR", "privacy-session"),  # the date of the examination
    ("nibabel/*.dcm*", "privacy-session"),  # dates and UIDs
    ("nibabel/*/[01].dcm", "privacy-person"),  # an operator, a date of birth, a number
    ("nibabel/*/siemens_dwi_*.dcm.gz", "privacy-person"),  # an operator's initials
    ("nibabel/*.mnc", "privacy-account"),  # /home/mb312, /home/bhlab
    ("nibabel/*.gii", "privacy-account"),  # three logins
    ("nilearn/datasets/data/fsaverage5/*.gii.gz", "privacy-account"),  # one login and its home
    ("nipy/testing/functional.nii.gz", "privacy-account"),  # /home/mb312, in gzip's name
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A problem of a file, and whether what it says is there."""

    corpus: str
    problem: Problem

    @property
    def right(self) -> bool:
        """Tell whether somebody has found it to be right."""
        return any(
            fnmatch.fnmatchcase(self.problem.where, pattern) and self.problem.code == code
            for pattern, code in RIGHT
        )


def problems(path: Path, where: str) -> list[Problem] | None:
    """Return what the checks say of a file; None for one that they do not look at."""
    with path.open("rb") as stream:
        start = stream.read(_START)
    packed = start.startswith(b"\x1f\x8b")
    if not packed and place_of(path.name, start) is None:
        return None
    size = path.stat().st_size
    return [*gzip_problems(start, where), *file_problems(path, where, start, size)]


def alarms(files: Counter[str]) -> Iterator[Alarm]:
    """Yield what the checks say of every installed file, and count the files."""
    site = Path(nibabel.__file__).parent.parent
    for path in sorted(site.rglob("*")):
        where = path.relative_to(site)
        corpus = where.parts[0] if where.parts[0] in IMAGES else OTHERS
        if not path.is_file() or (corpus == OTHERS and path.stat().st_size > _SIDECAR):
            continue
        found = problems(path, where.as_posix())
        if found is not None:
            files[corpus] += 1
            yield from (Alarm(corpus, problem) for problem in found)


@dataclass(frozen=True, slots=True)
class Trial:
    """A made-up trait in a place, and whether it was seen."""

    trait: str
    place: str
    text: str
    seen: bool


def trials(rounds: int, seed: int) -> Iterator[Trial]:
    """Put each trait into each place, `rounds` times; it is left out where it does not fit."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, trait in TRAITS.items():
                for place in (*FREE, *LABELLED):
                    value = trait.spell(chance)
                    label = chance.choice(trait.labels) if trait.labels else ""
                    text = f"{label}: {value}" if label and place in FREE else value
                    file, content = written(place, label, text)
                    if place in FREE and not fits(place, text):
                        continue
                    path = Path(folder) / file
                    path.write_bytes(content)
                    codes = {problem.code for problem in problems(path, file) or ()}
                    yield Trial(name, place, f"{label}: {value}", trait.code in codes)


_ROOM = {"NIfTI's aux_file": 24, "NIfTI's db_name": 18}


def fits(place: str, text: str) -> bool:
    """Tell whether a field has room for all of a text."""
    return len(text.encode()) <= _ROOM.get(place, 80)


def counted(rounds: int, seed: int, *, show: bool) -> dict[str, object]:
    """Count everything; `show` prints each false alarm and some of the misses."""
    files: Counter[str] = Counter()
    found = list(alarms(files))
    tried = list(trials(rounds, seed))
    if show:
        for alarm in found:
            if not alarm.right:
                print(f"false alarm: {alarm.problem}")
        for trial in [each for each in tried if not each.seen][:200]:
            print(f"missed: {trial.trait}, {trial.place}: {trial.text}")
    return {
        "versions": {name: version(name) for name in IMAGES},
        "seed": seed,
        "alarms": {
            corpus: {
                "files": files[corpus],
                "right": sum(each.right for each in found if each.corpus == corpus),
                "false": sum(not each.right for each in found if each.corpus == corpus),
            }
            for corpus in (*IMAGES, OTHERS)
        },
        "traits": table((each.trait, each.seen) for each in tried),
        "places": table((each.place, each.seen) for each in tried if each.trait != BLIND),
    }


BLIND = list(TRAITS)[-1]


def table(pairs: Iterator[tuple[str, bool]]) -> dict[str, dict[str, int]]:
    """Count what was tried and what was missed, by name."""
    tried, missed = Counter[str](), Counter[str]()
    for name, seen in pairs:
        tried[name] += 1
        missed[name] += not seen
    return {name: {"tried": number, "missed": missed[name]} for name, number in tried.items()}


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(
        prog="scripts/privacy-rates", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=40, help="tries of each trait in each place")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print what was wrong")
    parser.add_argument("--record", action="store_true", help=f"write scripts/{RECORD.name}")
    options = parser.parse_args()
    found = counted(options.rounds, options.seed, show=options.show)
    for name in ("alarms", "traits", "places"):
        print(f"{name}:")
        for what, numbers in found[name].items():  # type: ignore[attr-defined]
            print(f"  {what:30}", ", ".join(f"{n:,} {word}" for word, n in numbers.items()))
    if options.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        print(f"{RECORD.relative_to(TOP)}; scripts/generate puts it on docs/reliability.md")


if __name__ == "__main__":
    main()
