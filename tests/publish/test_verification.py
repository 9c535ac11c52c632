"""What `nipack verify ADDRESS` finds of a repository that is not as it was signed."""

import json
import shutil
from pathlib import Path

import pytest

from nipack.publish import flow, log
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture(scope="module")
def published(artifacts: Artifacts, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, signer = tmp_path_factory.mktemp("published") / "lab", signer_of(str(key))
    settings = flow.Settings(name="lab", address="https://data.lab.example")
    for version in ("0.1", "0.2"):
        flow.publish([artifacts[version][".deb"]], store_at(str(folder)), signer, settings)
    return folder


@pytest.fixture
def repository(published: Path, tmp_path: Path) -> Path:
    """One of two generations, to be damaged."""
    return Path(shutil.copytree(published, tmp_path / "lab"))


def test_one_that_nobody_has_touched_has_no_problem(repository: Path) -> None:
    assert check_repository(str(repository)).problems == ()


@pytest.mark.parametrize("generation", [1, 2])
def test_an_entry_of_the_log_is_the_one_that_was_signed(repository: Path, generation: int) -> None:
    path = log.entry_path(generation)
    entry = json.loads((repository / path).read_bytes())
    entry["nonce"] = "0" * 16
    (repository / path).write_text(json.dumps(entry), "utf-8")
    assert check_repository(str(repository)).problems == (f"{path}: is changed",)
    (repository / path).unlink()
    assert check_repository(str(repository)).problems == (f"{path}: is missing",)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("InRelease", None, "is missing"),
        ("InRelease", b"Origin: another\n", "none of it can be trusted"),
        ("Release", b"Origin: another\n", "is changed"),
    ],
)
def test_what_apt_is_led_by_is_looked_at(
    repository: Path, name: str, content: bytes | None, said: str
) -> None:
    path = repository / "apt/dists/stable" / name
    path.write_bytes(content) if content else path.unlink()
    problems = check_repository(str(repository)).problems
    assert any(f"{name}: " in each and said in each for each in problems), problems


def test_a_repomd_without_its_signature_is_a_problem(repository: Path) -> None:
    (repository / "rpm/repodata/repomd.xml.asc").unlink()
    assert check_repository(str(repository)).problems == (
        "rpm/repodata/repomd.xml.asc: is missing",
    )
