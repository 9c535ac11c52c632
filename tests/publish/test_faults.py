"""A full disk, a read-only target, a clock that is off: a clear error, and nothing lost."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.publish.reading import pointed_at

from nipack.publish import flow, log
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]
SETTINGS = flow.Settings(name="lab", address="https://data.lab.example")
BEFORE = "the repository is as it was"
BEHIND = "the next nipack publish completes them"


class Lab:
    """A repository with the first version of a package, to which the second is to be added."""

    def __init__(self, address: str, artifacts: Artifacts, key: Path) -> None:
        self.address, self.key = address, key
        self.old, self.new = ([*artifacts[version].values()] for version in ("0.1", "0.2"))

    def publish(self, files: list[Path]) -> None:
        signer = signer_of(str(self.key))
        assert not flow.publish(files, store_at(self.address), signer, SETTINGS).refused

    def refusal(self) -> str:
        """Return what is said where the second version cannot be published; empty if it can."""
        try:
            self.publish(self.new)
        except RepositoryError as error:
            return str(error)
        return ""

    def is_whole(self, message: str, copy: Path | None = None) -> None:
        """Fail unless every index leads to what was there, and to nothing that is not."""
        assert message.endswith((BEFORE, BEHIND)), message
        assert {path.name for path in self.old} <= pointed_at(copy or Path(self.address))
        if message.endswith(BEFORE):
            assert check_repository(self.address).problems == ()
            assert log.generations(store_at(self.address)) == [1]

    def completes(self) -> None:
        """Fail unless the next call leaves all right, and no litter."""
        self.publish(self.new)
        assert check_repository(self.address).problems == ()
        store = store_at(self.address)
        assert not store.files(".nipack/unfinished")
        assert log.generations(store) == [1, 2]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.slow(30)
@pytest.mark.root
@pytest.mark.tools("mount", "umount")
def test_a_full_disk_leaves_the_old_generation_whole(
    disk: Path, artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    lab = Lab(str(tmp_path / "begun"), artifacts, key)
    lab.publish(lab.old)
    lab.address = str(disk / "lab")
    said = []
    for room in range(4096, 16_000_000, 12_288):
        shutil.copytree(tmp_path / "begun", disk / "lab")
        filled = disk / "filled"
        about = os.statvfs(disk)
        filled.write_bytes(bytes(about.f_bavail * about.f_frsize - room))
        message = lab.refusal()
        if not message:
            break
        assert "No space left on device" in message
        said.append(message)
        lab.is_whole(message)
        filled.unlink()
        lab.completes()
        shutil.rmtree(disk / "lab")
    assert {each.endswith(BEFORE) for each in said} == {True, False}


PROGRAM = """
import resource, sys
from nipack.cli.app import nipack
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
nipack(sys.argv[2:])
"""


@pytest.mark.slow(5)
@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_a_file_that_is_larger_than_the_system_allows_is_an_error(
    artifacts: Artifacts, key: Path, tmp_path: Path
) -> None:
    """The same without root: a quota ends a write in the middle."""
    lab = Lab(str(tmp_path / "lab"), artifacts, key)
    lab.publish(lab.old)
    largest = max(path.stat().st_size for path in lab.new)
    words = ["publish", *map(str, lab.new), lab.address, "--key", str(key)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(largest - 1), *words], capture_output=True, text=True
    )
    said = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert "File too large" in said
    assert "Traceback" not in said
    lab.is_whole(said)
    lab.completes()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Make a folder one in which nothing can be written; root needs a mount for that."""
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        if os.geteuid() == 0:
            subprocess.run(["mount", "--bind", folder, folder], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        else:
            for each in [folder, *folder.rglob("*")]:
                if each.is_dir():
                    each.chmod(0o555)

    yield make
    for folder in made:
        if os.geteuid() == 0:
            subprocess.run(["umount", folder], check=True)
        else:
            for each in [folder, *folder.rglob("*")]:
                if each.is_dir():
                    each.chmod(0o755)


@pytest.mark.slow(1)
@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are others here")
def test_a_read_only_target_is_an_error(
    artifacts: Artifacts, key: Path, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    lab = Lab(str(tmp_path / "lab"), artifacts, key)
    lab.publish(lab.old)
    # What an ended publisher has left is deleted first, and that cannot be either.
    (tmp_path / "lab/.nipack/unfinished" / f"{socket.gethostname()}.4194305.aa").touch()
    read_only(tmp_path / "lab")
    message = lab.refusal()
    assert re.search("Read-only file system|Permission denied", message)
    assert str(tmp_path / "lab") in message
    lab.is_whole(message)
    empty = tmp_path / "empty"
    empty.mkdir()
    read_only(empty)
    lab.address = str(empty / "lab")
    assert re.search("Read-only file system|Permission denied", lab.refusal())


def test_a_clock_that_was_ahead_can_be_put_right(
    artifacts: Artifacts, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(str(tmp_path / "lab"), artifacts, key)
    with monkeypatch.context() as patched:
        year = time.time() + 365 * 24 * 3600
        patched.setattr("time.time", lambda: year)
        lab.publish(lab.old)
    assert "--clock-is-right" in lab.refusal()
    flow.publish(lab.new, store_at(lab.address), signer_of(str(key)), SETTINGS, clock_is_right=True)
    about = json.loads((tmp_path / "lab" / "repository.json").read_bytes())
    assert about["date"] <= log.now()
    assert check_repository(lab.address).problems == ()
