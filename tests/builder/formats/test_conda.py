"""The .conda, read by conda-package-streaming."""

import json
import tarfile
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from conda_package_streaming.package_streaming import stream_conda_component
from tests.builder.samples import IMAGE, RecordingReporter, define, linked, plain, read, umbrella

import nipack
from nipack.builder.archive.installed import InstalledFile
from nipack.builder.flows.build import build
from nipack.builder.formats.conda import FORMAT, PREFIX_PLACEHOLDER
from nipack.system.errors import ArtifactError


def built(source: Path, tmp_path: Path) -> Path:
    [artifact] = build(str(source), [FORMAT], tmp_path / "dist", RecordingReporter())
    return artifact.path


def info_of(artifact: Path) -> dict[str, bytes]:
    with artifact.open("rb") as stream:
        return {
            info.name.removeprefix("info/"): content.read()
            for tar, info in stream_conda_component(artifact.name, stream, "info")
            if (content := tar.extractfile(info)) is not None
        }


def test_the_name_of_the_file(tmp_path: Path) -> None:
    source = umbrella(tmp_path)
    part = read(source, tmp_path / "work").payload_id[:7]
    assert built(source, tmp_path).name == f"pbrain-surfaces-1.0.2-h{part}_4.conda"


def test_other_data_has_another_name(tmp_path: Path) -> None:
    """conda's clients keep packages by their file names, and install what they have kept."""
    source = plain(tmp_path)
    before = built(source, tmp_path).name
    (source / "templates" / "ICBM152" / "T1.nii.gz").write_bytes(IMAGE + IMAGE)
    [after] = build(str(source), [FORMAT], tmp_path / "other", RecordingReporter())
    assert after.path.name != before


