"""What a call of publish does in the light of what is there."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builder.samples import RecordingReporter
from tests.publish.catalogue.samples import repository
from tests.publish.handwritten import PACKAGES, artifact

from nipack.publish import flow
from nipack.publish.catalogue.viewer import Viewer
from nipack.publish.flow import Settings
from nipack.publish.log import State
from nipack.publish.packages import Packages
from nipack.publish.reading import Candidate
from nipack.publish.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lab")


FIRST, SECOND = (
    replace(PACKAGES[0], name="nipy-x", version=version, artifacts=()) for version in ("1", "2")
)


def candidate(name: str, of: Any = FIRST, *, sha256: str = "a" * 64, path: str = "") -> Candidate:
    made = artifact(path or f"apt/pool/{name}", of.version, 3, {"control": ""})
    return Candidate(file=Path(name), package=of, artifact=replace(made, sha256=sha256, date=""))


def plan_of(
    store: FolderStore, *candidates: Candidate, refresh: bool = False, **settings: Any
) -> Any:
    given = Settings(**settings)
    unreadable = {Path("odd"): "odd: why"}
    more = {"refresh": refresh, "pictures": False}
    return flow._Plan(candidates, unreadable, store, given, None, **more)


def state_of(*packages: Any, **changes: Any) -> State:
    known = repository(fingerprint=None, **changes)
    return State(repository=known, packages=Packages({each.key: each for each in packages}))


def test_what_is_new_known_or_refused(store: FolderStore) -> None:
    there = replace(FIRST, artifacts=(candidate("there").artifact,))
    other = replace(FIRST, payload_id="f" * 64)
    given = (
        candidate("new"),
        candidate("there"),
        candidate("changed", path="apt/pool/there", sha256="b" * 64),
        candidate("other", other),
        candidate("second", SECOND),
        candidate("second-other", replace(SECOND, payload_id="f" * 64)),
        candidate("twice", path="apt/pool/new"),
    )
    plan = plan_of(store, *given)
    assert plan.changes(state_of(there)) is True
    assert plan.local == {"apt/pool/new": Path("new"), "apt/pool/second": Path("second")}
    answer = plan.answer(repository(), changed=True)
    assert (answer.new, answer.changed) == ((Path("new"), Path("second")), True)
    assert answer.known == (Path("there"), Path("twice"))
    assert answer.names == ("nipy-x",)
    assert answer.refused == {
        Path("odd"): "odd: why",
        Path("changed"): f"changed: there is already published with other content ({'a' * 16}, "
        f"and this is {'b' * 16}); published files never change: raise the version or the revision",
        Path("other"): "other: nipy-x 1 is already published with other data (payload "
        f"{FIRST.payload_id[:16]}, and this is {'f' * 16}); raise the version: nipack bump",
        Path("second-other"): "second-other: nipy-x 2 is already published with other data "
        f"(payload {SECOND.payload_id[:16]}, and this is {'f' * 16}); raise the version: nipack "
        "bump",
    }


def test_whether_there_is_anything_to_do(store: FolderStore) -> None:
    there = state_of(replace(FIRST, artifacts=(candidate("there").artifact,)))
    assert plan_of(store, candidate("there")).changes(there) is False
    assert plan_of(store, candidate("there"), refresh=True).changes(there) is True
    assert plan_of(store, title="Neuro data").changes(there) is False
    assert plan_of(store, title="Other").changes(there) is True
    assert plan_of(store).changes(None) is False, "one is refused"
    empty = flow._Plan((), {}, store, Settings(), None, refresh=False, pictures=False)
    assert empty.changes(None) is True
    assert empty.changes(there) is False


def test_only_what_is_said_otherwise_is_changed(store: FolderStore) -> None:
    state = state_of(valid_days=7, address="https://a.example")
    same = plan_of(store, title="Neuro data", valid_days=7, address="https://a.example/")
    assert same.changed_settings(state) == {}
    other = plan_of(store, title="Other", valid_days=0, address="https://b.example//")
    assert other.changed_settings(state) == {
        "title": "Other",
        "valid_days": 0,
        "address": "https://b.example",
    }
    assert other.changed_settings(None) == {}
    viewer = Viewer(program=b"program")
    shown = plan_of(store, viewer=viewer)
    assert shown.changed_settings(state) == {"viewer": viewer.digest}
    assert shown.changed_settings(state_of(viewer=viewer.digest)) == {}
    away = plan_of(store, viewer=Viewer())
    assert away.changed_settings(state_of(viewer=viewer.digest)) == {"viewer": ""}
    assert [each._has_viewer(state) for each in (shown, away, same)] == [True, False, False]
    assert same._has_viewer(state_of(viewer=viewer.digest))
    assert not same._has_viewer(None)

    class Signer:
        fingerprint, certificate = "F" * 40, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"

    signed = flow._Plan((), {}, store, Settings(), Signer(), refresh=False, pictures=False)  # type: ignore[arg-type]
    certificate = f"{Signer.certificate.strip()}\n"
    assert signed.changed_settings(state) == {
        "fingerprint": "F" * 40,
        "certificate": certificate,
    }
    known = state_of(certificate="old")
    assert signed.changed_settings(known) == {"fingerprint": "F" * 40}


def test_what_another_has_put_there_meanwhile_is_refused(
    store: FolderStore, tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("new", "same", "spoiled", "beside")}
    for name, file in files.items():
        file.write_bytes(name.encode())
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in files}
    given = []
    for name, file in files.items():
        made = candidate(name, sha256=digests[name])
        carried = {f"apt/pool/{name}.json": b"signed"}
        sums = {path: hashlib.sha256(content).hexdigest() for path, content in carried.items()}
        found = replace(made.artifact, carried=sums)
        given.append(replace(made, file=file, artifact=found, carried=carried))
    store.write("apt/pool/same", b"same")
    store.write("apt/pool/same.json", b"signed")
    store.write("apt/pool/spoiled", b"other")
    store.write("apt/pool/beside.json", b"other")
    plan, reporter = plan_of(store, *given), RecordingReporter()
    change = plan.uploaded(None, reporter)
    assert change is not None
    assert [each.artifacts[0].path for each in change.add] == ["apt/pool/new", "apt/pool/same"]
    assert {each.artifacts[0].date[:2] for each in change.add} == {"20"}
    assert store.read("apt/pool/new") == b"new"
    assert reporter.steps["upload"][0] == 4 * 3
    refused = plan.answer(repository(), changed=True).refused
    for name, path in (("spoiled", "apt/pool/spoiled"), ("beside", "apt/pool/beside.json")):
        assert refused[files[name]] == (
            f"{files[name]}: {path} is there with other bytes, which another publisher may be "
            "about to publish; try again, and if it stays, nipack prune deletes what no "
            "generation names"
        )
    known = state_of(*(replace(each, artifacts=each.artifacts) for each in change.add[:1]))
    assert plan.uploaded(known, reporter) is not None
    everything = Packages().with_added(change.add)
    assert plan.uploaded(State(repository=repository(), packages=everything), reporter) is None
