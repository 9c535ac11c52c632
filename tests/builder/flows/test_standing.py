"""What lies where a package is to be written: kept if it is this one, never taken for another."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.builder.samples import (
    IMAGE,
    PLAIN_CONDA,
    PLAIN_DEB,
    RecordingReporter,
    define,
    linked,
    plain,
)

from nipack.builder.flows.build import Artifact, build
from nipack.builder.formats import formats
from nipack.cli.app import nipack
from nipack.system.errors import ArtifactError

ALL = list(formats().values())


def built(source: Path, out: Path, *names: str, force: bool = False) -> dict[str, Artifact]:
    wanted = [formats()[name] for name in names] or ALL
    made = build(str(source), wanted, out, RecordingReporter(), force=force)
    return {artifact.format: artifact for artifact in made}


def states(out: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.iterdir()}


def test_what_would_be_the_same_is_kept(tmp_path: Path) -> None:
    source, out = plain(tmp_path), tmp_path / "dist"
    first = built(source, out)
    before = states(out)
    assert built(source, out) == first
    assert states(out) == before
    built(source, out, force=True)
    assert {name: state[0] for name, state in states(out).items()} != {
        name: state[0] for name, state in before.items()
    }


def test_one_that_is_damaged_is_built_again(tmp_path: Path) -> None:
    source, out = plain(tmp_path), tmp_path / "dist"
    built(source, out)
    good = {path.name: path.read_bytes() for path in out.iterdir()}
    for path in out.iterdir():
        times = path.stat()
        with path.open("r+b") as stream:
            stream.seek(times.st_size // 2)
            stream.write(b"damaged!")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    built(source, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == good


@pytest.mark.parametrize("field", ["summary: another\n", "date: 2024-01-01\n", "license: MIT\n"])
def test_one_of_another_definition_is_built_again(field: str, tmp_path: Path) -> None:
    source, out = plain(tmp_path), tmp_path / "dist"
    define(source)
    built(source, out)
    before = states(out)
    define(source, field)
    built(source, out)
    assert states(out).keys() == before.keys()
    assert all(state != before[name] for name, state in states(out).items())


@pytest.mark.parametrize("is_known", [True, False], ids=["recorded", "unknown"])
def test_other_data_of_the_same_version_is_refused(
    is_known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the artifact was built on another machine, or the cache is gone."""
    source, out = plain(tmp_path), tmp_path / "dist"
    built(source, out)
    before = states(out)
    if not is_known:
        monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "another cache"))
    image = source / "templates" / "ICBM152" / "T1.nii.gz"
    image.write_bytes(IMAGE * 2)
    (source / "templates" / "new.txt").write_text("new")
    with pytest.raises(ArtifactError) as caught:
        built(source, out, "conda")
    text = str(caught.value)
    assert text.startswith(f"{out}: has version 0.3, revision 0, of nipy-templates with other data")
    for name in before:
        told = f"  {out / name}\n    Added: new.txt\n    Changed: ICBM152/T1.nii.gz\n"
        assert told in text
    assert "raise the version with nipack bump, or give this a --revision of its own; " in text
    assert states(out) == before


def test_force_replaces_other_data(tmp_path: Path) -> None:
    source, out = plain(tmp_path), tmp_path / "dist"
    built(source, out)
    (source / "templates" / "new.txt").write_text("new")
    forced = built(source, out, force=True)
    assert PLAIN_CONDA not in states(out)
    assert states(out).keys() == {artifact.path.name for artifact in forced.values()}
    assert built(source, out) == forced


def test_what_is_no_package_is_replaced(tmp_path: Path) -> None:
    source, out = plain(tmp_path), tmp_path / "dist"
    out.mkdir()
    for name in (PLAIN_CONDA, PLAIN_DEB):
        (out / name).write_bytes(b"cut short")
    assert len(built(source, out, "conda", "deb")) == 2


def test_a_revision_of_the_command_line(tmp_path: Path) -> None:
    source, out = linked(tmp_path), tmp_path / "dist"
    built(source, out, "conda", "deb")
    (source / "templates" / "new.txt").write_text("new")
    command = ["build", str(source), "-o", str(out), "-q"]
    refused = CliRunner().invoke(nipack, command)
    assert refused.exit_code == 1
    assert "--revision" in refused.stderr
    assert CliRunner().invoke(nipack, [*command, "--dry-run"]).exit_code == 1
    assert CliRunner().invoke(nipack, [*command, "--revision", "1"]).exit_code == 0
    assert {"nipy-templates_0.3-1_all.deb", "nipy-templates_0.3-2_all.deb"} <= states(out).keys()
    assert len([name for name in states(out) if name.endswith("_1.conda")]) == 1


def test_a_cache_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "file" / "cache"))
    source, out = plain(tmp_path), tmp_path / "dist"
    assert built(source, out, "deb") == built(source, out, "deb")
