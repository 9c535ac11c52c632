"""Kill a command at each of its system calls that changes a disk, with strace."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
_LINE = re.compile(r"(?m)^(\d+) +(\w+)\((?![12],)")
KILLED = 128 + 9


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


def tree(folder: Path) -> dict[str, bytes | str]:
    """Return each file's bytes and each link's target, by its path."""
    return {
        path.relative_to(folder).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
