"""Killed at any call that writes, renames or syncs, a command leaves what was or what shall be.

Every file with a name of its own has all of its old bytes or all of the new ones, and the command,
run again, does its work and clears what was left.
"""

import hashlib
import json
import logging
import os
import random
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builder.samples import IMAGE
from tests.builder.served import Server, serving
from tests.killed import Command, tree

from nipack.publish.verification import check_repository

pytestmark = [pytest.mark.slow(120), pytest.mark.tools("strace")]
log = logging.getLogger(__name__)
EVERY_CALL = "KILL_AT_EVERY_CALL" in os.environ
_NOTE = re.compile(r"cache/.*\.json")
Prepare = Callable[[Path], Command]
# What no program makes smaller, and a download writes in several pieces.
LONG = random.Random(1).randbytes(400_000)


def source_in(folder: Path, version: str = "0.2", more: bytes = b"") -> Path:
    """Write a small package with a definition; it is larger by a file of more bytes."""
    data = folder / f"source-{version}" / "x"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.nii.gz").write_bytes(IMAGE)
    (data / "README.txt").write_text(f"data of {version}\n", "utf-8")
    (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
    if more:
        (data / "deep" / "more.bin").write_bytes(more)
    definition = {
        "name": "nipy-x",
        "relpath": "nipy/x",
        "version": version,
        "date": "2023-05-01",
        "license": "CC0-1.0",
        "redistribution": "verified",
        "summary": "brain data",
        "maintainer": {"name": "Ada", "email": "ada@example.org"},
        "source": {"address": "x"},
    }
    (data.parent / "package.yaml").write_text(json.dumps(definition), "utf-8")
    return data.parent


def beginning(folder: Path) -> Command:
    source = source_in(folder)
    (source / "package.yaml").unlink()
    return Command.of(folder, "init", source / "x", "--relpath", "nipy/x")


def raising(folder: Path) -> Command:
    return Command.of(folder, "bump", "minor", source_in(folder), "--date", "2024-02-29")


def linking(folder: Path) -> Command:
    """Link for a library that has one of the files already, as a placeholder."""
    prefix, files = folder / "prefix", {"a.txt": b"a", "deep/b.txt": b"b"}
    data = prefix / "share" / "nipy" / "templateflow" / "tpl-x"
    for name, content in {"config.ini": b"[DEFAULT]\nversion = 1.0\n", **files}.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    home = folder / "templateflow"
    (home / "tpl-x").mkdir(parents=True)
    (home / "tpl-x" / "a.txt").touch()
    where = {"NIPY_DATA_PATH": str(prefix / "share" / "nipy"), "TEMPLATEFLOW_HOME": str(home)}
    return Command.of(folder, "link", "templateflow", **where)


def unlinking(folder: Path) -> Command:
    command = linking(folder)
    done(command)
    return replace(command, words=("unlink", "templateflow"))


def building(folder: Path) -> Command:
    """Build two formats over what an earlier build has left."""
    return Command.of(folder, "build", source_in(folder), "-f", "wheel", "-f", "sdist", "-q")


def writing_recipes(folder: Path) -> Command:
    return Command.of(folder, "recipe", source_in(folder), "-f", "rpm", "--draft", "-q")


def published(folder: Path, version: str, more: bytes = b"") -> Command:
    """Build a version; return what publishes it."""
    source = source_in(folder, version, more)
    done(Command.of(folder, "build", source, "-f", "wheel", "-q", "-o", folder / version))
    wheel = next((folder / version).glob("*.whl"))
    return Command.of(folder, "publish", wheel, folder / "repository", "--unsigned", "-q")


def getting(folder: Path) -> Command:
    """Get a package for the first time."""
    done(published(folder, "0.2"))
    done(Command.of(folder, "repository", "add", folder / "repository", "--unsigned"))
    return Command.of(folder, "get", "nipy-x", "-q")


def getting_newer(folder: Path) -> Command:
    """Get a newer version in place of one that was got."""
    command = getting(folder)
    done(command)
    done(published(folder, "0.3"))
    return command


@pytest.fixture(params=["build", "get"])
def fetching(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Prepare, Server]]:
    """Prepare a command that fetches from a server on loopback, which can begin anywhere."""
    authority = tmp_path / "ca.pem"
    with serving(authority if request.param == "build" else None) as server:

        def build(folder: Path) -> Command:
            source = source_in(folder, more=LONG)
            with tarfile.open(folder / "made.tar.gz", "w:gz") as packed:
                packed.add(source / "x", "x")
            shutil.rmtree(source / "x")
            server.content = (folder / "made.tar.gz").read_bytes()
            definition = json.loads((source / "package.yaml").read_text("utf-8"))
            digest = hashlib.sha256(server.content).hexdigest()
            definition["source"] = {"address": server.address, "sha256": digest}
            (source / "package.yaml").write_text(json.dumps(definition), "utf-8")
            trusted = {"REQUESTS_CA_BUNDLE": str(authority)}
            return Command.of(folder, "build", source, "-f", "wheel", "-q", **trusted)

        def get(folder: Path) -> Command:
            done(published(folder, "0.2", LONG))
            repository = folder / "repository"
            server.files = {
                f"/{path.relative_to(repository).as_posix()}": path.read_bytes()
                for path in repository.rglob("*")
                if path.is_file()
            }
            done(Command.of(folder, "repository", "add", server.base, "--unsigned"))
            return Command.of(folder, "get", "nipy-x", "-q")

        yield {"build": build, "get": get}[request.param], server


