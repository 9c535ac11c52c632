"""Artifacts that several processes read are what one process finds, and none is lost with one."""

import hashlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.builder.samples import RecordingReporter
from tests.publish.handwritten import PACKAGES

from nipack.publish import reading
from nipack.publish.ecosystems import Reading
from nipack.publish.packages import Packages
from nipack.publish.reading import Candidate, read_all
from nipack.system.hashing import digest_file
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


def test_a_file_that_cannot_be_read_is_told_and_a_bill_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.deb", "a.exe"):
        (tmp_path / name).write_bytes(b"none")
    names = ("a.deb", "a.deb.cdx.json", "a.exe", "none.whl", "a.deb")
    reporter = RecordingReporter()
    found, refused = read_all([tmp_path / n for n in names], Packages(), reporter)
    assert found == []
    assert refused == {
        tmp_path / "a.exe": f"{tmp_path}/a.exe: unknown kind of file; known are .conda, .deb, "
        ".whl, .rpm, .tar.gz",
        tmp_path / "none.whl": f"{tmp_path}/none.whl: No such file or directory; check the path "
        "and its permissions",
        tmp_path / "a.deb": f"{tmp_path}/a.deb: is damaged, or is not a .deb: it does not start "
        "like an ar archive; build it again",
    }
    assert reporter.steps == {"hash": [4, 4], "check": [4, 4]}

    def gone(path: Path, *_: object) -> Any:
        raise OSError("gone")

    monkeypatch.setattr(reading, "_candidate", gone)
    digests = digest_file(tmp_path / "a.deb", ["sha256"])
    said = reading._read_one((tmp_path / "a.deb", digests))
    assert said == f"{tmp_path}/a.deb: gone; check the path and its permissions"
    monkeypatch.setattr(reading, "digest_file", gone)
    _, refused = read_all([tmp_path / "a.deb"], Packages(), reporter)
    assert refused == {tmp_path / "a.deb": said}


@pytest.mark.parametrize("unpacks", [True, False])
@pytest.mark.parametrize("checked", [True, False])
def test_data_is_read_where_it_can_be_and_was_not(
    unpacks: bool, checked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Reading(package=PACKAGES[0], place="x/a.deb", version="1", checked=checked)
    ecosystem = SimpleNamespace(
        name="x",
        unpacks=unpacks,
        digests=frozenset({"md5"}),
        read=lambda path: found,
        carried=lambda place, beside: {f"{place}.json": b"signed"},
    )
    looked: list[object] = []
    monkeypatch.setattr(reading, "ecosystem_of", lambda name: ecosystem)
    monkeypatch.setattr(reading, "_check_members", lambda *given: looked.append(given))
    file = tmp_path / "a.deb"
    file.write_bytes(b"content")
    made = reading._candidate(file, digest_file(file, ["sha256", "md5"]))
    assert len(looked) == (unpacks and not checked)
    artifact = made.artifact
    assert (artifact.ecosystem, artifact.path, artifact.version) == ("x", "x/a.deb", "1")
    assert (artifact.size, artifact.date) == (7, "")
    assert artifact.index == {"md5": "9a0364b9e99bb480dd25e1f0284c8555"}
    assert artifact.carried == {"x/a.deb.json": hashlib.sha256(b"signed").hexdigest()}
    assert made.carried == {"x/a.deb.json": b"signed"}
