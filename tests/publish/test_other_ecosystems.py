"""An ecosystem of another distribution goes the whole way: publish, the catalogue, get."""

import io
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.publish import tarballs

from nipack.cli.app import nipack
from nipack.publish.ecosystems import Ecosystem, ecosystems

Artifacts = dict[str, dict[str, Path]]


def ran(*words: object) -> Result:
    return CliRunner().invoke(nipack, [str(word) for word in words])


def answer(*words: object) -> Any:
    done = ran(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def ecosystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecosystem]:
    """The ecosystem of a distribution that is installed."""
    site = tmp_path / "site"
    info = site / "nipack_lab-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(tarballs.__file__, site / "lab_tarballs.py")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nipack-lab\nVersion: 1.0\n")
    entry = "[nipack.ecosystems]\ntarball = lab_tarballs:ECOSYSTEM\n"
    (info / "entry_points.txt").write_text(entry, "utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("NIPY_USER_DIR", str(tmp_path / "user"))
    ecosystems.cache_clear()
    yield ecosystems()["tarball"]
    ecosystems.cache_clear()
    sys.modules.pop("lab_tarballs", None)


@pytest.fixture
def tarball(artifacts: Artifacts, tmp_path: Path) -> Path:
    """The example as the laboratory packs it: what a wheel installs, below opt/lab/."""
    path = tmp_path / "examplepkg.lab.tar.xz"
    wheel = artifacts["0.1"][".whl"]
    with wheel.open("rb") as stream, tarfile.open(path, "w:xz") as tar:
        for name, content in ecosystems()["pip"].members(stream):
            member, data = tarfile.TarInfo(f"opt/lab/{name}"), content.read()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    assert path.stat().st_size < min(each.stat().st_size for each in artifacts["0.1"].values())
    return path


def published(tmp_path: Path, key: Path, *paths: Path) -> Path:
    folder = tmp_path / "www"
    assert len(answer("publish", *paths, folder, "--key", key)["published"]) == len(paths)
    answer("repository", "add", folder)
    return folder


def test_it_goes_the_whole_way(
    ecosystem: Ecosystem, tarball: Path, key: Path, tmp_path: Path
) -> None:
    folder = published(tmp_path, key, tarball)
    assert (folder / "tarballs/SHA256SUMS").read_text().endswith("nipy-examplepkg-0.1.lab.tar.xz\n")
    page = (folder / "packages/nipy-examplepkg/index.html").read_text("utf-8")
    assert "tarballs/SHA256SUMS | grep nipy-examplepkg-" in page
    croissant = json.loads((folder / "packages/nipy-examplepkg/croissant.json").read_bytes())
    assert croissant["distribution"][0]["encodingFormat"] == "application/x-xz"
    assert list(folder.glob("pictures/*/0-large.webp"))
    assert ".lab.tar.xz)" in " ".join(ran("publish", "--help").output.split())
    again = ran("publish", tarball, folder, "--key", key)
    assert "\ntar:\n  curl file://" in again.output
    got = answer("get", "nipy-examplepkg")
    assert Path(got["directory"], "phantom/T1.nii.gz").is_file()
    assert ran("verify", "nipy/examplepkg").exit_code == 0


@pytest.mark.parametrize("lacks", ["says so", "yields nothing", "raises"])
def test_get_takes_another_artifact_where_it_reads_none(
    ecosystem: Ecosystem,
    lacks: str,
    artifacts: Artifacts,
    tarball: Path,
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    published(tmp_path, key, tarball, artifacts["0.1"][".whl"])

    def members(stream: object) -> Iterator[Any]:
        if lacks == "raises":
            raise ValueError("it is of a later version")
        return iter(())

    if lacks == "says so":
        monkeypatch.setattr(ecosystem, "unpacks", False)
    monkeypatch.setattr(ecosystem, "members", members)
    caplog.clear()
    answer("get", "nipy-examplepkg")
    assert ran("verify", "nipy/examplepkg").exit_code == 0
    said = [each.getMessage() for each in caplog.records]
    assert len(said) == (lacks != "says so")
    assert all("examplepkg-0.1.lab.tar.xz: " in each for each in said)
    assert all(each.endswith(".whl instead") for each in said)
    assert not [each for each in (tmp_path / "user/.nipack/partial").rglob("*") if each.is_file()]


def test_get_says_that_no_artifact_can_be_read(
    ecosystem: Ecosystem, tarball: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path, key, tarball)
    monkeypatch.setattr(ecosystem, "members", lambda stream: iter(()))
    done = ran("get", "nipy-examplepkg")
    assert (done.exit_code, "examplepkg-0.1.lab.tar.xz: has no" in done.output) == (1, True)
    monkeypatch.setattr(ecosystem, "unpacks", False)
    done = ran("get", "nipy-examplepkg")
    assert (done.exit_code, "in no format that can be unpacked here" in done.output) == (1, True)
    assert not (tmp_path / "user/nipy").exists()


def test_pictures_are_of_an_artifact_that_can_be_read(
    ecosystem: Ecosystem,
    artifacts: Artifacts,
    tarball: Path,
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ecosystem, "unpacks", False)
    folder = published(tmp_path, key, tarball)
    assert not list(folder.glob("pictures/*"))
    answer("publish", artifacts["0.1"][".whl"], folder, "--key", key)
    assert list(folder.glob("pictures/*/0-large.webp"))


def test_one_that_states_less_than_it_must_is_left_out(
    ecosystem: Ecosystem, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(type(ecosystem), "suffix")
    ecosystems.cache_clear()
    assert list(ecosystems()) == ["conda", "apt", "pip", "rpm", "sources"]
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith(
        "nipack-lab, entry point tarball of nipack.ecosystems: it does not have"
    )
