"""Recipes of data in several files: each real builder fetches them from a server, and builds."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.systems import lintian_remarks, run
from tests.builder.samples import IMAGE, member, tar_bytes
from tests.builder.served import Server, serving

from nipack.builder.flows.recipe import Recipe, RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats

pytestmark = pytest.mark.slow(60)

HEAD = """\
name: mylab-atlas
relpath: mylab/atlas
version: '1.2'
date: 2024-02-29
license: CC0-1.0
summary: atlas of several files
copyright: [{files: ["*"], holders: [Ada Lovelace], license: CC0-1.0}]
maintainer: {name: Ada Lovelace, email: ada@example.org}
homepage: https://example.org/atlas
redistribution: verified
"""
ODD = "an 'odd' $name & more.txt"


@dataclass
class Served:
    """A definition of several sources, the server that has them, and its authority's file."""

    definition: Path
    server: Server
    authority: Path


def zip_of(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", " "), content)
    return buffer.getvalue()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    authority = tmp_path / "ca.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(authority))
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    with serving(authority) as server:
        link = member("top/maps/link", kind=tarfile.SYMTYPE, target="deep/a.txt")
        server.files = {
            "/v1/T1.nii.gz": IMAGE,
            "/get?id=7": b"odd\n",
            "/v1/maps.tar": tar_bytes(
                member("top/maps/deep/a.txt", b"a\n"), member("top/maps/b.txt", b"b\n"), link,
                member("top/setup.py", b"raise SystemExit"),
            ),
            "/v1/two.zip": zip_of(c_d=b"c\n", other=b"o\n"),
        }  # fmt: skip
        digests = {path: hashlib.sha256(text).hexdigest() for path, text in server.files.items()}
        base = f"{server.base}v1/"
        source = {
            "address": base,
            "files": [
                {"path": "T1.nii.gz", "sha256": digests["/v1/T1.nii.gz"]},
                {
                    "path": ODD,
                    "address": f"{server.base}get?id=7",
                    "sha256": digests["/get?id=7"],
                },
            ],
            "archives": [
                {
                    "address": f"{base}maps.tar", "strip": 1, "take": ["maps/*"],
                    "sha256": digests["/v1/maps.tar"],
                },
                {
                    "address": f"{base}two.zip", "into": "zipped", "take": ["c d"],
                    "sha256": digests["/v1/two.zip"],
                },
            ],
        }  # fmt: skip
        definition = tmp_path / "definition" / "package.yaml"
        definition.parent.mkdir()
        definition.write_text(f"{HEAD}source: {json.dumps(source)}\n", "utf-8")
        yield Served(definition, server, authority)


def recipe_of(served: Served, format: str, target: Path, *, build: bool = True) -> Recipe:
    options = RecipeOptions(
        recipes=target / "recipes", packages=target / "dist", build=build, draft=True
    )
    [recipe] = make_recipes(str(served.definition), [recipe_formats()[format]], options)
    return recipe


INSTALLED = {
    *("config.ini", "T1.nii.gz", ODD),
    *("maps/deep/a.txt", "maps/b.txt", "maps/link", "zipped/c d"),
}


@pytest.mark.parametrize(
    "format",
    [
        pytest.param("conda"),
        pytest.param("rpm", marks=pytest.mark.tools("rpmbuild", "rpm2archive", "unzip")),
        pytest.param("arch", marks=pytest.mark.tools("makepkg", "bsdtar", "zstd")),
        pytest.param("debian", marks=pytest.mark.tools("dpkg-buildpackage", "dh")),
    ],
)
def test_what_each_builder_makes_is_what_nipack_builds(
    format: str, served: Served, tmp_path: Path
) -> None:
    """The flow itself compares the package with the payload, path by path and byte by byte."""
    recipe = recipe_of(served, format, tmp_path)
    assert recipe.packages
    made = list((tmp_path / "recipes" / "mylab-atlas").glob("*.tar.gz"))
    assert bool(made) == (format == "debian"), "only Debian wants one archive of it all"


def test_rattler_build_fetches_every_source(served: Served, tmp_path: Path) -> None:
    recipe = recipe_of(served, "conda", tmp_path, build=False)
    shutil.rmtree(tmp_path / "cache")
    served.server.paths.clear()
    out = tmp_path / "out"
    program = "import sys; from nipack.system.rattler import build; sys.exit(build(*sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, recipe.directory / "recipe.yaml", out, "1"],
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    assert set(served.server.paths) == set(served.server.files)
    [package] = (out / "noarch").glob("*.conda")
    made = recipe_formats()["conda"].contents
    found = {
        each.path.removeprefix("share/nipy/mylab/atlas/")
        for each in made(package, tmp_path)
        if each.path.startswith("share/nipy/")
    }
    assert found == INSTALLED


@pytest.mark.tools("rpmbuild", "rpm2archive", "curl", "unzip")
def test_rpmbuild_fetches_every_source(served: Served, tmp_path: Path) -> None:
    recipe = recipe_of(served, "rpm", tmp_path, build=False)
    served.server.paths.clear()
    home = tmp_path / "rpm"
    shutil.copytree(recipe.directory, home / "SOURCES")
    spec = home / "SOURCES" / "mylab-atlas.spec"
    macros = [f"_topdir {home}", f"_dbpath {home}/db", "_disable_source_fetch 0"]
    words = [word for each in macros for word in ("-D", each)]
    run("rpmbuild", "-bb", "--nodeps", *words, spec)
    assert set(served.server.paths) == set(served.server.files)
    [package] = (home / "RPMS").rglob("*.rpm")
    root = "share/nipy/mylab/atlas/"
    found = {each.path for each in recipe_formats()["rpm"].contents(package, tmp_path)}
    assert {each.removeprefix(root) for each in found if each.startswith(root)} == INSTALLED


@pytest.mark.tools("makepkg", "bsdtar", "curl")
def test_makepkg_knows_every_source(served: Served, tmp_path: Path) -> None:
    recipe = recipe_of(served, "arch", tmp_path, build=False)
    home = tmp_path / "arch"
    shutil.copytree(recipe.directory, home)
    served.server.paths.clear()
    (home / "makepkg.conf").write_text(
        "CARCH=any\nCHOST=any\nBUILDENV=()\nOPTIONS=()\nINTEGRITY_CHECK=(sha256)\n"
        "PKGEXT=.pkg.tar.zst\nSRCEXT=.src.tar.gz\n"
        "DLAGENTS=('https::/usr/bin/curl -fsS -o %o %u')\nVCSCLIENTS=()\n",
        "utf-8",
    )
    prefix = ["unshare", "--user"] if os.geteuid() == 0 else []
    run(*prefix, "makepkg", "--config", "makepkg.conf", "--nodeps", "--nobuild", cwd=home)
    assert set(served.server.paths) == set(served.server.files)
    data = home / "src" / "data"
    found = {
        path.relative_to(data).as_posix()
        for path in data.rglob("*")
        if path.is_file() or path.is_symlink()
    }
    assert found == INSTALLED


@pytest.mark.tools("dpkg-buildpackage", "dh", "lintian")
def test_debian_rules_make_the_orig_tarball_again(served: Served, tmp_path: Path) -> None:
    recipe = recipe_of(served, "debian", tmp_path)
    [changes] = [path for path in recipe.packages if path.suffix == ".changes"]
    assert changes.name.startswith("mylab-atlas_1.2+ds-1_")
    remarks = lintian_remarks(changes)
    assert [each for each in remarks if "initial-upload-closes-no-bugs" not in each] == []
    [dsc] = [path for path in recipe.packages if path.suffix == ".dsc"]
    orig = dsc.with_name("mylab-atlas_1.2+ds.orig.tar.gz")
    before = orig.read_bytes()
    run("dpkg-source", "--no-check", "-x", dsc, tmp_path / "tree")
    orig.unlink()
    served.server.paths.clear()
    run("make", "-f", "debian/rules", "get-orig-source", cwd=tmp_path / "tree")
    assert set(served.server.paths) == set(served.server.files)
    assert (tmp_path / orig.name).read_bytes() == before
    (tmp_path / orig.name).unlink()
    content = served.server.files["/v1/T1.nii.gz"]
    for other, said in (
        (content[:-1] + b"x", "its sha256 is "),
        (content + bytes(100_000_000), f"it has more than {len(content)} bytes"),
    ):
        served.server.files["/v1/T1.nii.gz"] = other
        done = subprocess.run(
            ["debian/get-orig-source"], cwd=tmp_path / "tree", capture_output=True, text=True
        )
        assert done.returncode == 1
        assert f"{served.server.base}v1/T1.nii.gz: {said}" in done.stderr
        # Nothing is unpacked before, and nothing is left.
        assert sorted(tmp_path.glob("*.orig.tar.gz")) == sorted(tmp_path.glob("tmp*")) == []


PARTS = """\
parts:
- {name: zipped, files: ["zipped/*"]}
- {name: rest, files: ["T1*", "*more.txt", "m*"]}
"""


@pytest.mark.parametrize(
    "format",
    [
        pytest.param(each.name, marks=pytest.mark.tools(*(one.name for one in each.programs)))
        for each in recipe_formats().values()
        if each.splits
    ],
)
def test_a_recipe_of_parts_takes_them_from_several_files(
    format: str, served: Served, tmp_path: Path
) -> None:
    """What is built is compared with what nipack builds, package by package."""
    text = served.definition.read_text("utf-8")
    served.definition.write_text(f"{text}{PARTS}", "utf-8")
    made = [path.name for path in recipe_of(served, format, tmp_path).packages]
    names = ["mylab-atlas-zipped", "mylab-atlas-rest", "mylab-atlas"]
    assert all(path.startswith(name) for path, name in zip(made, names, strict=False))
    recipe = tmp_path / "recipes" / "mylab-atlas"
    # Nothing is put together here where the recipe does so; the config.ini is beside it.
    assert list(recipe.glob("*.tar.gz")) == ([] if format != "debian" else [*recipe.glob("*1.2*")])
