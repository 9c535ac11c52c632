"""One who deletes and one who publishes the same file at once: it is there afterwards."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.builder.samples import RecordingReporter
from tests.publish.catalogue.samples import package
from tests.publish.serving import run

from nipack.publish import deletes, log, retraction
from nipack.publish.errors import RepositoryError
from nipack.publish.packages import Packages
from nipack.publish.stores.folder import FolderStore
from nipack.publish.stores.unfinished import UNFINISHED, own_path

Artifacts = dict[str, dict[str, Path]]
POOL = "conda/noarch"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def repository(artifacts: Artifacts, key: Path, tmp_path: Path) -> Path:
    """Return one of both versions."""
    made = tmp_path / "lab"
    files = [each[".conda"] for each in artifacts.values()]
    assert run("publish", *files, made, "--key", key).exit_code == 0
    return made


@pytest.mark.slow(1)
def test_what_is_published_again_while_it_is_dropped_stays(
    repository: Path, artifacts: Artifacts, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = artifacts["0.1"][".conda"]
    unneeded = retraction._unneeded

    def others_publish(*words: Any) -> tuple[str, ...]:
        found = unneeded(*words)
        assert f"{POOL}/{file.name}" in found
        assert run("publish", file, repository, "--key", key).exit_code == 0
        return found

    monkeypatch.setattr(retraction, "_unneeded", others_publish)
    done = run("prune", repository, "--keep", 1, "--key", key, "--json")
    assert f"{POOL}/{file.name}" not in json.loads(done.stdout)["files"]
    assert (repository / POOL / file.name).read_bytes() == file.read_bytes()
    assert run("verify", repository).exit_code == 0


@pytest.mark.slow(1)
def test_what_is_deleted_while_it_is_published_is_written_again(
    repository: Path, artifacts: Artifacts, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = artifacts["0.1"][".conda"]
    assert run("prune", repository, "--keep", 1, "--key", key).exit_code == 0
    there = repository / POOL / file.name
    there.write_bytes(file.read_bytes())
    monkeypatch.setattr(deletes, "_PAUSE", 0.01)
    append, said = log.append, repository / own_path(deletes._DELETING)
    waited = threading.Event()

    def others_delete() -> None:
        waited.wait()
        there.unlink()
        said.unlink()

    thread = threading.Thread(target=others_delete)

    def appended(*words: Any, **named: Any) -> Any:
        state = append(*words, **named)
        said.parent.mkdir(exist_ok=True)
        said.touch()
        thread.start()
        threading.Timer(0.05, waited.set).start()
        return state

    monkeypatch.setattr(log, "append", appended)
    assert run("publish", file, repository, "--key", key).exit_code == 0
    thread.join()
    assert there.read_bytes() == file.read_bytes()
    assert run("verify", repository).exit_code == 0


def test_what_is_named_stays_with_what_is_carried_beside_it(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def load(there: FolderStore) -> Any:
        seen.append(list(there.files(UNFINISHED)))
        return type("Now", (), {"packages": Packages({one.key: one})})

    one = package("nipy-a", "0.1")
    named = [each.path for each in one.artifacts]
    others = ["apt/a", "conda/b"]
    for path in (*named, f"{named[0]}.provenance", *others):
        store.write(path, b"x")
    monkeypatch.setattr(log, "load", load)
    monkeypatch.setattr(deletes, "_BATCH", 2)
    paths = [*named, f"{named[0]}.provenance", *others]
    assert [*deletes.delete(store, paths, at_once=2)] == others
    assert set(store.files("")) == {*named, f"{named[0]}.provenance"}
    assert len(seen) == (len(named) + 4) // 2
    assert all(len(each) == 1 for each in seen), "it is said before the log is read"
    assert store.files(UNFINISHED) == {}


def test_one_who_was_ended_is_not_waited_for(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter, gone = RecordingReporter(), f"{UNFINISHED}/{socket.gethostname()}.{2**22 + 1}"
    store.write(f"{gone}.{deletes._DELETING}ab", b"")
    store.write(own_path(), b"of one who writes")
    deletes.wait(store, reporter)
    store.write(f"{UNFINISHED}/elsewhere.1.{deletes._DELETING}ab", b"")
    monkeypatch.setattr(FolderStore, "age", lambda self, path: 600.0)
    deletes.wait(store, reporter)
    assert reporter.steps == {}
    store.tidy()
    assert f"{gone}.{deletes._DELETING}ab" not in store.files(UNFINISHED)


def test_deletes_that_take_too_long_are_given_up(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", b"")
    monkeypatch.setattr(log, "load", lambda there: None)
    monkeypatch.setattr(deletes, "_ENDED", -1.0)
    with pytest.raises(RepositoryError, match="nothing is lost, run this again"):
        list(deletes.delete(store, ["a"], at_once=1))
    assert [*store.files("")] == ["a"]
