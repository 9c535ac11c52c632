"""Other people's readers agree with nipack on every path and digest of an artifact."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from conda_package_streaming.package_streaming import stream_conda_component
from debian.copyright import Copyright
from debian.debfile import DebFile
from tests.acceptance.systems import REPOSITORY, Build, run

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"


@pytest.fixture
def manifest() -> dict[str, str]:
    """Every file of the example's payload, and its digest, from the files themselves."""
    payload = EXAMPLE / "examplepkg"
    return {
        f"share/nipy/nipy/examplepkg/{path.relative_to(payload).as_posix()}": sha256(
            path.read_bytes()
        )
        for path in payload.rglob("*")
        if path.is_file()
    }


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def component(package: Path, name: str) -> dict[str, bytes]:
    """Return the files of a component of a .conda, as conda-package-streaming reads them."""
    with package.open("rb") as stream:
        return {
            info.name: content.read()
            for tar, info in stream_conda_component(package.name, stream, name)
            if (content := tar.extractfile(info)) is not None
        }


def test_conda_package_streaming_agrees(build: Build, manifest: dict[str, str]) -> None:
    package = build(EXAMPLE)["conda"]
    pkg, info = component(package, "pkg"), component(package, "info")
    digests = {name: sha256(content) for name, content in pkg.items()}
    assert {n: d for n, d in digests.items() if n.startswith("share/nipy/")} == manifest
    paths = json.loads(info["info/paths.json"])["paths"]
    assert {entry["_path"]: entry["sha256"] for entry in paths} == digests
    assert {entry["_path"]: entry["size_in_bytes"] for entry in paths} == {
        name: len(content) for name, content in pkg.items()
    }
    assert info["info/files"].decode().splitlines() == sorted(pkg)


def test_info_is_complete(build: Build) -> None:
    info = component(build(EXAMPLE)["conda"], "info")
    assert info["info/recipe/package.yaml"] == (EXAMPLE / "package.yaml").read_bytes()
    index = json.loads(info["info/index.json"])
    assert index["timestamp"] == 1795392000000  # 2026-11-23, the definition's date
    assert (index["noarch"], index["subdir"], index["build_number"]) == ("generic", "noarch", 0)
    assert index["license"] == "CC0-1.0"
    about = json.loads(info["info/about.json"])
    assert about["summary"] == "example data package with a head phantom"
    assert about["home"].startswith("https://")
    assert about["description"].startswith("A small example")
    [text] = about["license_file"]
    assert b"Public Domain Dedication" in info[f"info/{text}"]
    assert json.loads(info["info/link.json"])["noarch"] == {"type": "generic"}
    placeholder, mode, path = info["info/has_prefix"].decode().split()
    [entry] = [e for e in json.loads(info["info/paths.json"])["paths"] if "file_mode" in e]
    assert (entry["prefix_placeholder"], entry["file_mode"], entry["_path"]) == (
        placeholder,
        mode,
        path,
    )


def test_python_debian_agrees(build: Build, manifest: dict[str, str]) -> None:
    deb = DebFile(str(build(EXAMPLE)["deb"]))
    payload = {n: d for n in manifest if (d := sha256(deb.data.get_content(f"usr/{n}")))}
    assert payload == manifest
    files = {name.removeprefix("./") for name in deb.data if deb.data.get_file(name)}
    conffiles = deb.control.get_content("conffiles", encoding="utf-8").split()
    assert conffiles == ["/etc/nipy/nipy_examplepkg.ini"]
    md5sums = {name.decode(): digest for name, digest in deb.md5sums().items()}
    assert md5sums.keys() == files - {"etc/nipy/nipy_examplepkg.ini"}
    for name, digest in md5sums.items():
        assert hashlib.md5(deb.data.get_content(name)).hexdigest() == digest
    control = deb.debcontrol()
    assert control["Section"] == "science"
    assert control["Multi-Arch"] == "foreign"
    assert control["Enhances"] == "python3-nipy"
    assert str(deb.changelog().version) == "0.1-1"
    text = deb.data.get_content("usr/share/doc/nipy-examplepkg/copyright", encoding="utf-8")
    copyright = Copyright(text.splitlines(keepends=True), strict=True)
    stanza = copyright.find_files_paragraph("usr/share/nipy/nipy/examplepkg/config.ini")
    assert stanza is not None
    assert stanza.license.synopsis == "CC0-1.0"


@pytest.mark.tools("dpkg-deb")
def test_dpkg_deb_agrees(build: Build, manifest: dict[str, str], tmp_path: Path) -> None:
    deb = build(EXAMPLE)["deb"]
    assert "Package: nipy-examplepkg\n" in run("dpkg-deb", "-I", deb, "control")
    run("dpkg-deb", "-x", deb, tmp_path / "root")
    for name, digest in manifest.items():
        assert sha256((tmp_path / "root" / "usr" / name).read_bytes()) == digest
    listed = run("dpkg-deb", "-c", deb).splitlines()
    assert {tuple(line.split()[:2]) for line in listed} == {
        ("-rw-r--r--", "root/root"),
        ("drwxr-xr-x", "root/root"),
    }
    with _data_tar(deb) as tar:
        assert {info.mtime for info in tar} == {1795392000}


def _data_tar(deb: Path) -> tarfile.TarFile:
    tar = DebFile(str(deb)).data.tgz()
    assert isinstance(tar, tarfile.TarFile)
    return tar


@pytest.mark.tools("sha256sum", "dpkg-deb")
def test_sha256sum_checks_an_installed_tree(build: Build, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", build(EXAMPLE)["deb"], tmp_path)
    said = run("sha256sum", "-c", "share/nipack/nipy-examplepkg/SHA256SUMS", cwd=tmp_path / "usr")
    assert said.count(": OK") == 3
