"""Killed at any call that writes, renames or syncs, a command leaves what was or what shall be.

Every file with a name of its own has all of its old bytes or all of the new ones, and the command,
run again, does its work and clears what was left.
"""

import logging
from pathlib import Path

import pytest
from tests.killed import Command, Trials, is_of_an_index, left, wrong_after
from tests.prepared import CASES, done, fetching, published

from nipack.publish.verification import check_repository

pytestmark = [pytest.mark.slow(120), pytest.mark.tools("strace")]
log = logging.getLogger(__name__)
# All of them take minutes: without KILL_AT_EVERY_CALL=1 it is every so-manieth call of these.
STEPS = {
    "link": 12,
    "build": 32,
    "recipe": 32,
    "get": 32,
    "get newer": 48,
    "publish": 48,
    "fetch": 9,
}


@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere(case: str, tmp_path: Path) -> None:
    wrong = wrong_after(
        trials := Trials(CASES[case], tmp_path, STEPS.get(case, 1)),
        # A folder takes the place of another by two renames: between them there is none.
        between=(None,) if case == "get newer" else (),
    )
    assert not wrong, f"killed {trials.struck} times: {wrong}"
    log.info("killed %d times of %d", trials.struck, len(trials.calls))


@pytest.mark.parametrize("command", ["build", "get"])
def test_a_download_that_is_killed_is_gone_on_with(command: str, tmp_path: Path) -> None:
    with fetching(command, tmp_path) as (prepare, server):
        trials = Trials(prepare, tmp_path, STEPS["fetch"])
        server.asked.clear()
        wrong = wrong_after(trials)
    assert not wrong, f"killed {trials.struck} times: {wrong}"
    begun = {each["Range"] for each in server.asked if "Range" in each}
    assert len(begun) > 2, "it was never gone on with"
    log.info(
        "killed %d times of %d; gone on from %s", trials.struck, len(trials.calls), sorted(begun)
    )


@pytest.mark.parametrize("in_turn", [False, True], ids=["threads", "in turn"])
def test_a_repository_is_whole_wherever_its_publisher_is_killed(
    tmp_path: Path, in_turn: bool
) -> None:
    """Times are in what it writes, so that what is seen of it is compared and not its bytes."""

    def publishing(folder: Path) -> Command:
        done(published(folder, "0.2"))
        command = published(folder, "0.3")
        return command.in_turn() if in_turn else command

    trials = Trials(publishing, tmp_path, STEPS["publish"])
    wrong = []
    for place in trials:
        for when in ("killed", "run again"):
            check = check_repository(str(trials.folder / "repository"))
            problems = list(check.problems)
            if when == "killed":
                # Indexes are written one after the other; what they name is there all the time.
                problems = [each for each in problems if not is_of_an_index(each)]
            if problems or check.generation not in ((1, 2) if when == "killed" else (2,)):
                wrong.append(f"{place}: {when}: {check.generation}: {problems}")
            if when == "killed":
                done(trials.command)
        if remains := left(trials.folder):
            wrong.append(f"{place}: left {remains}")
    assert not wrong, f"killed {trials.struck} times: {wrong}"
    log.info("killed %d times of %d", trials.struck, len(trials.calls))
