"""What a conda builder made is read as it will be installed."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from conda_package_streaming.create import conda_builder

from nipack.builder.recipes.conda import RECIPE, conda_build


def made_by_a_builder(directory: Path, *, mode: int) -> Path:
    files = {"info/paths.json": json.dumps({"paths": []}).encode(), "share/a": b"1"}
    with conda_builder("nipy-x-1.0-0", directory) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return directory / "nipy-x-1.0-0.conda"


@pytest.mark.parametrize(
    ("packed", "read"), [(0o644, 0o644), (0o664, 0o644), (0o600, 0o600), (0o775, 0o775)]
)
def test_that_the_group_may_write_is_conda_builds_doing_and_no_difference(
    tmp_path: Path, packed: int, read: int
) -> None:
    [content] = RECIPE.contents(made_by_a_builder(tmp_path, mode=packed), tmp_path)
    assert (content.path, content.mode) == ("share/a", read)


def test_conda_build_is_found_where_condabin_alone_is_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """conda's own installers put condabin on PATH, and conda-build into the base environment."""
    base = tmp_path / "miniforge3"
    for path in ("condabin/conda", "bin/conda-build"):
        program = base / path
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n", "utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(base / "condabin"))
    found = conda_build()
    assert found is not None
    assert found.start == (str(base / "bin" / "conda-build"),)
    (base / "bin" / "conda-build").unlink()
    assert conda_build() is None
