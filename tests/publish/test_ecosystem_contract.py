"""The contract of every ecosystem: what it reads is published, shown, and got, from it alone."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.conftest import REPOSITORY
from tests.publish.serving import EXAMPLE

from nipack.builder.formats import formats
from nipack.cli.app import nipack
from nipack.publish import log
from nipack.publish.ecosystems import Ecosystem, Snapshot, ecosystem_of, ecosystems
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

# What `nipack build` does not make is built from the recipe of the same name, by these programs.
BY_RECIPE = {"rpm": ("rpmbuild",)}


def ran(*words: object) -> Result:
    return CliRunner().invoke(nipack, [str(word) for word in words])


def answer(*words: object) -> Any:
    done = ran(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Made:
    """An artifact of the example, and a repository that has it alone."""

    ecosystem: Ecosystem
    artifact: Path
    folder: Path
    said: dict[str, Any]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What every format makes of the example."""
    folder = tmp_path_factory.mktemp("built")
    words = [*(f"--format={name}" for name in formats()), "-q", "-o", str(folder)]
    command = [sys.executable, "-m", "nipack", "build", str(EXAMPLE), *words]
    subprocess.run(command, check=True, capture_output=True)
    return sorted(folder.iterdir())


def from_recipe(name: str, folder: Path) -> list[Path]:
    """Return what a distribution's own program makes of our recipe."""
    words = ["-f", name, "--build", "--draft", "-q", "-o", folder / "recipe", "--dist"]
    done = ran("recipe", EXAMPLE, *words, folder / "dist")
    assert done.exit_code == 0, done.output
    # The package of the sources is there, too.
    return [path for path in (folder / "dist").iterdir() if ".src." not in path.name]


def params() -> list[Any]:
    return [
        pytest.param(name, marks=[pytest.mark.tools(*BY_RECIPE.get(name, ()))])
        for name in ecosystems()
    ]


@pytest.fixture(scope="module", params=params())
def made(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    built: list[Path],
    key: Path,
) -> Made:
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    candidates = from_recipe(name, folder) if name in BY_RECIPE else built
    [artifact] = [each for each in candidates if each.name.endswith(ecosystems()[name].suffix)]
    said = answer("publish", artifact, folder / "www", "--key", key)
    return Made(ecosystems()[name], artifact, folder / "www", said)


def digests(manifest: str) -> dict[str, str]:
    lines = (line for line in manifest.splitlines() if not line.startswith("#"))
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def test_it_reads_what_is_built(made: Made) -> None:
    assert ecosystem_of(made.artifact.name) is made.ecosystem
    reading = made.ecosystem.read(made.artifact)
    assert (reading.package.name, reading.package.version) == ("nipy-examplepkg", "0.1")
    assert reading.place.startswith(f"{made.ecosystem.folder}/")
    assert reading.place.endswith(made.ecosystem.suffix)
    json.dumps(dict(reading.index))
    assert reading.package.description.startswith("A small example of a neuroimaging")
    # Debian's copyright file has the licence, and is not in a form of which the text is taken.
    assert bool(reading.package.license_text) == (made.ecosystem.name != "apt")


def test_its_members_are_what_is_installed(made: Made) -> None:
    with made.artifact.open("rb") as stream:
        found = {path: content.read() for path, content in made.ecosystem.members(stream)}
    record = "share/nipack/nipy-examplepkg"
    assert json.loads(found[f"{record}/package.json"])["name"] == "nipy-examplepkg"
    listed = digests(found[f"{record}/SHA256SUMS"].decode())
    assert "share/nipy/nipy/examplepkg/config.ini" in listed
    assert {path: hashlib.sha256(found[path]).hexdigest() for path in listed} == listed


def test_it_is_published_alone(made: Made, key: Path) -> None:
    assert made.said["published"] == [str(made.artifact)]
    if made.ecosystem.name == "sources":
        assert made.said["lines"] == {}  # it is built, not installed
    else:
        [(title, lines)] = made.said["lines"].items()
        assert title == made.ecosystem.title
        assert any("nipy-examplepkg" in line for line in lines)
    assert check_repository(str(made.folder)).problems == ()
    state = log.load(store_at(str(made.folder)))
    assert state is not None
    signer = signer_of(str(key))
    snapshot = Snapshot(repository=state.repository, packages=state.ordered(), signer=signer)
    paths = [each.path for each in made.ecosystem.indexes(snapshot)]
    # What is in no ecosystem's folder is never pruned.
    assert bool(paths) == (made.ecosystem.name != "sources")
    assert all(path.startswith(f"{made.ecosystem.folder}/") for path in paths)


def test_the_catalogue_shows_it(made: Made) -> None:
    page = (made.folder / "packages/nipy-examplepkg/index.html").read_text("utf-8")
    assert made.artifact.name in page
    assert made.ecosystem.title in page
    [facts] = made.folder.glob("pictures/*/facts.json")
    [image] = json.loads(facts.read_bytes())["images"]
    assert (made.folder / image["large"]["path"]).is_file()


def test_croissant_states_its_media_type(made: Made) -> None:
    content = (made.folder / "packages/nipy-examplepkg/croissant.json").read_bytes()
    artifact = json.loads(content)["distribution"][0]
    assert artifact["encodingFormat"] == made.ecosystem.media_type
    assert re.fullmatch(r"application/(?!octet-stream)[a-z0-9.+-]+", made.ecosystem.media_type)


def test_get_takes_the_payload_from_it(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_USER_DIR", str(tmp_path / "user"))
    answer("repository", "add", made.folder)
    if not made.ecosystem.unpacks:
        done = ran("get", "nipy-examplepkg")
        assert (done.exit_code, "in no format that can be unpacked" in done.output) == (1, True)
        return
    got = answer("get", "nipy-examplepkg")
    assert (
        Path(got["directory"], "phantom/T1.nii.gz").read_bytes()
        == (EXAMPLE / "examplepkg/phantom/T1.nii.gz").read_bytes()
    )
    assert ran("verify", "nipy/examplepkg").exit_code == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda good: b"",
        lambda good: good[: len(good) // 3],
        # All that tells of the data is there, and its last bytes are not.
        lambda good: good[:-9],
        lambda good: b"no" * 99,
    ],
    ids=["empty", "cut", "short", "other"],
)
def test_a_damaged_one_is_refused_by_name(
    made: Made, damage: Callable[[bytes], bytes], tmp_path: Path, key: Path
) -> None:
    path = tmp_path / made.artifact.name
    path.write_bytes(damage(made.artifact.read_bytes()))
    done = ran("publish", path, tmp_path / "www", "--key", key, "--json")
    assert done.exit_code == 1, done.output
    [said] = json.loads(done.stdout)["errors"]
    assert said.startswith(f"{path}: ")
    assert "bug in nipack" not in said
    assert "damaged" in said
    assert "; build it again" in said


def test_help_and_page_name_every_ending() -> None:
    endings = [each.suffix for each in ecosystems().values()]
    assert f"ARTIFACT ({', '.join(endings)})" in " ".join(ran("publish", "--help").output.split())
    page = (REPOSITORY / "docs" / "publishing.md").read_text("utf-8")
    [row] = re.findall(r"^\| (`\*\..*?), `\*/by-hash/\*`", page, re.MULTILINE)
    assert re.findall(r"`\*(\.[^`]+)`", row) == endings
