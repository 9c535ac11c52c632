"""What a repository's pages show that is not in its packages: a viewer, and pictures made later."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.publish.servers import moto
from tests.publish.serving import publish, run

from nipack.publish import flow, indexes, log, retraction
from nipack.publish.catalogue import previews
from nipack.publish.catalogue.viewer import program_path, viewer_at
from nipack.publish.signing import signer_of
from nipack.publish.stores import Store, store_at
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]
PROGRAM = b'(function(e){typeof globalThis<"u"})(function(){var Niivue=%d});'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "data"


def program(folder: Path, number: int = 1) -> Path:
    path = folder / f"niivue-{number}.js"
    path.write_bytes(PROGRAM % number)
    return path


def viewer_of(repository: Path) -> str:
    return str(json.loads((repository / "repository.json").read_text()).get("viewer", ""))


def page_of(repository: Path) -> str:
    return (repository / "packages/nipy-examplepkg/index.html").read_text("utf-8")


@pytest.mark.slow(6)
def test_a_viewer_stays_whoever_publishes_until_it_is_taken_away(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    old, new = artifacts["0.1"], artifacts["0.2"]
    publish(old[".conda"], repository, "--key", key, "--viewer", program(tmp_path))
    first = viewer_of(repository)
    assert program_path(first) in page_of(repository)
    publish(new[".conda"], repository, "--key", key)
    assert viewer_of(repository) == first
    page = page_of(repository)
    assert program_path(first) in page
    listed = indexes.read_sums((repository / "SHA256SUMS").read_bytes())
    assert program_path(first) in listed
    volumes = [path for path in listed if path.endswith("-volume.js")]
    assert [path for path in volumes if path in page]
    assert run("verify", repository).exit_code == 0
    publish(repository, "--key", key, "--viewer", program(tmp_path, 2))
    second = viewer_of(repository)
    assert program_path(second) in page_of(repository)
    then = time.time() - 7 * 24 * 3600
    for path in (repository / "catalogue").rglob("*"):
        os.utime(path, (then, then))
    assert run("prune", repository, "--keep", 3, "--key", key).exit_code == 0
    assert not (repository / program_path(first)).exists()
    assert (repository / program_path(second)).exists()
    publish(repository, "--key", key, "--viewer", "none")
    assert 'class="viewer"' not in page_of(repository)
    assert run("verify", repository).exit_code == 0


@pytest.mark.slow(2)
def test_a_viewer_comes_to_data_that_is_there_and_changes_no_package(
    artifacts: Artifacts, key: Path, repository: Path, tmp_path: Path
) -> None:
    publish(artifacts["0.1"][".whl"], repository, "--key", key)
    assert 'class="viewer"' not in page_of(repository)
    assert not list(repository.rglob("*volume*"))
    before = {path: path.read_bytes() for path in repository.rglob("*.whl")}
    publish(repository, "--key", key, "--viewer", program(tmp_path))
    assert 'class="viewer"' in page_of(repository)
    assert {path: path.read_bytes() for path in before} == before
    refused = run("publish", repository, "--key", key, "--viewer", tmp_path / "none.js")
    assert refused.exit_code == 1
    assert "give niivue.umd.js" in refused.stderr


@pytest.mark.slow(2)
def test_pictures_that_nobody_could_make_are_made_later(
    artifacts: Artifacts, key: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(previews, "can_draw", lambda: False)
        publish(artifacts["0.1"][".conda"], repository, "--key", key)
    assert not list(repository.rglob("*.webp"))
    done = publish(repository, "--key", key, "--refresh")
    assert not list(repository.rglob("*.webp")), "signing again stays quick"
    done = publish(repository, "--key", key, "--pictures")
    assert done["generation"] == 3
    assert "-large.webp" in page_of(repository)
    row = json.loads((repository / "packages.json").read_text())["packages"][0]
    assert row["picture"]["path"].endswith("-small.webp")
    assert run("verify", repository).exit_code == 0


@pytest.fixture(params=["folder", "s3"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "folder":
        yield store_at(str(tmp_path / "data"))
        return
    with moto(tmp_path) as place:
        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        yield store_at(f"{place.address}/data")


def volumes_of(store: Store) -> set[str]:
    return {path for path in store.files("pictures") if "volume" in path}


def every_file(store: Store) -> set[str]:
    return {*store.files("")}


def listed(store: Store) -> set[str]:
    return {*indexes.read_sums(store.read("SHA256SUMS") or b"")}


@pytest.mark.slow(6)
def test_volumes_that_no_viewer_shows_any_more_are_pruned(
    artifacts: Artifacts,
    key: Path,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer = signer_of(str(key))
    address = None if store.folder else "https://data.lab.example"
    viewer = viewer_at(str(program(tmp_path)))
    shown = flow.Settings(name="lab", address=address, viewer=viewer)
    flow.publish([artifacts["0.1"][".conda"]], store, signer, shown)
    flow.publish([artifacts["0.2"][".conda"]], store, signer, flow.Settings())
    with monkeypatch.context() as later:
        later.setattr(retraction, "_YOUNG", -60)
        retraction.prune(store, signer, keep=2)
        assert len({path.rpartition("/")[0] for path in volumes_of(store)}) == 2, "it has a viewer"
    flow.publish([], store, signer, flow.Settings(viewer=viewer_at("none")))
    assert not volumes_of(store) & listed(store)
    retraction.prune(store, signer, keep=2)
    assert volumes_of(store), "somebody may be about to name what was just stored"
    before = every_file(store)
    monkeypatch.setattr(retraction, "_YOUNG", -60)
    done = retraction.prune(store, signer, keep=2)
    assert before - every_file(store) == {*done.files}
    assert not volumes_of(store)
    shown_before = {path for path in done.files if path.startswith(("catalogue/", "pictures/"))}
    assert shown_before == {
        path for path in before if "volume" in path or path.startswith("catalogue/niivue/")
    }
    assert [path for path in store.files("pictures") if path.endswith("-large.webp")]
    assert check_repository(store.address).problems == ()
    flow.publish([], store, signer, flow.Settings(viewer=viewer))
    assert volumes_of(store) & listed(store), "they are made again when there is a viewer again"


@pytest.mark.slow(4)
def test_what_a_signed_list_names_stays_until_another_is_written(
    artifacts: Artifacts,
    key: Path,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A publisher was ended between the log and the indexes, then somebody prunes."""
    signer, store = signer_of(str(key)), store_at(str(repository))
    viewer = viewer_at(str(program(tmp_path)))
    flow.publish([artifacts["0.1"][".conda"]], store, signer, flow.Settings(viewer=viewer))
    log.append(store, log.load(store), lambda state: log.Change(repository={"viewer": ""}))
    assert volumes_of(store) & listed(store)
    monkeypatch.setattr(retraction, "_YOUNG", -60)
    there: list[set[str]] = []
    delete = type(store).delete

    def deleted(self: Store, path: str) -> None:
        there.append(listed(store) - every_file(store))
        delete(self, path)

    monkeypatch.setattr(type(store), "delete", deleted)
    assert retraction.prune(store, signer, keep=2).files
    assert not any(there)
    assert check_repository(store.address).problems == ()


