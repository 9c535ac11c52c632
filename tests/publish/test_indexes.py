"""In which order files are written, and which are not."""

import hashlib
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.publish.catalogue.samples import repository
from tests.publish.handwritten import PACKAGES, artifact

from nipack.publish import indexes
from nipack.publish.ecosystems import IndexFile
from nipack.publish.errors import StoreError
from nipack.publish.indexes import Payloads
from nipack.publish.log import State
from nipack.publish.packages import Packages
from nipack.publish.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lab")


def index(path: str, own: int = 0, *, settled: bool = False) -> IndexFile:
    return IndexFile(path=path, content=path.encode(), own=own, settled=settled)


def test_files_of_packages_are_written_at_once_and_others_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(indexes, "_AT_ONCE", 3)
    owns = [0, 0, 1, 2, 1, 1, 2, 0, 3]
    files = [index(str(number), own) for number, own in enumerate(owns)]
    found = [[file.path for file in batch] for batch in indexes._batches(files)]
    assert found == [["0"], ["1"], ["2", "4"], ["3"], ["5"], ["6"], ["7"], ["8"]]


@pytest.mark.parametrize("few", [1, 2])
def test_what_is_called_after_its_content_is_written_once(
    few: int, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "_FEW", few)
    store.write("a/there", b"before")
    files = [index("a/there", settled=True), index("b/new", settled=True), index("c/leads")]
    indexes._write_settled(store, files)
    assert {path: store.read(path) for path in store.files("")} == {
        "a/there": b"before",
        "b/new": b"b/new",
    }


def test_each_lot_is_written_after_the_one_before(store: FolderStore) -> None:
    order: list[str] = []
    go = threading.Event()

    class Slow:
        def write(self, path: str, content: bytes) -> None:
            if path == "a":
                assert go.wait(10)
            order.append(path)

    with indexes._Writing(Slow()) as writing:  # type: ignore[arg-type]
        writing.then([index("a")])
        go.set()
        writing.then([index("b"), index("c")])
        writing.then([])
    assert order[0] == "a"
    assert sorted(order) == ["a", "b", "c"]


def test_what_cannot_be_written_is_raised(store: FolderStore) -> None:
    names: dict[str, str] = {}

    class Broken:
        def write(self, path: str, content: bytes) -> None:
            raise StoreError("no")

    with pytest.raises(StoreError), indexes._Writing(Broken()) as writing:  # type: ignore[arg-type]
        writing.then([index("a")])
    with pytest.raises(KeyError), indexes._Writing(Broken()) as writing:  # type: ignore[arg-type]
        writing.then([index(names["a"])])


def test_the_smallest_artifact_is_fetched_from_another_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    class Far:
        folder = None

        def read(self, path: str) -> bytes | None:
            asked.append(path)
            return b"there" if path.endswith("b.deb") else None

    sizes = {"sources/a.tar.gz": 1, "apt/b.deb": 2000, "apt/c.deb": 2001, "other/d": 1}
    made = tuple(artifact(path, "1", size, {}) for path, size in sizes.items())
    some = replace(PACKAGES[0], artifacts=made[1:])
    payloads = Payloads(Far(), {})  # type: ignore[arg-type]
    monkeypatch.setattr(indexes, "_FETCHED", 2000)
    found = payloads.open(some)
    assert found is not None
    assert (found[0], found[1].read()) == ("b.deb", b"there")
    monkeypatch.setattr(indexes, "_FETCHED", 1999)
    assert payloads.open(some) is None
    assert payloads.open(replace(some, artifacts=())) is None
    assert asked == ["apt/b.deb"]
    assert payloads.read("x") is None


@pytest.mark.parametrize(
    ("about", "generation"),
    [
        ({"sha256sums": "SUMS", "generation": 3}, 3),
        ({"sha256sums": "other", "generation": 3}, 0),
        ({"generation": 3}, 0),
        ({"sha256sums": "SUMS", "generation": "x"}, 0),
        ({"sha256sums": "SUMS"}, 0),
        ([], 0),
    ],
)
def test_what_was_written_last_is_what_belongs_together(
    about: Any, generation: int, store: FolderStore
) -> None:
    assert indexes.written(store, None).generation == 0
    sums = f"{'0' * 64}  a\nno line\n{'1' * 63}  b\n".encode()
    store.write("SHA256SUMS", sums)
    assert indexes.written(store, None).generation == 0
    text = json.dumps(about).replace('"SUMS"', f'"{hashlib.sha256(sums).hexdigest()}"')
    store.write("repository.json", text.encode())
    found = indexes.written(store, None)
    assert found.generation == generation
    assert found.digests == ({"a": "0" * 64} if generation else {})
    assert found.signed is bool(generation)


@pytest.mark.parametrize(("days", "until"), [(None, None), (0, None), (2, "2026-11-22T12:00:00Z")])
def test_it_expires_after_so_many_days(days: int | None, until: str | None) -> None:
    assert (
        indexes._expiry(State(repository=repository(valid_days=days), packages=Packages())) == until
    )
