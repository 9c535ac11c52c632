"""A disk that is full at any call that writes: a clear error, and what was or what shall be.

Nothing but what is gone on with is left over, and the command, run again, does its work.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.killed import Command, FullDisk, is_of_an_index, left, seen
from tests.prepared import CASES, done, fetching, published

from nipack.publish.verification import check_repository

pytestmark = [pytest.mark.slow(60), pytest.mark.tools("strace")]
log = logging.getLogger(__name__)
# All of them take minutes: without KILL_AT_EVERY_CALL=1 it is every so-manieth call of these.
STEPS = {"init": 2, "bump": 2, "link": 6, "build": 8, "recipe": 8, "get": 8}
STEPS |= {"get newer": 8, "publish": 16, "fetch build": 12, "fetch get": 12}
# What was linked until then is noted; without a note it is found again, and noted at the next link.
NOTED = "home/.local/state/nipack/links.jsonl"
# What comes of it is kept, and the next run continues from there.
GONE_ON_WITH = ("cache/partial/", "home/.nipy/.nipack/partial/")


def faults(trials: FullDisk, place: str) -> Iterator[str]:
    """Yield what is wrong with how a command ended whose disk was full."""
    found, after = seen(trials.folder), trials.after
    lacking = [path for path in after if found.get(path) != after[path]]
    assert trials.ended is not None
    # What there are only notes of is found out again.
    if trials.ended.returncode == 0 and not all(
        path.startswith(("cache/", NOTED)) for path in lacking
    ):
        yield f"{place}: ended well without {lacking}"
    yield from said_wrongly(trials, place)


def said_wrongly(trials: FullDisk, place: str) -> Iterator[str]:
    assert trials.ended is not None
    said = " ".join((trials.ended.stdout + trials.ended.stderr).split())
    if "Traceback" in said or "bug in nipack" in said:
        yield f"{place}: {said}"
    elif trials.ended.returncode and not re.search("No space left on device.*; ", said):
        yield f"{place}: ended with {trials.ended.returncode}: {said}"


def changed(trials: FullDisk, place: str) -> Iterator[str]:
    """Yield what is neither as it was nor as it shall be."""
    found, before, after = seen(trials.folder), trials.before, trials.after
    for path in found.keys() | before.keys() | after.keys():
        if found.get(path) not in (before.get(path), after.get(path)) and not (
            path == NOTED and is_part(found[path], after[path])
        ):
            yield f"{place}: {path}: {found.get(path)!r:.80}"
    unfinished = trials.folder / "home/.nipy/share/nipack/nipy-x/payload-id"
    if unfinished.is_file() and unfinished.read_text("utf-8") == "unfinished\n":
        yield f"{place}: {unfinished} was not put back"


def is_part(some: object, everything: object) -> bool:
    return isinstance(some, set) and isinstance(everything, set) and some < everything


def leftovers(trials: FullDisk, place: str) -> Iterator[str]:
    remains = [path for path in left(trials.folder) if not path.startswith(GONE_ON_WITH)]
    if remains:
        yield f"{place}: left {remains}"


def tried(trials: FullDisk) -> None:
    wrong: list[str] = []
    for place in trials:
        wrong += [*faults(trials, place), *changed(trials, place), *leftovers(trials, place)]
        if seen(trials.folder) != trials.after:
            again = trials.command.run()
            if seen(trials.folder) != trials.after:
                wrong.append(f"{place}: run again: {again.stdout}{again.stderr}")
        if left(trials.folder):
            wrong.append(f"{place}: left at last {left(trials.folder)}")
    assert not wrong, f"full {trials.struck} times: {wrong}"
    log.info("full %d times", trials.struck)


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"unlink"}))  # which writes nothing
def test_full_anywhere(case: str, tmp_path: Path) -> None:
    tried(FullDisk(CASES[case], tmp_path, STEPS[case]))


@pytest.mark.parametrize("in_turn", [False, True], ids=["threads", "in turn"])
def test_a_repository_is_whole_wherever_the_disk_was_full(tmp_path: Path, in_turn: bool) -> None:
    """Times are in what it writes, so that what is seen of it is compared and not its bytes."""

    def publishing(folder: Path) -> Command:
        done(published(folder, "0.2"))
        command = published(folder, "0.3")
        return command.in_turn() if in_turn else command

    trials, wrong = FullDisk(publishing, tmp_path, STEPS["publish"]), []
    for place in trials:
        wrong += [*said_wrongly(trials, place), *leftovers(trials, place)]
        assert trials.ended is not None
        check = check_repository(str(trials.folder / "repository"))
        problems = [each for each in check.problems if not is_of_an_index(each)]
        if problems or check.generation not in (1, 2):
            wrong.append(f"{place}: {check.generation}: {problems}")
        if trials.ended.returncode:
            done(trials.command)
        check = check_repository(str(trials.folder / "repository"))
        if check.problems or check.generation != 2:
            wrong.append(f"{place}: run again: {check.generation}: {check.problems}")
    assert not wrong, f"full {trials.struck} times: {wrong}"
    log.info("full %d times", trials.struck)


@pytest.mark.parametrize("command", ["build", "get"])
def test_full_while_a_download_comes(command: str, tmp_path: Path) -> None:
    with fetching(command, tmp_path) as (prepare, _):
        tried(FullDisk(prepare, tmp_path, STEPS[f"fetch {command}"]))
