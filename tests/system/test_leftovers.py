"""What is temporary is gone in the end, even where its process was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nipack.system.atomic import written_beside
from nipack.system.errors import ArtifactError
from nipack.system.leftovers import clear_parts, clear_workspaces, workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is cleared there")

WRITES = """
import sys, time; from pathlib import Path
from nipack.system.atomic import written_beside
from nipack.system.errors import ArtifactError
from nipack.system.leftovers import workspace
with workspace() as folder, written_beside(Path(sys.argv[1]), ArtifactError) as output:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "file").write_bytes(b"half")
    output.write(b"half")
    output.flush()
    print(flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's place for temporary files, of this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@contextmanager
def writing(target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the midst of writing a file, with a workspace."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, str(target)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"\n"
        try:
            yield process
        finally:
            process.kill()


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def clear(temporary: Path, target: Path) -> None:
    clear_parts.cache_clear()
    clear_workspaces.cache_clear()
    with workspace(), written_beside(target, ArtifactError):
        pass


def test_what_a_killed_process_left_is_cleared_by_the_next(temporary: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "out" / "0.1"):
        pass
    assert len(names(temporary)) == 2
    [part] = names(tmp_path / "out")
    assert part.endswith(".part")
    clear(temporary, tmp_path / "out" / "0.2")
    assert names(temporary) == []
    assert names(tmp_path / "out") == ["0.2"]


def test_what_a_living_process_holds_is_left_to_it(temporary: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "out" / "0.1") as process:
        before = names(temporary), names(tmp_path / "out")
        clear(temporary, tmp_path / "out" / "0.2")
        process.send_signal(signal.SIGSTOP)
        assert (names(temporary), names(tmp_path / "out")) == (before[0], [*before[1], "0.2"])


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "link to a folder"])
def test_what_only_has_such_a_name_is_left_alone(
    temporary: Path, tmp_path: Path, kind: str
) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    token = "nipack-0123456789abcdef"
    lock, folder = temporary / f"{token}.lock", temporary / token
    if kind == "pipe":
        os.mkfifo(lock)
    elif kind == "link":
        lock.symlink_to(precious / "file")
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.touch()
        folder.symlink_to(precious)
    clear(temporary, tmp_path / "out")
    assert os.path.lexists(lock)
    assert os.path.lexists(folder) == (kind == "link to a folder")
    assert names(precious) == ["file"]


def test_a_folder_of_a_like_name_is_not_taken_for_a_workspace(
    temporary: Path, tmp_path: Path
) -> None:
    for name in ("nipack-0.1", "nipack-0123456789abcdef", "nipack-0.1.lock"):
        (temporary / name).mkdir()
    clear(temporary, tmp_path / "out")
    assert len(names(temporary)) == 3


@pytest.mark.root
def test_what_is_another_users_is_left_alone(temporary: Path, tmp_path: Path) -> None:
    lock = temporary / "nipack-0123456789abcdef.lock"
    lock.touch()
    os.chown(lock, 1234, 1234)
    clear(temporary, tmp_path / "out")
    assert lock.exists()


def test_writers_with_one_process_id_do_not_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Builds in containers that share a folder have the same process ids."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    target = tmp_path / "file"
    with written_beside(target, ArtifactError) as one, written_beside(target, ArtifactError) as two:
        assert one.name != two.name
        two.write(b"two")
    assert target.read_bytes() == b""


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 255)
    with written_beside(target, ArtifactError) as output:
        output.write(b"new")
    assert target.read_bytes() == b"new"
