"""Killed at any call that writes, renames or syncs, a command leaves what was or what shall be.

Every file with a name of its own has all of its old bytes or all of the new ones, and the command,
run again, does its work and clears what was left.
"""

import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.builder.samples import IMAGE
from tests.builder.served import serving
from tests.killed import Command, tree

from nipack.publish.keys import make_key

pytestmark = [pytest.mark.slow(120), pytest.mark.tools("strace")]
log = logging.getLogger(__name__)
_NOTE = re.compile(r"cache/.*\.json")
Prepare = Callable[[Path], Command]


def source_in(folder: Path, version: str = "0.2") -> Path:
    """Write a small package with a definition."""
    data = folder / f"source-{version}" / "x"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "a.nii.gz").write_bytes(IMAGE)
    (data / "README.txt").write_text(f"data of {version}\n", "utf-8")
    (data / "config.ini").write_text(f"[DEFAULT]\nversion = {version}\n", "utf-8")
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


def building(folder: Path) -> Command:
    return Command.of(folder, "build", source_in(folder), "-q", "-o", "dist")


def building_anew(folder: Path) -> Command:
    """Build in the place of artifacts that are other data of the same version."""
    command = building(folder)
    readme = folder / "source-0.2" / "x" / "README.txt"
    new = readme.read_bytes()
    readme.write_bytes(b"other data\n")
    done(command)
    readme.write_bytes(new)
    return Command.of(folder, *command.words, "--force")


def rendering(folder: Path) -> Command:
    """Render recipes in the place of those of the version before."""
    before = source_in(folder, "0.1")
    done(Command.of(folder, "recipe", before, "-q"))
    return Command.of(folder, "recipe", source_in(folder), "-q", "--previous", before)


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


def publishing(folder: Path) -> Command:
    """Publish a version in a repository that has another, signed."""
    make_key("Ada's lab <data@lab.example>", folder / "lab.key", years=5)
    for version in ("0.1", "0.2"):
        done(Command.of(folder, "build", source_in(folder, version), "-q", "-o", f"dist-{version}"))
    words = ("www", "--key", "lab.key", "--address", "https://data.lab.example", "-q")
    done(Command.of(folder, "publish", *sorted((folder / "dist-0.1").iterdir()), *words))
    return Command.of(folder, "publish", *sorted((folder / "dist-0.2").iterdir()), *words)


CASES = {
    "build": building,
    "build --force": building_anew,
    "recipe": rendering,
    "init": beginning,
    "bump": raising,
    "link": linking,
    "unlink": unlinking,
}


def done(command: Command) -> None:
    ended = command.run()
    assert ended.returncode == 0, ended.stdout + ended.stderr


def is_unfinished(path: str) -> bool:
    return path.startswith("temporary/") or "/.nipack-" in path


def seen(folder: Path) -> dict[str, bytes | str]:
    """Return what has a name of its own; notes of the cache are of times, so that their form is."""
    return {
        path: str(type(json.loads(content))) if _NOTE.fullmatch(path) else content
        for path, content in tree(folder).items()
        if not is_unfinished(path)
    }


def left(folder: Path) -> list[str]:
    """Return what has none, folders too, but for the file by which Python tries TMPDIR."""
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    tried = re.compile(r"temporary/[a-z0-9_]{8}")
    return [path for path in paths if is_unfinished(path) and not tried.fullmatch(path)]


class Trials:
    """A folder that is as it was before each trial."""

    def __init__(self, prepare: Prepare, top: Path) -> None:
        """Prepare it, and run the command once to see what it does."""
        self.folder, self._saved = top / "work", top / "saved"
        self.folder.mkdir()
        self.command = prepare(self.folder)
        shutil.copytree(self.folder, self._saved, symlinks=True)
        self.before = seen(self.folder)
        self.calls = list(self.command.calls())
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


@pytest.mark.parametrize("prepare", CASES.values(), ids=CASES.keys())
def test_killed_anywhere(prepare: Prepare, tmp_path: Path) -> None:
    trials = Trials(prepare, tmp_path)
    before, after = trials.before, trials.after
    wrong = []
    for place in trials:
        found = seen(trials.folder)
        wrong += [
            f"{place}: {path}: {found.get(path)!r:.80}"
            for path in found.keys() | before.keys() | after.keys()
            if found.get(path) not in (before.get(path), after.get(path))
        ]
        again = trials.command.run()
        if seen(trials.folder) != after:
            wrong.append(f"{place}: run again: {again.stdout}{again.stderr}")
        if remains := left(trials.folder):
            wrong.append(f"{place}: left {remains}")
    assert wrong == [], f"{len(wrong)} faults, killed {trials.killed} times"
    log.info("killed %d times", trials.killed)


def test_a_download_killed_anywhere(tmp_path: Path) -> None:
    with serving(tmp_path / "ca.pem") as server:
        source = source_in(tmp_path)
        archive = shutil.make_archive(str(tmp_path / "data"), "gztar", source)
        server.content = Path(archive).read_bytes()

        def prepare(folder: Path) -> Command:
            trust = {"REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")}
            words = ("build", server.address, "-f", "deb", "-q", "-o", "dist")
            return Command.of(folder, *words, **trust)

        test_killed_anywhere(prepare, tmp_path)


def test_publish_killed_anywhere(tmp_path: Path) -> None:
    trials = Trials(publishing, tmp_path)
    wrong = []
    for place in trials:
        for again in (False, True):
            if again:
                done(trials.command)
            checked = replace(trials.command, words=("verify", "www", "--json")).run()
            if checked.returncode:
                wrong.append(f"{place}: {again}: {checked.stdout}{checked.stderr}")
        names = {path for path in trials.after if "/.nipack/log/" not in f"/{path}"}
        if names - seen(trials.folder).keys():
            wrong.append(f"{place}: not there {names - seen(trials.folder).keys()}")
        unfinished = trials.folder / "www" / ".nipack" / "unfinished"
        if remains := [*left(trials.folder), *unfinished.iterdir()]:
            wrong.append(f"{place}: left {remains}")
    assert wrong == [], f"{len(wrong)} faults, killed {trials.killed} times"
    log.info("killed %d times", trials.killed)
