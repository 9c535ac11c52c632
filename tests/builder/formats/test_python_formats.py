"""The wheel and the source tarball: what is in them, as Python's own libraries read it."""

import base64
import csv
import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from tests.builder.samples import define
from tests.conftest import MakeTree

from nipack.builder.archive import zipped
from nipack.builder.dialects import python_metadata
from nipack.builder.flows.build import Artifact, build
from nipack.builder.formats import formats

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYTHON_FORMATS = ("wheel", "sdist")
DEFINITION = """\
name: nipy-templates
relpath: nipy/templates
version: "0.3"
date: 2023-05-01
summary: templates for tests
description: |
  Images for tests.
homepage: https://example.org/templates
license: CC0-1.0 OR MIT
copyright:
  - files: ["*"]
    holders: [Ada Lovelace]
    license: CC0-1.0
    text: Do as you please.
redistribution: verified
maintainer: {name: Jürgen M. Müller, email: jm@example.org}
authors: [{name: Ada Lovelace}, {name: 'Bob "B" Ross', email: bob@example.org}]
citation:
  - {doi: 10.1000/xyz, text: Lovelace (1843). Notes.}
"""
FILES = {"a b/é,x.txt": b"text " * 999, "T1.nii.gz": bytes(range(256)) * 4}


def built(source: Path, *names: str, out: Path) -> dict[str, Artifact]:
    wanted = [formats()[name] for name in names]
    return {artifact.format: artifact for artifact in build(str(source), wanted, out)}


@pytest.fixture
def source(make_tree: MakeTree) -> Path:
    tree = make_tree(FILES)
    (tree / "package.yaml").write_text(DEFINITION, "utf-8")
    return tree


@pytest.fixture
def wheel(source: Path, tmp_path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(built(source, "wheel", out=tmp_path)["wheel"].path)


@pytest.fixture
def sdist(source: Path, tmp_path: Path) -> dict[str, bytes]:
    """The members of the source tarball."""
    with tarfile.open(built(source, "sdist", out=tmp_path)["sdist"].path) as tar:
        return {info.name: (tar.extractfile(info) or io.BytesIO()).read() for info in tar}


def test_every_format_has_the_same_payload(source: Path, tmp_path: Path) -> None:
    artifacts = built(source, *formats(), out=tmp_path)
    assert set(PYTHON_FORMATS) <= set(artifacts)
    assert len({artifact.payload_id for artifact in artifacts.values()}) == 1


@pytest.mark.parametrize("name", PYTHON_FORMATS)
def test_two_builds_are_the_same(name: str, source: Path, tmp_path: Path) -> None:
    first = built(source, name, out=tmp_path / "1")[name].path.read_bytes()
    copy = Path(shutil.copytree(source, tmp_path / "copy"))
    assert built(copy, name, out=tmp_path / "2")[name].path.read_bytes() == first


def test_wheel_is_named_as_pip_reads_it(source: Path, tmp_path: Path) -> None:
    name, version, tag, _ = parse_wheel_filename(
        built(source, "wheel", out=tmp_path)["wheel"].path.name
    )
    assert (name, str(version), tag) == ("nipy-templates", "0.3", ())
    with (source / "package.yaml").open("a") as definition:
        definition.write("revision: 2\n")
    path = built(source, "wheel", out=tmp_path)["wheel"].path
    assert parse_wheel_filename(path.name)[2] == (2, "")
    assert b"\nBuild: 2\n" in zipfile.ZipFile(path).read("nipy_templates-0.3.dist-info/WHEEL")


def test_wheel_installs_below_sys_prefix_with_an_ini_for_any(wheel: zipfile.ZipFile) -> None:
    prefix = "nipy_templates-0.3.data/data/"
    installed = [n.removeprefix(prefix) for n in wheel.namelist() if n.startswith(prefix)]
    assert wheel.read(f"{prefix}etc/nipy/nipy_templates.ini") == b"[DATA]\npath = share/nipy\n"
    assert installed == [
        "etc/nipy/nipy_templates.ini",
        "share/nipack/nipy-templates/SHA256SUMS",
        "share/nipack/nipy-templates/package.json",
        "share/nipy/nipy/templates/T1.nii.gz",
        "share/nipy/nipy/templates/a b/é,x.txt",
        "share/nipy/nipy/templates/config.ini",
    ]


def test_record_has_every_file(wheel: zipfile.ZipFile) -> None:
    record = wheel.namelist()[-1]
    assert record == "nipy_templates-0.3.dist-info/RECORD"
    rows = list(csv.reader(wheel.read(record).decode().splitlines()))
    assert [row[0] for row in rows] == wheel.namelist()
    assert rows.pop() == [record, "", ""]
    for path, digest, size in rows:
        content = wheel.read(path)
        expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={expected}", str(len(content)))


def test_metadata_is_valid_and_whole(wheel: zipfile.ZipFile) -> None:
    text = wheel.read("nipy_templates-0.3.dist-info/METADATA")
    metadata = Metadata.from_email(text, validate=True)
    assert metadata.metadata_version == "2.4"
    assert metadata.license_expression == "CC0-1.0 OR MIT"
    assert metadata.license_files == ["LICENSES/CC0-1.0.txt"]
    assert wheel.read("nipy_templates-0.3.dist-info/licenses/LICENSES/CC0-1.0.txt") == (
        b"Do as you please.\n"
    )
    assert metadata.author == "Ada Lovelace"
    assert metadata.author_email == r'"Bob \"B\" Ross" <bob@example.org>'
    assert metadata.maintainer_email == '"Jürgen M. Müller" <jm@example.org>'
    assert "Lovelace (1843). Notes.\n    https://doi.org/10.1000/xyz" in (
        metadata.description or ""
    )
    assert python_metadata._PRIVATE not in (metadata.classifiers or ())


def test_what_nobody_verified_is_marked_as_private(make_tree: MakeTree, tmp_path: Path) -> None:
    path = built(make_tree(), "wheel", out=tmp_path)["wheel"].path
    text = zipfile.ZipFile(path).read("nipy_templates-0.3.dist-info/METADATA")
    assert b"\nClassifier: Private :: Do Not Upload\n" in text


def test_members_are_stored_or_deflated_as_they_deserve(
    make_tree: MakeTree, tmp_path: Path
) -> None:
    noise = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(99))
    tree = make_tree({"raw.nii": bytes(9999), "packed.nii.gz": noise})
    with zipfile.ZipFile(built(tree, "wheel", out=tmp_path)["wheel"].path) as archive:
        kinds = {
            info.filename.rpartition("/")[2]: info.compress_type for info in archive.infolist()
        }
    assert kinds["raw.nii"] == zipfile.ZIP_DEFLATED
    assert kinds["packed.nii.gz"] == zipfile.ZIP_STORED


