"""A .conda, installed by a conda client, is found by unmodified nibabel and by nipack."""

import configparser
import hashlib
import json
from pathlib import Path

import pytest
from tests.acceptance.systems import REPOSITORY, Build, Prefix, run
from tests.conftest import MakeTree

pytestmark = pytest.mark.slow

LOOK_UP = """
from {module}.data import make_datasource
source = make_datasource(dict(relpath={relpath!r}))
print(source.get_filename(*{name!r}.split("/")), source.version)
"""


@pytest.mark.parametrize("module", ["nibabel", "nipack"])
@pytest.mark.shared
def test_real_templates_are_found(
    build: Build, prefix: Prefix, real_tarball: Path, module: str
) -> None:
    prefix.conda_install(build(real_tarball)["conda"])
    name = "ICBM152/2mm/T1.nii.gz"
    code = LOOK_UP.format(module=module, relpath="nipy/templates", name=name)
    found = prefix.directory / "share" / "nipy" / "nipy" / "templates" / name
    assert prefix.run_python(code) == f"{found} 0.1"


def test_ini_holds_the_prefix(build: Build, prefix: Prefix) -> None:
    prefix.conda_install(build(REPOSITORY / "recipes" / "nipy-examplepkg")["conda"])
    parser = configparser.ConfigParser()
    parser.read(prefix.directory / "etc" / "nipy" / "nipy_examplepkg.ini")
    assert parser["DATA"]["path"] == str(prefix.directory / "share" / "nipy")


def test_installed_files_are_what_the_manifest_says(build: Build, prefix: Prefix) -> None:
    prefix.conda_install(build(REPOSITORY / "recipes" / "nipy-examplepkg")["conda"])
    manifest = prefix.directory / "share" / "nipack" / "nipy-examplepkg" / "SHA256SUMS"
    lines = manifest.read_text("utf-8").splitlines()
    assert len(lines) == 3
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((prefix.directory / name).read_bytes()).hexdigest() == digest
    record = json.loads(
        next((prefix.directory / "conda-meta").glob("nipy-examplepkg-0.1-h*_0.json")).read_text(
            "utf-8"
        )
    )
    assert sorted(record["files"]) == sorted(
        str(path.relative_to(prefix.directory))
        for top in ("share", "etc")
        for path in (prefix.directory / top).rglob("*")
        if path.is_file()
    )


def test_links_are_installed_as_links(build: Build, prefix: Prefix, make_tree: MakeTree) -> None:
    tree = make_tree({"T1.nii.gz": b"image", "2mm/T1.nii.gz": b"small image"})
    (tree / "templates" / "default.nii.gz").symlink_to("2mm/T1.nii.gz")
    (tree / "templates" / "default").symlink_to("2mm")
    prefix.conda_install(build(tree)["conda"])
    installed = prefix.directory / "share" / "nipy" / "nipy" / "templates"
    assert str((installed / "default.nii.gz").readlink()) == "2mm/T1.nii.gz"
    assert (installed / "default" / "T1.nii.gz").read_bytes() == b"small image"


def test_a_newer_version_takes_the_place_of_the_older(
    build: Build, prefix: Prefix, make_tree: MakeTree, tmp_path: Path
) -> None:
    old = build(make_tree({"a": b"1", "b": b"2"}, version="0.2"), out=tmp_path / "old")
    prefix.conda_install(old["conda"])
    new = build(make_tree({"a": b"3"}, name="nipy-templates-0.3"), out=tmp_path / "new")
    prefix.conda_install(new["conda"])
    code = LOOK_UP.format(module="nipack", relpath="nipy/templates", name="a")
    found = prefix.directory / "share" / "nipy" / "nipy" / "templates" / "a"
    assert prefix.run_python(code) == f"{found} 0.3"


def test_read_only_data_is_updated_and_removed(
    build: Build, prefix: Prefix, make_tree: MakeTree, tmp_path: Path
) -> None:
    """Its files are the package cache's, and every prefix's: no library may write into them."""
    old = build(
        make_tree({"a": b"1", "b": b"2"}, name="nipy-templates-0.2", version="0.2"),
        out=tmp_path / "old",
    )
    prefix.conda_install(old["conda"])
    installed = prefix.directory / "share" / "nipy" / "nipy" / "templates"
    files = sorted(installed.iterdir())
    assert [file.name for file in files] == ["a", "b", "config.ini"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o444}
    assert all(file.stat().st_nlink > 1 for file in files), "not hard-linked: nothing is shown"
    new = build(make_tree({"a": b"3"}, name="nipy-templates-0.3"), out=tmp_path / "new")
    prefix.conda_install(new["conda"])
    assert {file.name: file.read_bytes() for file in installed.iterdir()} == {
        "a": b"3",
        "config.ini": b"[DEFAULT]\nversion = 0.3\n",
    }
    other = build(REPOSITORY / "recipes" / "nipy-examplepkg", out=tmp_path / "other")
    prefix.conda_install(other["conda"])
    assert not installed.exists()


def test_what_to_cite_is_there_as_bibtex(build: Build, prefix: Prefix, make_tree: MakeTree) -> None:
    tree = make_tree()
    (tree / "package.yaml").write_text(
        "name: nipy-templates\nrelpath: nipy/templates\nversion: '0.3'\ncitation:\n"
        "- doi: 10.1000/x\n  text: Lovelace (1843). Notes.\n  metadata:\n"
        "    type: article-journal\n    title: Notes\n"
        "    author: [{family: Lovelace, given: Ada}]\n"
        "    issued: {date-parts: [[1843]]}\n",
        "utf-8",
    )
    prefix.conda_install(build(tree)["conda"])
    said = run(prefix.python, "-m", "nipack", "list", "--cite")
    assert "  Lovelace (1843). Notes.\n  https://doi.org/10.1000/x\n" in said
    assert "@article{lovelace1843,\n" in said
    assert "    author = {Lovelace, Ada},\n" in said