CASES = {
    "init": beginning,
    "bump": raising,
    "link": linking,
    "unlink": unlinking,
    "build": building,
    "recipe": writing_recipes,
    "get": getting,
    "get newer": getting_newer,
}
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


def done(command: Command) -> None:
    ended = command.run()
    assert ended.returncode == 0, ended.stdout + ended.stderr


def is_unfinished(path: str) -> bool:
    return (
        path.startswith(("temporary/", "cache/partial/"))
        or "/.nipack-" in path
        or "/.nipy/.nipack/" in path
    )


def seen(folder: Path) -> dict[str, object]:
    """Return what has a name of its own; notes of the cache are of times, so that their form is."""
    return {
        path: _compared(path, content)
        for path, content in tree(folder).items()
        if not is_unfinished(path)
    }


def _compared(path: str, content: bytes | str) -> object:
    if _NOTE.fullmatch(path):
        return type(json.loads(content))
    if content == b"unfinished\n":
        return None
    if path.endswith("/links.jsonl"):
        # Copies are noted before they are made.
        return {line for line in content.splitlines() if b'"copy"' not in line} or None
    return content


def left(folder: Path) -> list[str]:
    """Return what has none, folders too, but for the file by which Python tries TMPDIR."""
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    tried = re.compile(
        r"temporary/[a-z0-9_]{8}|home/.nipy/.nipack/(lock|partial|repositories.*)"
        r"|cache/partial/[0-9a-f]{64}\.(lock|json)"
    )
    return [path for path in paths if is_unfinished(path) and not tried.fullmatch(path)]


class Trials:
    """A folder that is as it was before each trial."""

    def __init__(self, prepare: Prepare, top: Path, step: int) -> None:
        """Prepare it, and run the command once to see what it does."""
        self.folder, self._saved = top / "work", top / "saved"
        self.folder.mkdir()
        self.command = prepare(self.folder)
        shutil.copytree(self.folder, self._saved, symlinks=True)
        self.before = seen(self.folder)
        self.calls = list(self.command.calls())[:: 1 if EVERY_CALL else step]
        self.after = seen(self.folder)
        assert self.before != self.after
        assert left(self.folder) == []
        self.killed = 0

    def __iter__(self) -> Iterator[str]:
        """Kill the command at each of its calls; yield where, with what it left."""
        for call, number in self.calls:
            shutil.rmtree(self.folder)
            shutil.copytree(self._saved, self.folder, symlinks=True)
            # Which thread of several does what is not the same each time.
            if self.command.killed_at(call, number):
                self.killed += 1
                yield f"{call} {number}"
        assert self.killed > len(self.calls) / 2


@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere(case: str, tmp_path: Path) -> None:
    wrong = wrong_after(
        trials := Trials(CASES[case], tmp_path, STEPS.get(case, 1)),
        # A folder takes the place of another by two renames: between them there is none.
        between=(None,) if case == "get newer" else (),
    )
    assert not wrong, f"killed {trials.killed} times: {wrong}"
    log.info("killed %d times", trials.killed)


def wrong_after(trials: Trials, between: tuple[None, ...] = ()) -> list[str]:
    """Return what is neither as it was nor as it shall be, at once and after another run."""
    before, after = trials.before, trials.after
    wrong = []
    for place in trials:
        found = seen(trials.folder)
        wrong += [
            f"{place}: {path}: {found.get(path)!r:.80}"
            for path in found.keys() | before.keys() | after.keys()
            if found.get(path) not in (before.get(path), after.get(path), *between)
        ]
        again = trials.command.run()
        # A bump that was done is followed by another.
        if found != after and seen(trials.folder) != after:
            wrong.append(f"{place}: run again: {again.stdout}{again.stderr}")
        if remains := left(trials.folder):
            wrong.append(f"{place}: left {remains}")
    return wrong


def test_a_download_that_is_killed_is_gone_on_with(
    fetching: tuple[Prepare, Server], tmp_path: Path
) -> None:
    prepare, server = fetching
    trials = Trials(prepare, tmp_path, STEPS["fetch"])
    server.asked.clear()
    wrong = wrong_after(trials)
    assert not wrong, f"killed {trials.killed} times: {wrong}"
    begun = {each["Range"] for each in server.asked if "Range" in each}
    assert len(begun) > 2, "it was never gone on with"
    log.info("killed %d times of %d; gone on from %s", trials.killed, len(trials.calls), sorted(begun))


def _is_of_an_index(problem: str) -> bool:
    return problem.endswith(": is changed") and ".whl" not in problem and "log/" not in problem


def test_a_repository_is_whole_wherever_its_publisher_is_killed(tmp_path: Path) -> None:
    """Times are in what it writes, so that what is seen of it is compared and not its bytes."""

    def publishing(folder: Path) -> Command:
        done(published(folder, "0.2"))
        return published(folder, "0.3")

    trials = Trials(publishing, tmp_path, STEPS["publish"])
    wrong = []
    for place in trials:
        for when in ("killed", "run again"):
            check = check_repository(str(trials.folder / "repository"))
            problems = list(check.problems)
            if when == "killed":
                # Indexes are written one after the other; what they name is there all the time.
                problems = [each for each in problems if not _is_of_an_index(each)]
            if problems or check.generation not in ((1, 2) if when == "killed" else (2,)):
                wrong.append(f"{place}: {when}: {check.generation}: {problems}")
            if when == "killed":
                done(trials.command)
        if remains := left(trials.folder):
            wrong.append(f"{place}: left {remains}")
    assert not wrong, f"killed {trials.killed} times: {wrong}"
    log.info("killed %d times", trials.killed)
