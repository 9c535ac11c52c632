"""Kill a command at each of its system calls that changes a disk, or fail that, with strace."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

# What writes, renames, links, makes, removes or syncs; strace passes over what a machine lacks.
CALLS = (
    *("write", "pwrite64", "writev", "copy_file_range", "sendfile", "ftruncate", "fsync"),
    *("fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *(
        "mkdir",
        "mkdirat",
        "unlink",
        "unlinkat",
        "rmdir",
        "utimensat",
        "chmod",
        "fchmod",
        "fchmodat",
    ),
)
_SET = ",".join(f"?{call}" for call in CALLS)
# Those that a full disk refuses.  What opens a new file is not told from what reads one.
FULL = (
    *("write", "pwrite64", "writev", "copy_file_range", "sendfile", "ftruncate", "fsync"),
    *("fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("mkdir", "mkdirat"),
)
_LINE = re.compile(r"(?m)^(\d+) +(\w+)\((?![12],)")
_ANY_LINE = re.compile(r"(?m)^(\d+) +(\w+)\((.*)$")
KILLED = 128 + 9
EVERY_CALL = "KILL_AT_EVERY_CALL" in os.environ


@dataclass(frozen=True)
class Command:
    """A command of nipack that works below a folder, and sees no other."""

    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path, *words: object, **environment: str) -> "Command":
        """Return a command with a home, a cache and a place for temporary files in its folder."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "temporary"),
            "NIPACK_CACHE_DIR": str(folder / "cache"),
            "NIPY_USER_DIR": str(folder / "home" / ".nipy"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        (folder / "temporary").mkdir(exist_ok=True)
        (folder / "home").mkdir(exist_ok=True)
        return cls(tuple(map(str, words)), folder, own | environment)

    def in_turn(self) -> "Command":
        """Return the same, of which one thread does what many would."""
        path = str(Path(__file__).with_name("in_turn"))
        return replace(self, environment={**self.environment, "PYTHONPATH": path})

    def run(self, *before: str) -> "subprocess.CompletedProcess[str]":
        """Run it, behind other words."""
        return subprocess.run(
            [*before, sys.executable, "-m", "nipack", *self.words],
            cwd=self.folder,
            env=dict(self.environment),
            capture_output=True,
            text=True,
        )

    def calls(self) -> Iterator[tuple[str, int]]:
        """Run it to its end; yield each call's name and number, as each of its threads counts."""
        log = self.folder / "strace"
        done = self.run("strace", "-f", "-qq", "-e", f"trace={_SET}", "-o", str(log))
        assert done.returncode == 0, done.stdout + done.stderr
        counts = Counter(_LINE.findall(log.read_text("utf-8", "replace")))
        log.unlink()
        for call in CALLS:
            most = max((count for (_, name), count in counts.items() if name == call), default=0)
            yield from ((call, number) for number in range(1, most + 1))

    def killed_at(self, call: str, number: int) -> bool:
        """Run it until a thread is about to make its so-manieth such call; False if none does."""
        inject = f"inject={call}:signal=KILL:when={number}"
        done = self.run(
            "strace", "-f", "-qq", "-e", f"trace={call}", "-e", inject, "-o", os.devnull
        )
        return done.returncode in (KILLED, -9)

    def calls_of_disk(self) -> Iterator[tuple[str, int]]:
        """Run it to its end; yield each call that a full disk refuses below its folder.

        Its number is that of all such calls of the thread, wherever those write.
        """
        log = self.folder / "strace"
        done = self.run("strace", "-f", "-y", "-qq", "-e", f"trace={_SET}", "-o", str(log))
        assert done.returncode == 0, done.stdout + done.stderr
        counts, found = Counter[tuple[str, str]](), set[tuple[str, int]]()
        for thread, call, words in _ANY_LINE.findall(log.read_text("utf-8", "replace")):
            counts[thread, call] += 1
            if call in FULL and str(self.folder) in words:
                found.add((call, counts[thread, call]))
        log.unlink()
        yield from sorted(found, key=lambda each: (FULL.index(each[0]), each[1]))

    def full_at(self, call: str, number: int) -> "subprocess.CompletedProcess[str] | None":
        """Run it; the disk is full for each thread's so-manieth such call.  None if none does."""
        log = self.folder.parent / "strace"
        inject = f"inject={call}:error=ENOSPC:when={number}"
        done = self.run("strace", "-f", "-qq", "-e", f"trace={call}", "-e", inject, "-o", str(log))
        return done if "(INJECTED)" in log.read_text("utf-8", "replace") else None


def tree(folder: Path) -> dict[str, bytes | str]:
    """Return each file's bytes and each link's target, by its path."""
    return {
        path.relative_to(folder).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def is_unfinished(path: str) -> bool:
    """Tell whether a path is of what is removed, or gone on with."""
    return (
        path.startswith(("temporary/", "cache/partial/"))
        or "/.nipack-" in path
        or "/.nipy/.nipack/" in path
    )


_NOTE = re.compile(r"cache/.*\.json")


def seen(folder: Path) -> dict[str, object]:
    """Return what has a name of its own; notes of the cache are of times, so that their form is."""
    return {
        path: _compared(path, content)
        for path, content in tree(folder).items()
        if not is_unfinished(path)
    }


def _compared(path: str, content: bytes | str) -> object:
    if _NOTE.fullmatch(path):
        # Notes of files have lines of JSON; whether there is a second one, depends on the clock.
        first, *_ = map(type, map(json.loads, content.splitlines()))
        return first
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
    """A folder that is as it was before each trial, in which a command is killed."""

    def __init__(self, prepare: Callable[[Path], Command], top: Path, step: int) -> None:
        """Prepare it, and run the command once to see what it does."""
        self.folder, self._saved = top / "work", top / "saved"
        self.folder.mkdir()
        self.command = prepare(self.folder)
        shutil.copytree(self.folder, self._saved, symlinks=True)
        self.before = seen(self.folder)
        self.calls = list(self.places())[:: 1 if EVERY_CALL else step]
        self.after = seen(self.folder)
        assert self.before != self.after
        assert left(self.folder) == []
        self.struck = 0

    def places(self) -> Iterator[tuple[str, int]]:
        """Yield each call by its name and number."""
        yield from self.command.calls()

    def strike(self, call: str, number: int) -> bool:
        """Run the command until such a call; False if there is none."""
        return self.command.killed_at(call, number)

    def __iter__(self) -> Iterator[str]:
        """Strike the command at each of its calls; yield where, with what it left."""
        for call, number in self.calls:
            shutil.rmtree(self.folder)
            shutil.copytree(self._saved, self.folder, symlinks=True)
            # Which thread of several does what is not the same each time.
            if self.strike(call, number):
                self.struck += 1
                yield f"{call} {number}"
        assert self.struck > len(self.calls) / 2


class FullDisk(Trials):
    """The same, of which each call finds the disk full once; `ended` is how the command did."""

    ended: "subprocess.CompletedProcess[str] | None" = None

    def places(self) -> Iterator[tuple[str, int]]:
        """Yield each call that a full disk refuses."""
        yield from self.command.calls_of_disk()

    def strike(self, call: str, number: int) -> bool:
        """Run the command to its end."""
        self.ended = self.command.full_at(call, number)
        return self.ended is not None


def wrong_after(trials: Trials, *, between: tuple[None, ...] = ()) -> list[str]:
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


def is_of_an_index(problem: str) -> bool:
    """Tell whether a problem is of what the next publisher completes."""
    if problem.startswith("SHA256SUMS: does not belong to generation"):
        return True
    return problem.endswith(": is changed") and ".whl" not in problem and "log/" not in problem
