"""A user's clock that is off, as apt sees it, and what a user can say to it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nipack.publish import flow
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at

Artifacts = dict[str, dict[str, Path]]
Update = Callable[..., str]


@pytest.fixture
def update(artifacts: Artifacts, key: Path, tmp_path: Path) -> Update:
    """Run apt-get update at another time; returns what it says where it refuses."""
    folder, work = tmp_path / "lab", tmp_path / "apt"
    settings = flow.Settings(name="lab", address=folder.as_uri(), valid_days=30)
    flow.publish([artifacts["0.1"][".deb"]], store_at(str(folder)), signer_of(str(key)), settings)
    for name in ("etc/sources.list.d", "state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    (work / "etc/sources.list.d/lab.sources").write_bytes((folder / "apt/lab.sources").read_bytes())
    options = [f"Dir::Etc={work}/etc", f"Dir::State={work}/state", f"Dir::Cache={work}/cache",
               f"Dir::State::status={work}/status", "APT::Sandbox::User=",
               "Acquire::Languages=none",
               # As apt has them by default; a machine may be set otherwise.
               "Acquire::Check-Date=true", "Acquire::Check-Valid-Until=true"]  # fmt: skip

    def run(when: str, *more: str) -> str:
        words = [word for each in (*options, *more) for word in ("-o", each)]
        done = subprocess.run(
            ["faketime", "-f", when, "apt-get", "update", "--error-on=any", *words],
            env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stderr if done.returncode else ""

    return run


pytestmark = [pytest.mark.slow(5), pytest.mark.tools("faketime", "apt-get")]


def test_a_clock_that_is_right_or_seconds_off_is_taken(update: Update) -> None:
    assert update("+0") == ""
    assert update("-5") == ""


def test_a_clock_that_is_behind_takes_the_release_for_one_of_the_future(update: Update) -> None:
    assert "is not valid yet (invalid for another" in update("-2h")
    # What docs/publishing.md has for a machine whose clock cannot be set.
    assert update("-2h", "Acquire::Max-FutureTime=10800") == ""
    assert "is not valid yet" in update("-5h", "Acquire::Max-FutureTime=10800")
    assert update("-5h", "Acquire::Check-Date=false") == ""


def test_a_clock_that_is_ahead_takes_the_release_for_an_expired_one(update: Update) -> None:
    assert update("+29d") == ""
    assert "is expired (invalid since" in update("+31d")
    assert update("+31d", "Acquire::Check-Valid-Until=false") == ""
