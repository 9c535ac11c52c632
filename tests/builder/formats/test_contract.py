"""The contract of every format: what is unpacked from an artifact is the package, to the byte."""

import hashlib
import importlib
import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.builder.formats.unpacking import Places
from tests.builder.samples import SAMPLES, RecordingReporter, linked, read, tree_of

from nipack.builder.flows.build import build
from nipack.builder.formats import formats
from nipack.builder.package import DataPackage
from nipack.system.errors import ArtifactError

UNPACKING = "tests.builder.formats.unpacking"


@dataclass(frozen=True)
class Unpacked:
    """An artifact, unpacked by a program that is not ours, and the package that it was made of."""

    places: Places
    payload_id: str
    package: DataPackage


def unpacking(name: str) -> Any:
    """Return the module that unpacks artifacts of a format."""
    return importlib.import_module(f"{UNPACKING}.{name}")


CASES = [
    (name, sample)
    for name, format in formats().items()
    for sample in SAMPLES
    if format.holds_links or sample != "linked"
]


def marked(name: str, sample: str) -> Any:
    marks = [pytest.mark.tools(*unpacking(name).TOOLS)]
    return pytest.param((name, sample), id=f"{name}-{sample}", marks=marks)


@pytest.fixture(params=[marked(*case) for case in CASES])
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Unpacked:
    name, sample = request.param
    source = SAMPLES[sample](tmp_path)
    [artifact] = build(str(source), [formats()[name]], tmp_path / "dist", RecordingReporter())
    assert list((tmp_path / "dist").iterdir()) == [artifact.path]
    assert artifact.size == artifact.path.stat().st_size
    package = read(source, tmp_path / "work")
    places = unpacking(name).unpack(artifact.path, tmp_path / "root", package)
    return Unpacked(places, artifact.payload_id, package)


def test_what_is_unpacked_is_the_package(unpacked: Unpacked) -> None:
    """One test, for an artifact is built and unpacked for each."""
    places, package = unpacked.places, unpacked.package
    assert tree_of(places.payload) == tree_of(package.directory)
    for path in (*places.payload.rglob("*"), places.records / "SHA256SUMS"):
        if path.is_file() and not path.is_symlink():
            mode = 0o644 if path.parent == places.records else places.mode
            assert stat.S_IMODE(path.stat().st_mode) == mode, path
    manifest_holds(unpacked)
    metadata = json.loads((places.records / "package.json").read_text("utf-8"))
    assert metadata["payload_id"] == unpacked.payload_id
    assert metadata["relpath"] == package.definition.relpath
    assert metadata["version"] == package.version
    if places.ini is not None:
        text = f"[DATA]\npath = {places.named_root}\n"
        assert places.ini.read_bytes() == text.encode()
        assert [path.name for path in places.ini.parent.iterdir()] == [places.ini.name]


def manifest_holds(unpacked: Unpacked) -> None:
    manifest = (unpacked.places.records / "SHA256SUMS").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == unpacked.payload_id
    lines = [line for line in manifest.decode().splitlines() if not line.startswith("#")]
    listed = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    payload = unpacked.places.payload
    root = f"share/nipy/{unpacked.package.definition.relpath}"
    assert listed == {
        f"{root}/{path.relative_to(payload).as_posix()}": hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in payload.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize(
    "name", [name for name, format in formats().items() if not format.holds_links]
)
def test_a_format_that_cannot_hold_links_says_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"symbolic links.*\n  links/file -> "):
        list(build(str(linked(tmp_path)), [formats()[name]], tmp_path / "dist"))
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_payload_has_one_id_in_every_format(sample: str, tmp_path: Path) -> None:
    source = SAMPLES[sample](tmp_path)
    wanted = [formats()[name] for name, each in CASES if each == sample]
    artifacts = list(build(str(source), wanted, tmp_path / "dist"))
    assert len(artifacts) == len(wanted) >= 2
    assert len({artifact.payload_id for artifact in artifacts}) == 1
    assert len({artifact.payload_size for artifact in artifacts}) == 1