def test_what_is_beyond_the_limit_is_zip64(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipped, "LARGE", 1000)
    path = built(source, "wheel", out=tmp_path)["wheel"].path
    with zipfile.ZipFile(path) as archive:
        [big] = [info for info in archive.infolist() if info.filename.endswith("T1.nii.gz")]
        assert big.extract_version == 45
        assert archive.read(big) == FILES["T1.nii.gz"]


def test_sdist_has_the_documented_layout(sdist: dict[str, bytes]) -> None:
    assert {name.partition("/")[0] for name in sdist} == {"nipy-templates-0.3"}
    top = "nipy-templates-0.3/"
    assert {name.removeprefix(top) for name in sdist} == {
        *("setup.py", "README.txt", "MANIFEST.in", "PKG-INFO", "pyproject.toml"),
        *("LICENSES/CC0-1.0.txt", "SHA256SUMS", "package.json", "nipy_templates.ini"),
        *("templates/config.ini", "templates/T1.nii.gz", "templates/a b/é,x.txt"),
    }
    for name, content in FILES.items():
        assert sdist[f"{top}templates/{name}"] == content


def test_sdist_says_the_same_in_both_of_its_metadata(sdist: dict[str, bytes]) -> None:
    metadata = Metadata.from_email(sdist["nipy-templates-0.3/PKG-INFO"], validate=True)
    project = tomllib.loads(sdist["nipy-templates-0.3/pyproject.toml"].decode())["project"]
    assert project["name"] == metadata.name
    assert project["description"] == metadata.summary
    assert project["license"] == metadata.license_expression
    assert project["license-files"] == metadata.license_files
    assert project["classifiers"] == metadata.classifiers
    assert project["authors"][1] == {"name": 'Bob "B" Ross', "email": "bob@example.org"}
    assert sdist["nipy-templates-0.3/README.txt"].decode() == metadata.description


def test_sdist_is_a_source_with_the_same_payload(source: Path, tmp_path: Path) -> None:
    first = built(source, "sdist", out=tmp_path / "1")["sdist"]
    assert parse_sdist_filename(first.path.name)[0] == "nipy-templates"
    for name, artifact in built(first.path, *formats(), out=tmp_path / "2").items():
        assert artifact.payload_id == first.payload_id, name


def test_a_relpath_of_three_parts_keeps_them(make_tree: MakeTree, tmp_path: Path) -> None:
    tree = make_tree(data="atlas")
    definition = DEFINITION.replace("nipy/templates", "mylab/brain/atlas")
    (tree / "package.yaml").write_text(definition, "utf-8")
    path = built(tree, "sdist", out=tmp_path)["sdist"].path
    with tarfile.open(path) as tar:
        assert "nipy-templates-0.3/brain/atlas/T1.nii.gz" in tar.getnames()
        setup = tar.extractfile("nipy-templates-0.3/setup.py")
        assert setup is not None
        assert b'TARGET = "share/nipy/mylab/brain/atlas"\n' in setup.read()


def test_the_licences_have_the_names_that_they_have_in_every_format(tmp_path: Path) -> None:
    stanzas = [
        f"{{files: [{n}], holders: [Ada], license: LicenseRef-a.txt-b, text: text {n}}}"
        for n in ("one", "two")
    ]
    definition = define(tmp_path, f"copyright: [{', '.join(stanzas)}]\n")
    assert python_metadata.license_files(definition) == {
        "LICENSES/LicenseRef-a.txt-b.txt": "text one\n",
        "LICENSES/LicenseRef-a.txt-b-other.txt": "text two\n",
    }
