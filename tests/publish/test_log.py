"""The log by itself: what each generation says, what follows from all, and what is damage."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.publish.catalogue.samples import package, repository

from nipack.publish import log
from nipack.publish.errors import RepositoryError
from nipack.publish.log import Change, State
from nipack.publish.packages import Packages
from nipack.publish.stores.folder import FolderStore

FIRST = repository(generation=0, date="")
DATE = "2026-11-20T12:00:00Z"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lab")


class Clock:
    """What the log asks for the time."""

    strftime, gmtime = staticmethod(time.strftime), staticmethod(time.gmtime)

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def time(self) -> float:
        return self.seconds + 0.9


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(1_795_176_000)
    monkeypatch.setattr(log, "time", made)
    return made


def appended(store: FolderStore, state: State | None, **change: Any) -> State:
    everything = change.pop("everything", False)
    wanted = Change(**change)
    after = log.append(store, state, lambda now: wanted, first=FIRST, everything=everything)
    assert after is not None
    return after


def entry(store: FolderStore, generation: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.read(log.entry_path(generation)) or b"")
    return found


def same(one: State | None, other: State) -> None:
    assert one is not None
    assert one.repository == other.repository
    assert dict(one.packages) == dict(other.packages)
    assert (one.digest, one.previous, one.identity) == (
        other.digest,
        other.previous,
        other.identity,
    )


def test_a_generation_follows_from_those_before_it(store: FolderStore) -> None:
    assert log.load(store) is None
    one, two = package(version="0.3"), package(version="0.10")
    first = appended(store, None, add=(one,))
    assert first.repository == replace(FIRST, generation=1, date=DATE)
    second = appended(store, first, add=(two,))
    third = appended(store, second, repository={"title": "Another"})
    fourth = appended(store, third, retract={one.key: "wrong"})
    fifth = appended(store, fourth, drop=tuple(each.path for each in two.artifacts))
    states = [first, second, third, fourth, fifth]
    for number, state in enumerate(states, 1):
        assert state.generation == number
        same(log.load(store, number), state)
        content = store.read(f".nipack/log/{number:08}.json") or b""
        assert state.digest == hashlib.sha256(content).hexdigest()
        assert state.previous == (states[number - 2].digest if number > 1 else "")
    same(log.load(store), fifth)
    assert log.generations(store) == [1, 2, 3, 4, 5]
    assert dict(fourth.packages) == {one.key: replace(one, retracted="wrong"), two.key: two}
    assert set(fifth.packages) == {one.key}
    # What users are told once is as of the generation that changed it.
    assert [state.identity for state in states] == [1, 1, 3, 3, 3]
    assert [entry(store, n)["names"] for n in range(1, 6)] == [
        [one.name], [one.name], None, [one.name], None,
    ]  # fmt: skip
    assert len({entry(store, n)["nonce"] for n in range(1, 6)}) == 5
    assert {len(entry(store, n)["nonce"]) for n in range(1, 6)} == {16}


def test_what_was_dropped_in_part_is_there_in_part(store: FolderStore) -> None:
    one = package()
    state = appended(store, None, add=(one,))
    state = appended(store, state, drop=(one.artifacts[0].path,))
    assert state.packages[one.key].artifacts == one.artifacts[1:]


def test_a_version_can_be_shown_again(store: FolderStore) -> None:
    one = package(retracted="wrong")
    state = appended(store, None, add=(one,))
    assert appended(store, state, retract={one.key: ""}).packages[one.key].retracted is None


def test_now_and_then_one_has_everything(store: FolderStore) -> None:
    one = package(license_text="may be used")
    state = appended(store, None, add=(one,))
    for _ in range(32):
        state = appended(store, state)
    assert [n for n in log.generations(store) if log.has_everything(store, n)] == [1, 33]
    whole = entry(store, 33)["everything"]
    assert whole["identity"] == 1
    assert list(whole["texts"].values()) == ["may be used"]
    assert len(whole["packages"]) == 1
    for generation in range(1, 33):
        (store.folder / log.entry_path(generation)).unlink()  # type: ignore[operator]
    same(log.load(store), state)
    state = appended(store, state, everything=True)
    assert log.has_everything(store, 34)
    same(log.load(store), state)


def test_of_two_who_make_the_same_generation_one_makes_the_next(store: FolderStore) -> None:
    first = appended(store, None)
    other = appended(store, first, add=(package("nipy-other"),))
    asked: list[int] = []

    def change(state: State | None) -> Change | None:
        assert state is not None
        asked.append(state.generation)
        return Change(add=(package(),))

    after = log.append(store, first, change)
    assert after is not None
    assert asked == [1, 2], "it is asked again, of what the other has made"
    assert (after.generation, after.previous) == (3, other.digest)
    assert len(after.packages) == 2
    assert log.append(store, after, lambda state: None) is after
    assert log.generations(store) == [1, 2, 3]


def test_what_is_no_repository_is_said(store: FolderStore) -> None:
    with pytest.raises(RepositoryError) as caught:
        log.append(store, None, lambda state: Change())
    message = f"{store.address}: is not a repository; nipack publish makes one"
    assert str(caught.value).startswith(message)


def test_a_date_is_never_before_the_last_one(store: FolderStore, clock: Clock) -> None:
    state = appended(store, None)
    clock.seconds -= 300
    assert appended(store, state).repository.date == DATE, "a clock may be off by that much"
    clock.seconds -= 1
    state = log.load(store) or state
    with pytest.raises(RepositoryError) as caught:
        appended(store, state)
    assert str(caught.value).startswith(
        "this machine's clock says 2026-11-20T11:54:59Z, and the last generation was made at "
        f"{DATE}; "
    )
    after = log.append(store, state, lambda now: Change(), clock_is_right=True)
    assert after is not None
    assert after.repository.date == "2026-11-20T11:54:59Z"
    clock.seconds += 3600
    assert appended(store, after).repository.date == "2026-11-20T12:54:59Z"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: "[]", "is not of the form of an entry (it holds no object)"),
        (lambda text: text[:-9], "is not of the form of an entry (it ends too early)"),
        (lambda text: "{}", "'everything'"),
        (lambda text: text.replace('{"name":"nipy', '{"called":"nipy'), "a line holds no package"),
        (lambda text: text.replace("}\n]}}", "},\n]}}"), ""),
    ],
    ids=["list", "cut", "empty", "no name", "comma"],
)
def test_a_damaged_entry_is_named(
    damage: Callable[[str], str], said: str, store: FolderStore
) -> None:
    appended(store, None, add=(package(),))
    path = store._top / log.entry_path(1)
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    if not said:  # a comma more is no damage, as each line may have one
        assert log.load(store) is not None
        return
    with pytest.raises(RepositoryError) as caught:
        log.load(store)
    assert str(caught.value).startswith(f"{store.address}/.nipack/log/00000001.json: ")
    assert str(caught.value).endswith(
        "; the log of a repository is never edited: restore this file from a copy of the repository"
    )


def test_an_entry_that_does_not_follow_is_named(store: FolderStore) -> None:
    state = appended(store, None)
    for _ in range(2):
        state = appended(store, state)
    path = store._top / log.entry_path(2)
    text = path.read_text("utf-8")
    path.write_text(text.replace(entry(store, 2)["previous"], "0" * 64), "utf-8")
    with pytest.raises(RepositoryError, match=r"00000002\.json: does not follow the one before it"):
        log.load(store)
    path.write_text(text.replace(entry(store, 2)["nonce"], "0" * 16), "utf-8")
    with pytest.raises(RepositoryError, match=r"00000003\.json: does not follow the one before it"):
        log.load(store)


class Fading(FolderStore):
    """A store from which a file vanishes between its being listed and being read."""

    def read(self, path: str) -> bytes | None:
        return None


def test_an_entry_that_is_gone_is_named(store: FolderStore) -> None:
    appended(store, None)
    with pytest.raises(RepositoryError, match=r"00000001\.json: is gone; the log of a repository"):
        log.load(Fading(store._top))


def test_which_names_changed_is_known_as_far_as_the_log_goes(store: FolderStore) -> None:
    state = appended(store, None, add=(package("nipy-a"),))
    state = appended(store, state, add=(package("nipy-b"),))
    state = appended(store, state, retract={("nipy-a", "0.3"): "wrong"})
    assert log.names_changed(store, 1, state) == frozenset({"nipy-a", "nipy-b"})
    assert log.names_changed(store, 2, state) == frozenset({"nipy-a"})
    assert log.names_changed(store, 3, state) == frozenset()
    told = appended(store, state, repository={"title": "Another"})
    assert log.names_changed(store, 3, told) is None, "all pages have the title"
    (store._top / log.entry_path(2)).unlink()
    assert log.names_changed(store, 1, state) is None
    assert log.names_changed(store, 2, state) == frozenset({"nipy-a"})


def test_a_change_comes_back_as_it_was() -> None:
    change = Change(
        repository={"title": "x"},
        add=(package(),),
        retract={("b", "2"): "why", ("a", "1"): ""},
        drop=("apt/pool/x.deb",),
    )
    assert log.change_from_json(json.loads(json.dumps(log.change_to_json(change)))) == change
    assert change.names == {"nipy-templates", "a", "b"}


def test_other_files_in_the_log_s_folder_are_no_generations(store: FolderStore) -> None:
    state = appended(store, None)
    (store._top / ".nipack/log/notes.txt").touch()
    (store._top / ".nipack/log/00000009.json.part").touch()
    assert log.generations(store) == [1]
    assert Packages().get(("x", "1")) is None
    same(log.load(store), state)
