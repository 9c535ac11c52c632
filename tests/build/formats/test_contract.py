"""The contract of every format: what is unpacked from an artifact is the package, to the byte."""

import hashlib
import json
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conda_package_streaming.package_streaming import stream_conda_component
from tests.build.samples import SAMPLES, WITH_LINKS, RecordingReporter, read, tree_of

from nipack.build.errors import ArtifactError
from nipack.build.flow import build
from nipack.build.formats import formats
from nipack.build.formats.conda import PREFIX_PLACEHOLDER
from nipack.build.package import DataPackage


@dataclass(frozen=True)
class Unpacked:
    """An artifact, unpacked by a program that is not ours."""

    prefix: Path
    etc: Path
    shown_prefix: str | None
    payload_id: str
    package: DataPackage

    @property
    def payload(self) -> Path:
        return self.prefix / "share" / "nipy" / self.package.definition.relpath

    @property
    def metadata(self) -> Path:
        return self.prefix / "share" / "nipack" / self.package.definition.name


def unpack_deb(artifact: Path, directory: Path) -> tuple[Path, Path, str]:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg-deb")
    subprocess.run(["dpkg-deb", "-x", str(artifact), str(directory)], check=True)
    return directory / "usr", directory / "etc", "/usr"


def unpack_conda(artifact: Path, directory: Path) -> tuple[Path, Path, str]:
    with artifact.open("rb") as stream:
        for tar, info in stream_conda_component(artifact.name, stream, "pkg"):
            extract(tar, info, directory)
    return directory, directory / "etc", PREFIX_PLACEHOLDER


def unpack_wheel(artifact: Path, directory: Path) -> tuple[Path, Path, None]:
    """Unpack the files of the data scheme, which is the prefix."""
    with zipfile.ZipFile(artifact) as archive:
        archive.extractall(directory / "wheel")
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    for name, mode in modes.items():  # unzip and pip take them over, zipfile does not
        (directory / "wheel" / name).chmod(stat.S_IMODE(mode))
    [prefix] = (directory / "wheel").glob("*.data/data")
    return prefix, prefix / "etc", None


def unpack_sdist(artifact: Path, directory: Path) -> tuple[Path, Path, None]:
    """Unpack it, and let its setup.py say what goes where."""
    with tarfile.open(artifact) as tar:
        tar.extractall(directory / "sdist", filter="tar")
    [top] = (directory / "sdist").iterdir()
    to = str(directory / "to")
    command = [sys.executable, "setup.py", "-q", "install_data", "--install-dir", to]
    subprocess.run(command, cwd=top, check=True, capture_output=True)
    return directory / "to", directory / "to" / "etc", None


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


UNPACK: dict[str, Callable[[Path, Path], tuple[Path, Path, str | None]]] = {
    "conda": unpack_conda,
    "deb": unpack_deb,
    "sdist": unpack_sdist,
    "wheel": unpack_wheel,
}
CASES = [
    (name, sample)
    for name, each in formats().items()
    for sample in SAMPLES
    if each.holds_links or sample not in WITH_LINKS
]


@pytest.fixture(params=CASES, ids="-".join)
def unpacked(request: pytest.FixtureRequest, tmp_path: Path) -> Unpacked:
    name, sample = request.param
    source = SAMPLES[sample](tmp_path)
    [artifact] = build(str(source), [formats()[name]], tmp_path / "dist", RecordingReporter())
    assert list((tmp_path / "dist").iterdir()) == [artifact.path]
    assert artifact.size == artifact.path.stat().st_size
    prefix, etc, shown = UNPACK[name](artifact.path, tmp_path / "root")
    package = read(source, tmp_path / "work")
    return Unpacked(prefix, etc, shown, artifact.payload_id, package)


def test_every_format_is_tested() -> None:
    assert UNPACK.keys() == formats().keys()


def test_the_payload_is_the_source_to_the_byte(unpacked: Unpacked) -> None:
    assert tree_of(unpacked.payload) == tree_of(unpacked.package.directory)


def test_modes_are_the_same_everywhere(unpacked: Unpacked) -> None:
    for path in (unpacked.prefix / "share").rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == 0o644, path


def test_the_ini_file_names_the_root(unpacked: Unpacked) -> None:
    if unpacked.shown_prefix is None:
        assert not unpacked.etc.exists(), "it knows no prefix, so it has no ini"
        return
    name = unpacked.package.definition.name.replace("-", "_")
    [ini] = (path for path in unpacked.etc.rglob("*") if path.is_file())
    assert ini == unpacked.etc / "nipy" / f"{name}.ini"
    text = f"[DATA]\npath = {unpacked.shown_prefix}/share/nipy\n"
    assert ini.read_bytes() == text.encode()


def test_the_manifest_holds(unpacked: Unpacked) -> None:
    manifest = (unpacked.metadata / "SHA256SUMS").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == unpacked.payload_id
    lines = [line for line in manifest.decode().splitlines() if not line.startswith("#")]
    listed = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    files = {
        path.relative_to(unpacked.prefix).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in unpacked.payload.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    assert listed == files


def test_package_json_names_the_payload(unpacked: Unpacked) -> None:
    metadata = json.loads((unpacked.metadata / "package.json").read_text("utf-8"))
    assert metadata["payload_id"] == unpacked.payload_id
    assert metadata["relpath"] == unpacked.package.definition.relpath
    assert metadata["version"] == unpacked.package.version
    assert metadata["size"] == unpacked.package.size


@pytest.mark.parametrize("name", [n for n, each in formats().items() if not each.holds_links])
@pytest.mark.parametrize("sample", sorted(WITH_LINKS))
def test_links_are_refused_where_there_can_be_none(name: str, sample: str, tmp_path: Path) -> None:
    source = SAMPLES[sample](tmp_path)
    words = r"cannot hold symbolic links:\n  links/file -> \.\./two words/a file\.txt\n"
    with pytest.raises(ArtifactError, match=words):
        list(build(str(source), [formats()[name]], tmp_path / "dist"))
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_payload_has_one_id_in_every_format(sample: str, tmp_path: Path) -> None:
    source = SAMPLES[sample](tmp_path)
    able = [each for each in formats().values() if each.holds_links or sample not in WITH_LINKS]
    artifacts = list(build(str(source), able, tmp_path / "dist"))
    assert len(artifacts) == len(able)
    assert len({artifact.payload_id for artifact in artifacts}) == 1
    assert len({artifact.payload_size for artifact in artifacts}) == 1
