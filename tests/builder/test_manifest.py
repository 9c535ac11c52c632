"""The installed tree, the manifest and the payload id."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from tests.builder.samples import SAMPLES, define, linked, member, plain, read, tar_gz

from nipack import __version__
from nipack.builder.archive.installed import InstalledFile, InstalledLink, Role
from nipack.builder.archive.members import open_content
from nipack.builder.manifest import installed_tree, metadata_text
from nipack.builder.package import manifest_of
from nipack.libraries.views import stated_views


def test_the_manifest_of_a_plain_package(tmp_path: Path) -> None:
    package = read(plain(tmp_path), tmp_path / "work")
    root = "share/nipy/nipy/templates"
    digests = {file.path: file.sha256 for file in package.files}
    assert package.manifest.decode() == (
        f"{digests['ICBM152/T1.nii.gz']}  {root}/ICBM152/T1.nii.gz\n"
        f"{digests['config.ini']}  {root}/config.ini\n"
    )
    sha256 = hashlib.sha256((package.directory / "config.ini").read_bytes()).hexdigest()
    assert digests["config.ini"] == sha256
    assert package.payload_id == hashlib.sha256(package.manifest).hexdigest()


@pytest.mark.tools("sha256sum")
@pytest.mark.parametrize("sample", SAMPLES)
def test_sha256sum_reads_the_manifest(sample: str, tmp_path: Path) -> None:
    package = read(SAMPLES[sample](tmp_path), tmp_path / "work")
    prefix = tmp_path / "prefix"
    for each in installed_tree(package, "/x"):
        path = prefix / each.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(each, InstalledFile):
            with open_content(each) as content:
                path.write_bytes(content.read())
        else:
            path.symlink_to(each.target)
    manifest = f"share/nipack/{package.definition.name}/SHA256SUMS"
    command = ["sha256sum", "--check", "--strict", "--quiet", manifest]
    run = subprocess.run(command, cwd=prefix, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    (prefix / "share/nipy" / package.definition.relpath / "config.ini").write_bytes(b"changed")
    assert subprocess.run(command, cwd=prefix, capture_output=True, check=False).returncode == 1


def test_links_count_for_the_payload_id(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    ids = set()
    for target in (None, "config.ini", "ICBM152"):
        link = tree / "templates" / "link"
        link.unlink(missing_ok=True)
        if target is not None:
            link.symlink_to(target)
        ids.add(read(tree, tmp_path / "work").payload_id)
    assert len(ids) == 3


def test_a_manifest_is_in_the_order_of_bytes() -> None:
    files = [("é", "1"), ("z", "2"), ("Z", "3"), ("a/b", "4"), ("a.b", "5")]
    links = [("y", "z"), ("x", "z")]
    assert manifest_of(files, links).decode() == (
        "3  Z\n5  a.b\n4  a/b\n2  z\n1  é\n# symlink x -> z\n# symlink y -> z\n"
    )


def test_a_payload_has_one_id_wherever_it_comes_from(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    archive = tar_gz(
        tmp_path / "release.tar.gz",
        *(
            member(f"top/{path.relative_to(tree).as_posix()}", path.read_bytes())
            for path in sorted(tree.rglob("*"))
            if path.is_file()
        ),
    )
    (tmp_path / "recipe").mkdir()
    define(tmp_path / "recipe", f"source: {{address: {archive}}}\nsummary: other words\n")
    sources = [tree, tree / "templates", tmp_path / "recipe"]
    ids = {read(each, tmp_path / f"work{n}").payload_id for n, each in enumerate(sources)}
    assert len(ids) == 1


def test_the_installed_tree_is_the_table_of_the_layout(tmp_path: Path) -> None:
    package = read(linked(tmp_path), tmp_path / "work")
    tree = {each.path: each for each in installed_tree(package, "/opt/env")}
    payload = {path for path in tree if path.startswith("share/nipy/nipy/templates/")}
    assert tree.keys() - payload == {
        "etc/nipy/nipy_templates.ini",
        "share/nipack/nipy-templates/SHA256SUMS",
        "share/nipack/nipy-templates/package.json",
    }
    *rest, inner, last = tree
    assert rest == sorted(rest, key=str.encode)
    top = "share/nipy/nipy/templates"
    assert (inner, last) == (f"{top}/ini/config.ini", f"{top}/config.ini"), "how data is known"
    ini = tree["etc/nipy/nipy_templates.ini"]
    assert {path for path, each in tree.items() if each.role is Role.PAYLOAD} == payload
    assert [each for each in tree.values() if each.role is Role.CONFIGURATION] == [ini]
    assert isinstance(ini, InstalledFile)
    assert ini.content == b"[DATA]\npath = /opt/env/share/nipy\n"
    link = tree["share/nipy/nipy/templates/links/link"]
    assert isinstance(link, InstalledLink)
    assert link.leads_to == "share/nipy/nipy/templates/two words/a file.txt"


def test_package_json_says_what_the_data_is(tmp_path: Path) -> None:
    archive = tar_gz(tmp_path / "a.tar.gz", member("t/config.ini", b"[DEFAULT]\nversion = 0.3\n"))
    define(
        tmp_path,
        "source: {address: a.tar.gz}\nsummary: Übersicht\nhomepage: https://example.org\n"
        "license: CC0-1.0\nrequires_nonfree: [MATLAB]\n"
        "authors: [{name: Ada, email: ada@example.org}, {name: Grace}]\n"
        "citation: [{doi: 10.1000/x, text: A paper.}]\n",
    )
    package = read(tmp_path, tmp_path / "work")
    text = metadata_text(package)
    assert "Übersicht" in text
    assert json.loads(text) == {
        "made_by": f"nipack {__version__}",
        "name": "nipy-templates",
        "relpath": "nipy/templates",
        "version": "0.3",
        "summary": "Übersicht",
        "homepage": "https://example.org",
        "license": "CC0-1.0",
        "redistribution": "unverified",
        "requires_nonfree": ["MATLAB"],
        "authors": ["Ada <ada@example.org>", "Grace"],
        "citation": [{"doi": "10.1000/x", "text": "A paper."}],
        "source": {
            "address": "a.tar.gz",
            "digests": {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest()},
        },
        "payload_id": package.payload_id,
        "size": 24,
        "files": {"config.ini": 24},
    }


def test_views_are_recorded_as_the_runtime_reads_them_and_leave_the_payload_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    without = read(plain(tmp_path), tmp_path / "work")
    views = [
        {"library": "nilearn", "at": "a/b", "rename": {"ICBM152/T1.nii.gz": "t1.nii.gz"}},
        {"library": "mne"},
        {"library": "pooch", "project": "brainpack", "variable": "BRAINPACK_DIR", "at": "."},
        {"library": "dipy", "files": ["*.nii.gz"]},
    ]
    folder = plain(tmp_path / "other")
    define(folder, f"views: {json.dumps(views)}\n")
    package = read(folder, tmp_path / "more")
    assert package.payload_id == without.payload_id
    document = json.loads(metadata_text(package))
    assert "views" not in json.loads(metadata_text(without))
    assert document["views"][1] == {"library": "mne", "at": "templates", "whole": True}
    assert tuple(stated_views(document)) == package.definition.views
