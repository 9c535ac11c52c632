"""What is taken back, and what of a repository may be deleted."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypi_simple import ProjectPage
from tests.publish.handwritten import PACKAGES, artifact
from tests.publish.serving import made_key, run, serving

from nipack.publish import flow, log, retraction
from nipack.publish.errors import RepositoryError
from nipack.publish.flow import Settings
from nipack.publish.log import State
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.stores.folder import FolderStore

Artifacts = dict[str, dict[str, Path]]
NAME = "nipy-examplepkg"


def answer(*words: object) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def repository(tmp_path: Path, artifacts: Artifacts, key: Path) -> Path:
    """A repository of both versions, made by two calls."""
    folder = tmp_path / "lab"
    for version in artifacts:
        answer("publish", *artifacts[version].values(), folder, "--key", key)
    return folder


def repodata(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((repository / "conda/noarch/repodata.json").read_bytes())
    return found


def test_a_retracted_version_is_hidden_with_its_reason_and_shown_again(
    repository: Path, key: Path
) -> None:
    before = repodata(repository)
    why = 'an <affine> that is "wrong"'
    answer("retract", NAME, "0.2", repository, "--why", why, "--key", key)
    hidden = repodata(repository)
    [name] = hidden["removed"]
    assert name.startswith(f"{NAME}-0.2-")
    assert [each["version"] for each in hidden["packages.conda"].values()] == ["0.1"]
    assert (repository / "conda/noarch" / hidden["removed"][0]).exists()
    packages = (repository / "apt/dists/stable/main/binary-all/Packages").read_text("utf-8")
    assert "Version: 0.1-1" in packages
    assert "Version: 0.2-1" not in packages
    page = (repository / "simple" / NAME / "index.html").read_text("utf-8")
    yanked = {
        str(each.version): each.yanked_reason for each in ProjectPage.from_html(NAME, page).packages
    }
    assert yanked == {"0.1": None, "0.2": why}
    generation = answer("retract", NAME, "0.2", repository, "--why", why, "--key", key)
    assert generation["generation"] == 3  # that changed nothing
    answer("retract", NAME, "0.2", repository, "--undo", "--key", key)
    assert repodata(repository) == before


@pytest.mark.slow(2)
def test_the_key_that_signs_is_the_one_that_is_named(
    repository: Path, key: Path, tmp_path: Path
) -> None:
    after = made_key(tmp_path / "next.key")
    later = made_key(tmp_path / "later.key")
    trusted = tmp_path / "both.asc"
    trusted.write_text("".join(each.with_suffix(".asc").read_text() for each in (after, later)))
    answer("publish", repository, "--refresh", "--key", key, "--also-trust", trusted)
    for number, signing in enumerate((after, later)):
        if number:
            answer("prune", repository, "--keep", 1, "--key", signing)
        else:
            answer("retract", NAME, "0.1", repository, "--why", "x", "--key", signing)
        fingerprint = signer_of(str(signing)).fingerprint
        for path in ("repository.json", "index.html", f"packages/{NAME}/index.html"):
            assert fingerprint in (repository / path).read_text("utf-8")
        assert answer("verify", repository)[0]["fingerprint"] == fingerprint


def test_what_is_not_there_cannot_be_retracted(repository: Path, key: Path, tmp_path: Path) -> None:
    done = run("retract", NAME, "9.9", repository, "--why", "x", "--key", key)
    assert done.exit_code == 1
    assert "it has 0.1, 0.2" in done.output
    assert run("retract", NAME, "0.2", repository, "--key", key).exit_code == 2
    done = run("retract", NAME, "0.2", repository, "--why", "x")
    assert done.exit_code == 1
    assert "--key" in done.output
    done = run("retract", NAME, "0.2", tmp_path / "none", "--why", "x")
    assert done.exit_code == 1
    assert "is not a repository" in done.output
    assert not (tmp_path / "none").exists()


def test_prune_deletes_old_versions_and_what_no_living_release_names(
    repository: Path, key: Path
) -> None:
    orphan = repository / "apt/pool/main/n/nobody/nobody_1_all.deb"
    orphan.parent.mkdir()
    orphan.write_bytes(b"of a publisher who has not named it yet")
    would = answer("prune", repository, "--keep", 1, "--key", key, "--dry-run")
    assert would["packages"] == [[NAME, "0.1"]]
    assert (repository / would["files"][0]).exists()
    made_old(repository)
    orphan.touch()
    done = answer("prune", repository, "--keep", 1, "--key", key)
    assert set(would["files"]) <= set(done["files"])
    assert orphan.exists()
    left = repodata(repository)["packages.conda"].values()
    assert [each["version"] for each in left] == ["0.2"]
    assert not list(repository.rglob("*0.1*"))
    assert len(list(repository.rglob("by-hash/SHA256/*"))) == 2
    assert len({path.parent for path in (repository / "pictures").rglob("*.webp")}) == 1
    assert log.generations(store_at(str(repository))) == [3]
    assert run("verify", repository).exit_code == 0
    assert answer("prune", repository, "--keep", 1, "--key", key)["files"] == []


def test_prune_keeps_what_the_last_generations_name(repository: Path, key: Path) -> None:
    by_hash = {path.name for path in repository.rglob("by-hash/SHA256/*")}
    made_old(repository)
    assert answer("prune", repository, "--keep", 2, "--key", key)["files"] == []
    assert {path.name for path in repository.rglob("by-hash/SHA256/*")} == by_hash


def made_old(folder: Path) -> None:
    """Let every file be of the week before."""
    then = time.time() - 7 * 24 * 3600
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


@pytest.mark.parametrize("served", [True, False], ids=["http", "folder"])
@pytest.mark.slow
def test_verify_finds_every_kind_of_damage(
    repository: Path, key: Path, served: bool, tmp_path: Path
) -> None:
    with serving(repository) as address:
        place = address if served else str(repository)
        [sound] = answer("verify", place)
        assert sound["problems"] == []
        assert sound["files"] > 10
        deb = next(repository.rglob(f"{NAME}_0.1-1_all.deb"))
        whole = deb.read_bytes()
        for content, reason in ((whole[:-1], "is changed"), (whole[:-1] + b"x", "is changed")):
            deb.write_bytes(content)
            assert problems(place) == [f"{deb.relative_to(repository)}: {reason}"]
        deb.unlink()
        assert problems(place) == [f"{deb.relative_to(repository)}: is missing"]
        deb.write_bytes(whole)
        about = repository / "repository.json"
        text = about.read_bytes()
        about.write_bytes(text.replace(b'"generation": 2', b'"generation": 3'))
        assert any("the signature is not good" in each for each in problems(place))
        about.write_bytes(text)
        release = repository / "apt/dists/stable/InRelease"
        release.write_bytes(release.read_bytes().replace(b"Suite: stable", b"Suite: stabel"))
        assert any("InRelease: the signature" in each for each in problems(place))
    done = run("verify", repository, "--fingerprint", "0" * 40)
    assert done.exit_code == 1
    assert "and not by 0000" in done.output


def problems(place: str) -> list[str]:
    done = run("verify", place, "--json")
    assert done.exit_code == 1
    found: list[str] = json.loads(done.stdout)[0]["problems"]
    return found


def test_verify_says_by_how_much_a_mirror_is_behind(
    repository: Path, key: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(repository, tmp_path / "mirror")
    answer("publish", repository, "--refresh", "--key", key)
    done = run("verify", tmp_path / "mirror", "--against", repository)
    assert done.exit_code == 0, done.output
    assert "it is 1 generation behind: the newest is from" in done.output
    done = run("verify", repository, "--against", tmp_path / "mirror")
    assert "it is 1 generation ahead: the other is from" in done.output


def test_verify_of_what_is_no_repository_says_so(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        done = run("verify", address)
    assert done.exit_code == 1
    assert "is not a repository" in done.output
    done = run("verify", address)
    assert done.exit_code == 1
    assert "cannot be fetched" in done.output


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lab")


@pytest.fixture
def versions(store: FolderStore) -> State:
    """Five generations: three versions of one package, a retraction, and another package."""
    made = flow.first_record(store, Settings(unsigned=True, name="lab"), None)
    state: State | None = None
    for version in ("1.9", "1.10", "1.8"):
        new = replace(PACKAGES[0], version=version, artifacts=())
        path = f"apt/pool/main/n/n/n_{version}_all.deb"
        new = replace(new, artifacts=(artifact(path, version, 3, {"control": "Package: n\n"}),))
        store.write(path, b"deb")
        change = log.Change(add=(new,))
        state = log.append(store, state, lambda now, change=change: change, first=made)  # type: ignore[misc]
    assert state is not None
    return state


def test_the_oldest_versions_are_dropped(store: FolderStore, versions: State) -> None:
    assert [each.version for each in retraction._old_packages(versions, 1)] == ["1.9", "1.8"]
    assert [each.version for each in retraction._old_packages(versions, 2)] == ["1.8"]
    assert retraction._old_packages(versions, 3) == ()
    change = retraction._dropped(versions, None, 2)
    assert change.drop == ("apt/pool/main/n/n/n_1.8_all.deb",)
    assert retraction._dropped(None, None, 2).drop == ()


def test_what_is_dropped_or_old_and_named_by_nobody_is_deleted(
    store: FolderStore, versions: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    ages = {"apt/young": 86_400.0, "apt/old": 86_401.0, "apt/pool/main/n/n/n_1.9_all.deb": 1e9}
    for path in ages:
        store.write(path, b"")
    monkeypatch.setattr(store, "age", lambda path: ages.get(path, 0.0))
    found = retraction._unneeded(store, versions, 9, frozenset())
    assert found == ("apt/old",)
    found = retraction._unneeded(store, versions, 9, frozenset({"apt/young", "apt/none"}))
    assert found == ("apt/old", "apt/young")


@pytest.mark.parametrize(
    ("keep", "whole", "old"),
    [(1, [1, 3], [1, 2]), (2, [1, 3], []), (3, [1], []), (1, [2], [1]), (1, [], []), (9, [1], [])],
)
def test_the_log_is_kept_from_where_it_is_whole(
    keep: int,
    whole: list[int],
    old: list[int],
    store: FolderStore,
    versions: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log, "has_everything", lambda store, each: each in whole)
    found = retraction._old_entries(store, versions, keep)
    assert list(found) == [log.entry_path(each) for each in old]


def test_a_version_that_is_not_there_is_told_with_those_that_are(
    store: FolderStore, versions: State
) -> None:
    name = PACKAGES[0].name
    for key, there in (
        ((name, "2"), "it has 1.10, 1.8, 1.9"),
        (("none", "1"), "it has no package of that name"),
    ):
        said = str(retraction._unknown(store, key, versions))
        assert said == f"{store.address}: has no {key[0]} {key[1]}; {there}"
    with pytest.raises(RepositoryError) as caught:
        retraction.checked_state(FolderStore(Path("none")), None)
    assert str(caught.value) == "none: is not a repository; nipack publish makes one"
