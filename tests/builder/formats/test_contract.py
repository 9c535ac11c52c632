"""The contract of every format: what is unpacked from an artifact is the package, to the byte."""

import hashlib
import json
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conda_package_streaming.package_streaming import stream_conda_component
from tests.builder.samples import SAMPLES, RecordingReporter, linked, read, tree_of

from nipack.builder.flows.build import build
from nipack.builder.formats import formats
from nipack.builder.formats.conda import PREFIX_PLACEHOLDER
from nipack.builder.package import DataPackage
from nipack.system.errors import ArtifactError


@dataclass(frozen=True)
class Places:
    """Where an unpacked artifact has what is installed, and the prefix that its ini names."""

    payload: Path
    records: Path
    ini: Path | None = None
    named_prefix: str = ""


@dataclass(frozen=True)
class Unpacked:
    """An artifact, unpacked by a program that is not ours, and the package that it was made of."""

    places: Places
    payload_id: str
    package: DataPackage


def installed(prefix: Path, package: DataPackage, **more: Any) -> Places:
    """Return the places below a prefix, as the documentation has them."""
    definition = package.definition
    payload = prefix / "share" / "nipy" / definition.relpath
    return Places(payload, prefix / "share" / "nipack" / definition.name, **more)


def ini_name(package: DataPackage) -> str:
    return f"{package.definition.name.replace('-', '_')}.ini"


def unpack_deb(artifact: Path, directory: Path, package: DataPackage) -> Places:
    subprocess.run(["dpkg-deb", "-x", str(artifact), str(directory)], check=True)
    ini = directory / "etc" / "nipy" / ini_name(package)
    return installed(directory / "usr", package, ini=ini, named_prefix="/usr")


def unpack_conda(artifact: Path, directory: Path, package: DataPackage) -> Places:
    with artifact.open("rb") as stream:
        for tar, info in stream_conda_component(artifact.name, stream, "pkg"):
            extract(tar, info, directory)
    ini = directory / "etc" / "nipy" / ini_name(package)
    return installed(directory, package, ini=ini, named_prefix=PREFIX_PLACEHOLDER)


def unpack_wheel(artifact: Path, directory: Path, package: DataPackage) -> Places:
    with zipfile.ZipFile(artifact) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            path = Path(archive.extract(info, directory))
            path.chmod(info.external_attr >> 16 & 0o7777)
    [prefix] = directory.glob("*.data/data")
    return installed(prefix, package)


def unpack_sdist(artifact: Path, directory: Path, package: DataPackage) -> Places:
    with tarfile.open(artifact) as tar:
        for info in tar:
            extract(tar, info, directory)
    [top] = directory.iterdir()
    return Places(top / package.definition.relpath.partition("/")[2], top)


def extract(tar: tarfile.TarFile, info: tarfile.TarInfo, directory: Path) -> None:
    path = directory / info.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if info.issym():
        path.symlink_to(info.linkname)
        return
    content = tar.extractfile(info)
    assert content is not None, f"{info.name} is neither a file nor a link"
    path.write_bytes(content.read())
    path.chmod(info.mode)


UNPACK: dict[str, Callable[[Path, Path, DataPackage], Places]] = {
    "conda": unpack_conda,
    "deb": unpack_deb,
    "sdist": unpack_sdist,
    "wheel": unpack_wheel,
}
# pip makes a wheel of a source tarball, and a wheel cannot hold links.
WITHOUT_LINKS = {"sdist", "wheel"}
CASES = [
    (name, sample)
    for name in formats()
    for sample in SAMPLES
    if not (name in WITHOUT_LINKS and sample == "linked")
]


def marked(name: str, sample: str) -> Any:
    marks = [pytest.mark.tools("dpkg-deb")] if name == "deb" else []
    return pytest.param((name, sample), id=f"{name}-{sample}", marks=marks)


@pytest.fixture(params=[marked(*case) for case in CASES])
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Unpacked:
    name, sample = request.param
    source = SAMPLES[sample](tmp_path)
    [artifact] = build(str(source), [formats()[name]], tmp_path / "dist", RecordingReporter())
    assert list((tmp_path / "dist").iterdir()) == [artifact.path]
    assert artifact.size == artifact.path.stat().st_size
    package = read(source, tmp_path / "work")
    places = UNPACK[name](artifact.path, tmp_path / "root", package)
    return Unpacked(places, artifact.payload_id, package)


def test_every_format_is_tested() -> None:
    assert UNPACK.keys() == formats().keys()


def test_what_is_unpacked_is_the_package(unpacked: Unpacked) -> None:
    """One test, for an artifact is built and unpacked for each."""
    places, package = unpacked.places, unpacked.package
    assert tree_of(places.payload) == tree_of(package.directory)
    for path in (*places.payload.rglob("*"), places.records / "SHA256SUMS"):
        if path.is_file() and not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == 0o644, path
    manifest_holds(unpacked)
    metadata = json.loads((places.records / "package.json").read_text("utf-8"))
    assert metadata["payload_id"] == unpacked.payload_id
    assert metadata["relpath"] == package.definition.relpath
    assert metadata["version"] == package.version
    if places.ini is not None:
        text = f"[DATA]\npath = {places.named_prefix}/share/nipy\n"
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


@pytest.mark.parametrize("name", sorted(WITHOUT_LINKS))
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
