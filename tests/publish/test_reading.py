"""Artifacts that several processes read are what one process finds, and none is lost with one."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import pytest

from nipack.publish import reading
from nipack.publish.packages import Packages
from nipack.publish.reading import Candidate, read_all
from nipack.system.processes import local_processes
from nipack.system.progress import SilentReporter

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture
def some(artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return artifacts, one of them damaged, and what is none; a process gets one at a time."""
    monkeypatch.setattr(reading, "_MANY", 3)
    monkeypatch.setattr(reading, "_BATCH", 1)
    damaged = tmp_path / "lab-damaged-1.0-h0_0.conda"
    damaged.write_bytes(b"PK, but no zip")
    whole = [path for each in artifacts.values() for path in each.values()]
    return [whole[0], damaged, *whole[1:], tmp_path / "absent.deb", tmp_path / "strange.exe"]


def read(paths: list[Path], processes: int) -> tuple[list[Candidate], dict[Path, str]]:
    return read_all(paths, Packages(), SilentReporter(), processes=processes)


def opened(monkeypatch: pytest.MonkeyPatch, *, killed: bool = False) -> list[int]:
    """Note how many processes are opened from now on; the first of them may be killed."""
    counts = []

    @contextmanager
    def noted(count: int) -> Iterator[Executor]:
        counts.append(count)
        with local_processes(count) as pool:
            if killed:
                pool.submit(len, "")
                multiprocessing.active_children()[0].kill()
            yield pool

    monkeypatch.setattr(reading, "local_processes", noted)
    return counts


@pytest.mark.slow(2)
def test_several_processes_find_what_one_finds(
    some: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = opened(monkeypatch)
    alone = read(some, 1)
    assert counts == []
    assert read(some, 2) == alone
    assert counts == [2]
    assert len(alone[0]) == len(some) - 3
    refused = {path.name: why for path, why in alone[1].items()}
    assert refused.keys() == {"lab-damaged-1.0-h0_0.conda", "absent.deb", "strange.exe"}
    assert "No such file" in refused["absent.deb"]
    assert multiprocessing.active_children() == []


@pytest.mark.slow(2)
def test_what_a_killed_process_had_is_read_here(
    some: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = read(some, 1)
    counts = opened(monkeypatch, killed=True)
    assert read(some, 2) == alone
    assert counts == [2]
    assert multiprocessing.active_children() == []


def test_few_are_read_by_no_other_process(
    some: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = opened(monkeypatch)
    found, refused = read(some[:2], 2)
    assert ([each.file for each in found], [*refused]) == ([some[0]], [some[1]])
    assert counts == []
