"""What artifacts are called: the check knows a package by it, and the advice an archive."""

from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter, plain, read

from nipack.advice.near_misses import Surroundings, near_misses
from nipack.builder.formats import formats
from nipack.builder.package import DataPackage
from nipack.lookup.search import Wanted


@pytest.fixture
def package(tmp_path: Path) -> DataPackage:
    return read(plain(tmp_path), tmp_path / "work")


def test_only_an_sdist_is_called_as_data_is() -> None:
    assert [each.name for each in formats().values() if not each.ending] == ["sdist"]


@pytest.mark.parametrize("name", [each.name for each in formats().values() if each.ending])
def test_a_package_of_every_format_is_not_data(
    name: str, package: DataPackage, tmp_path: Path
) -> None:
    format = formats()[name]
    file_name = format.file_name(package)
    assert file_name.endswith(format.ending)
    assert format.edition_pattern(package).endswith(format.ending)
    dist = package.directory / "dist"
    dist.mkdir()
    (dist / file_name.upper()).write_bytes(b"x")
    (dist / "of_all.dEb.txt").write_bytes(b"x")
    reporter = RecordingReporter()
    read(package.directory.parent, tmp_path / "again", reporter)
    assert "own-package" in reporter.codes
    assert [each.where for each in reporter.warnings if each.code == "own-package"] == [
        f"nipy/templates/dist/{file_name.upper()}"
    ]


@pytest.mark.parametrize("name", formats())
def test_an_artifact_of_every_format_is_found_among_the_downloads(
    name: str, package: DataPackage, tmp_path: Path
) -> None:
    home, prefix = str(tmp_path / "home"), str(tmp_path / "prefix")
    archive = tmp_path / "home" / "Downloads" / formats()[name].file_name(package)
    archive.parent.mkdir(parents=True)
    archive.touch()
    there = Surroundings(
        base_prefix=prefix, environ={}, home=home, prefix=prefix, user_dir=f"{home}/.nipy"
    )
    [near] = near_misses(Wanted.read({"relpath": "nipy/templates"}), [], there)
    assert (near.kind, near.path, near.version) == ("archive", str(archive), "0.3")
    # It is installed as it is: nothing has to be built of it.
    assert "nipack build" not in near.remedy
    assert archive.name in near.remedy
