"""Other people's readers agree with nipack on every path and digest of an artifact."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian.copyright import Copyright
from debian.debfile import DebFile
from tests.acceptance.systems import REPOSITORY, Build, conda_component, deb_content, run
from tests.conftest import MakeTree

pytestmark = pytest.mark.slow

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


def test_conda_package_streaming_agrees(build: Build, manifest: dict[str, str]) -> None:
    package = build(EXAMPLE)["conda"]
    pkg, info = conda_component(package, "pkg"), conda_component(package, "info")
    digests = {name: sha256(content) for name, content in pkg.items()}
    assert {n: d for n, d in digests.items() if n.startswith("share/nipy/")} == manifest
    paths = json.loads(info["info/paths.json"])["paths"]
    assert {entry["_path"]: entry["sha256"] for entry in paths} == digests
    assert {entry["_path"]: entry["size_in_bytes"] for entry in paths} == {
        name: len(content) for name, content in pkg.items()
    }
    assert info["info/files"].decode().splitlines() == sorted(pkg)


def test_info_is_complete(build: Build) -> None:
    info = conda_component(build(EXAMPLE)["conda"], "info")
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


@pytest.fixture
def example_deb(build: Build) -> Iterator[DebFile]:
    """The example's .deb, opened by python-debian."""
    with DebFile(str(build(EXAMPLE)["deb"])) as deb:
        yield deb


def test_python_debian_agrees_on_the_payload(
    example_deb: DebFile, manifest: dict[str, str]
) -> None:
    payload = {name: sha256(deb_content(example_deb, f"usr/{name}")) for name in manifest}
    assert payload == manifest


def test_md5sums_cover_all_but_the_conffile(example_deb: DebFile) -> None:
    conffiles = example_deb.control.get_content("conffiles")
    assert conffiles == b"/etc/nipy/nipy_examplepkg.ini\n"
    files = {info.name.removeprefix("./") for info in example_deb.data.tgz() if info.isfile()}
    md5sums = {name.decode(): digest for name, digest in example_deb.md5sums().items()}
    assert md5sums.keys() == files - {"etc/nipy/nipy_examplepkg.ini"}
    for name, digest in md5sums.items():
        assert hashlib.md5(deb_content(example_deb, name)).hexdigest() == digest


def test_control_copyright_and_changelog(example_deb: DebFile) -> None:
    control = example_deb.debcontrol()
    assert control["Section"] == "science"
    assert control["Multi-Arch"] == "foreign"
    assert control["Enhances"] == "python3-nipy"
    changelog = example_deb.changelog()
    assert changelog is not None
    assert str(changelog.version) == "0.1-1"
    text = deb_content(example_deb, "usr/share/doc/nipy-examplepkg/copyright").decode()
    stanzas = Copyright(text.splitlines(keepends=True), strict=True)
    stanza = stanzas.find_files_paragraph("usr/share/nipy/nipy/examplepkg/config.ini")
    assert stanza is not None
    assert str(stanza["License"]).splitlines()[0] == "CC0-1.0"


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


def test_every_member_has_the_definitions_date(example_deb: DebFile) -> None:
    members = [*example_deb.data.tgz(), *example_deb.control.tgz()]
    assert {info.mtime for info in members} == {1795392000}


@pytest.mark.tools("sha256sum", "dpkg-deb")
def test_sha256sum_checks_an_installed_tree(build: Build, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", build(EXAMPLE)["deb"], tmp_path)
    said = run("sha256sum", "-c", "share/nipack/nipy-examplepkg/SHA256SUMS", cwd=tmp_path / "usr")
    assert said.count(": OK") == 3


def test_consumers_of_a_newer_need_break(build: Build, make_tree: MakeTree) -> None:
    """A 0.2 keeps away the nipy that needs 0.3, in conda and in Debian."""
    tree = make_tree(name="nipy-templates-0.2", version="0.2")
    (tree / "package.yaml").write_text(
        "name: nipy-templates\nrelpath: nipy/templates\nversion: '0.2'\n"
        "consumers:\n- {package: nipy, version: '>=0.6', needs: '>=0.3'}\n",
        "utf-8",
    )
    artifacts = build(tree)
    with DebFile(str(artifacts["deb"])) as deb:
        control = deb.debcontrol()
    assert (control["Enhances"], control["Breaks"]) == ("python3-nipy", "python3-nipy (>= 0.6)")
    index = conda_component(artifacts["conda"], "info")["info/index.json"]
    assert json.loads(index)["constrains"] == ["nipy <0.6"]