def test_the_placeholder_is_in_no_file_that_is_installed() -> None:
    """conda-build has conda replace it wherever it finds it, in program code too."""
    package = Path(nipack.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert PREFIX_PLACEHOLDER == "/opt/anaconda1anaconda2anaconda3"
    literal = PREFIX_PLACEHOLDER.encode()
    assert [path for path in files if literal in path.read_bytes()] == []


def test_the_zip_is_stored_and_has_three_members(tmp_path: Path) -> None:
    artifact = built(linked(tmp_path), tmp_path)
    with zipfile.ZipFile(artifact) as archive:
        members = archive.infolist()
        metadata = json.loads(archive.read("metadata.json"))
    assert [info.filename for info in members] == [
        "metadata.json",
        f"pkg-{artifact.stem}.tar.zst",
        f"info-{artifact.stem}.tar.zst",
    ]
    assert {info.compress_type for info in members} == {zipfile.ZIP_STORED}
    assert {info.date_time for info in members} == {(2023, 5, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in members} == {0o100644}
    assert metadata == {"conda_pkg_format_version": 2}


def index_of(tmp_path: Path, more: str = "", links: bool = False) -> dict[str, Any]:
    tree = plain(tmp_path)
    define(tree, f"date: 2023-05-01\n{more}")
    if links:
        (tree / "templates" / "link").symlink_to("config.ini")
    index: dict[str, Any] = json.loads(info_of(built(tree, tmp_path))["index.json"])
    return index


def test_index(tmp_path: Path) -> None:
    consumers = (
        "consumers:\n  - {package: nipy, version: '>=0.4', needs: '>=0.2'}\n"
        "  - {package: nipy, version: '>=0.6', needs: '>=0.4'}\n"
    )
    assert index_of(tmp_path, f"revision: 7\nlicense: MIT\n{consumers}") == {
        "arch": None,
        "build": "h8921d19_7",
        "build_number": 7,
        "constrains": ["nipy <0.6"],
        "depends": [],
        "license": "MIT",
        "name": "nipy-templates",
        "noarch": "generic",
        "platform": None,
        "subdir": "noarch",
        "timestamp": int(datetime(2023, 5, 1, tzinfo=timezone.utc).timestamp()) * 1000,
        "version": "0.3",
    }


def test_links_are_for_unix(tmp_path: Path) -> None:
    assert index_of(tmp_path, links=True)["depends"] == ["__unix"]


def test_paths_describe_every_file(tmp_path: Path) -> None:
    source = linked(tmp_path)
    artifact = built(source, tmp_path)
    info = info_of(artifact)
    paths = {entry["_path"]: entry for entry in json.loads(info["paths.json"])["paths"]}
    package = read(source, tmp_path / "work")
    tree = {each.path: each for each in FORMAT.tree(package)}
    assert list(paths) == sorted(tree, key=str.encode)
    for path, entry in paths.items():
        each = tree[path]
        if isinstance(each, InstalledFile):
            assert entry["path_type"] == "hardlink"
            assert (entry["sha256"], entry["size_in_bytes"]) == (each.sha256, each.size)
    root = "share/nipy/nipy/templates"
    target = paths[f"{root}/two words/a file.txt"]
    for link in ("file", "link"):
        entry = paths[f"{root}/links/{link}"]
        assert entry["path_type"] == "softlink"
        assert entry["sha256"] == target["sha256"]
    assert paths[f"{root}/links/folder"]["size_in_bytes"] == 0
    assert info["files"].decode().splitlines() == list(paths)
    assert {path for path, entry in paths.items() if "prefix_placeholder" in entry} == {
        "etc/nipy/nipy_templates.ini"
    }


def test_the_prefix_is_replaced_in_the_ini_alone(tmp_path: Path) -> None:
    info = info_of(built(plain(tmp_path), tmp_path))
    ini = "etc/nipy/nipy_templates.ini"
    assert info["has_prefix"].decode() == f"{PREFIX_PLACEHOLDER} text {ini}\n"
    assert json.loads(info["link.json"]) == {
        "noarch": {"type": "generic"},
        "package_metadata_version": 1,
    }


def test_about_and_licenses(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(
        tree,
        """\
summary: brain images
description: Brains.
homepage: https://example.org
license: MIT AND LicenseRef-Mine
citation: [{doi: 10.1000/x}]
copyright:
  - {files: ["*"], holders: [Ada], license: MIT, text: one}
  - {files: ["a"], holders: [Bea], license: MIT, text: two}
  - {files: ["b"], holders: [Cleo], license: MIT AND (CC0-1.0 OR LicenseRef-Mine), text: three}
  - {files: ["c"], holders: [Dora], license: MIT, text: one}
""",
    )
    info = info_of(built(tree, tmp_path))
    about = json.loads(info["about.json"])
    texts = {name: info[name] for name in info if name.startswith("licenses/")}
    assert texts == {
        "licenses/MIT.txt": b"one\n",
        "licenses/MIT-other.txt": b"two\n",
        "licenses/MIT-AND-CC0-1.0-OR-LicenseRef-Mine-.txt": b"three\n",
    }
    assert about == {
        "home": "https://example.org",
        "license": "MIT AND LicenseRef-Mine",
        "license_file": ["licenses/MIT.txt", "licenses/MIT-other.txt", next(iter(texts))],
        "summary": "brain images",
        "description": "Brains.",
        "extra": {"citation": ["10.1000/x"], "redistribution": "unverified"},
    }
    assert info["recipe/package.yaml"] == (tree / "package.yaml").read_bytes()


def test_a_time_before_zip_s_first_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    with zipfile.ZipFile(built(plain(tmp_path), tmp_path)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_last_time_of_a_zip(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree, "date: 2107-12-31\n")
    with zipfile.ZipFile(built(tree, tmp_path)) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {2107}


def test_what_has_other_parts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.conda"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg-one.tar.zst", b"")
        archive.writestr("info-two.tar.zst", b"")
    with pytest.raises(ArtifactError, match="parts"):
        list(FORMAT.contents(path, lambda count: None))


def test_the_parts_are_gnu_tars(tmp_path: Path) -> None:
    artifact = built(linked(tmp_path), tmp_path)
    with artifact.open("rb") as stream:
        for tar, info in stream_conda_component(artifact.name, stream, "pkg"):
            assert isinstance(tar, tarfile.TarFile)
            assert info.pax_headers == {}
