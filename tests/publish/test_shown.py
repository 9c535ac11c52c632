"""What a repository's pages show that is not in its packages: a viewer, and pictures made later."""

import json
import os
import time
from pathlib import Path

import pytest
from tests.publish.serving import publish, run

from nipack.publish import indexes
from nipack.publish.catalogue import previews
from nipack.publish.catalogue.viewer import program_path

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
