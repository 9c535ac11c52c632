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

from nipack.publish import catalogue, indexes
from nipack.publish.ecosystems import IndexFile
from nipack.publish.errors import StoreError
from nipack.publish.indexes import Payloads, Written
from nipack.publish.log import Change, State
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


BEFORE = {"a": "0" * 64, "repository.json": "1" * 64}


@pytest.mark.parametrize(
    ("changed", "signed", "extends"),
    [(None, True, False), ({"nipy-old"}, False, False), ({"nipy-old"}, True, True)],
)
def test_only_what_was_signed_is_extended(
    changed: set[str] | None,
    signed: bool,
    extends: bool,
    store: FolderStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []

    def derived(snapshot: Any) -> list[IndexFile]:
        asked.append(snapshot)
        return [index("apt/x"), index("apt/settled", settled=True)]

    monkeypatch.setattr(indexes, "_derived", derived)
    monkeypatch.setattr(indexes, "_pages", lambda snapshot, payloads: [index("index.html")])
    packages = Packages({each.key: each for each in PACKAGES})
    state = State(repository=repository(), packages=packages, digest="d", identity=4)
    before = Written(store=store, generation=1, digests=BEFORE, signed=signed)
    names = None if changed is None else frozenset(changed)
    indexes._write_once(store, state, None, before, names, Payloads(store, {}))
    [snapshot] = asked
    mine = [each for each in PACKAGES if each.name == "nipy-old"] if extends else []
    assert snapshot.changed == (names if extends else None)
    assert sorted(each.version for each in snapshot.mine) == [each.version for each in mine]
    assert (snapshot.before, snapshot.keyring) == (before if extends else None, 4)
    assert [each.key for each in snapshot.packages] == sorted(packages)
    there = mine if extends else PACKAGES
    pool = {a.path: a.sha256 for each in there for a in each.artifacts}
    pool |= {path: digest for e in there for a in e.artifacts for path, digest in a.carried.items()}
    made = {path: hashlib.sha256(path.encode()).hexdigest() for path in ("apt/x", "index.html")}
    listed = indexes.read_sums(store.read("SHA256SUMS") or b"")
    assert listed == {**(BEFORE if extends else {}), **pool, **made}
    assert {"apt/settled", "apt/x", "index.html"} <= store.files("").keys()


class Log:
    """A log of generations, of which others make more meanwhile."""

    def __init__(self, *last: int, known: bool = True) -> None:
        self.last, self.known = [*last], known

    def generations(self, store: object) -> list[int]:
        return [1, self.last.pop(0) if len(self.last) > 1 else self.last[0]]

    def load(self, store: object) -> State:
        return state_of(self.last[0])

    def names_changed(self, store: object, since: int, state: State) -> frozenset[str] | None:
        return frozenset({f"{since}-{state.generation}"}) if self.known else None


def state_of(generation: int) -> State:
    return State(repository=repository(generation=generation), packages=Packages())


@pytest.mark.parametrize(
    ("last", "before", "signed", "known", "written"),
    [
        ([3], 2, True, True, [(3, {"2-3"})]),
        ([3], 0, True, True, [(3, None)]),
        ([3], 2, False, True, [(3, None)]),
        ([3], 2, True, False, [(3, None)]),
        ([4], 2, True, True, [(4, {"2-4"})]),
        # Another publishes after the first round, which is written again with what it had.
        ([3, 4], 2, True, True, [(3, {"2-3"}), (4, {"2-3", "2-4"})]),
        ([3, 4], 0, True, True, [(3, None), (4, None)]),
    ],
)
def test_what_others_publish_meanwhile_is_written_too(
    last: list[int],
    before: int,
    signed: bool,
    known: bool,
    written: list[tuple[int, set[str] | None]],
    store: FolderStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[int, frozenset[str] | None]] = []

    def once(
        store: object, state: State, signer: object, of: object, changed: Any, _: object
    ) -> None:
        made.append((state.generation, changed))

    monkeypatch.setattr(indexes, "log", Log(*last, known=known))
    monkeypatch.setattr(indexes, "_write_once", once)
    found = Written(store=store, generation=before, signed=signed)
    monkeypatch.setattr(indexes, "written", lambda store, signer: found)
    assert indexes.write(store, state_of(3), None).generation == written[-1][0]
    assert made == written


def test_an_error_while_indexes_are_written_says_what_is_true(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("lab: why")

    monkeypatch.setattr(indexes, "_write", fail)
    with pytest.raises(StoreError) as caught:
        indexes.write(store, state_of(3), None)
    assert str(caught.value) == (
        "lab: why; generation 3 is in the log, and some indexes do not have it yet; whatever an "
        "index names is there, and the next nipack publish completes them"
    )


def test_what_is_shown_of_data_is_stored_before_and_what_is_missing_afterwards(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def ahead(names: Any, new: Any, payloads: Any, *, volumes: bool) -> list[tuple[str, bytes]]:
        asked.append(([each.key for each in names], new, volumes))
        return [("data/a", b"a"), ("data/b", b"b")]

    def missing(packages: Any, payloads: Any, *, volumes: bool) -> list[Any]:
        asked.append(([each.key for each in packages], volumes))
        return [("nipy-old", ("data/a", b"other")), ("nipy-old", ("data/c", b"c"))]

    monkeypatch.setattr(catalogue, "ahead", ahead)
    monkeypatch.setattr(catalogue, "missing", missing)
    there = Packages({each.key: each for each in PACKAGES[:3]})
    change = Change(add=PACKAGES[3:])
    indexes.store_ahead(store, there, change, {}, volumes=True)
    assert indexes.store_missing(store, there, volumes=False) == {"nipy-old"}
    old = [("nipy-old", "1.0"), ("nipy-old", "1.1")]
    assert asked == [(old, {old[1]}, True), ([*there], False)]
    assert {path: store.read(path) for path in store.files("")} == {
        "data/a": b"a",
        "data/b": b"b",
        "data/c": b"c",
    }