@pytest.mark.slow(4)
def test_a_list_of_volumes_goes_before_them(
    artifacts: Artifacts,
    key: Path,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else who prunes and is ended leaves a list of what nobody makes again."""
    signer, store = signer_of(str(key)), store_at(str(repository))
    viewer = viewer_at(str(program(tmp_path)))
    flow.publish([artifacts["0.1"][".conda"]], store, signer, flow.Settings(viewer=viewer))
    flow.publish([], store, signer, flow.Settings(viewer=viewer_at("none")))
    monkeypatch.setattr(retraction, "_YOUNG", -60)
    delete = type(store).delete

    is_ended = False

    def deleted(self: Store, path: str) -> None:
        nonlocal is_ended
        if is_ended:
            raise KeyboardInterrupt
        delete(self, path)
        is_ended = path.endswith("-volume.js")

    with monkeypatch.context() as ended:
        ended.setattr(indexes, "WRITERS", 1)
        ended.setattr(type(store), "delete", deleted)
        with suppress(KeyboardInterrupt):
            retraction.prune(store, signer, keep=2)
    assert is_ended
    flow.publish([], store, signer, flow.Settings(viewer=viewer))
    shown = {path for path in volumes_of(store) & listed(store) if path.endswith("-volume.js")}
    assert shown
    assert {path for path in shown if path in page_of(repository)} == shown
