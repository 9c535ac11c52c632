"""The packages of Arch Linux, by its own pacman and makepkg."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tests.acceptance.systems import Build, run
from tests.builder.samples import linked, odd
from tests.conftest import MakeTree

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.tools("pacman", "makepkg", "bsdtar", "zstd"),
]
ROOT = "usr/share/nipy/nipy/templates"


class ArchSystem:
    """A folder that pacman installs into, with a database and a configuration of its own."""

    def __init__(self, top: Path) -> None:
        self.root, self.database = top / "root", top / "database"
        self.root.mkdir(parents=True)
        self.database.mkdir()
        self.config = top / "pacman.conf"
        self.config.write_text(
            "[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n"
        )
        self._options: list[str | Path] = [
            *("--root", self.root, "--dbpath", self.database, "--config", self.config),
            *("--cachedir", top / "cache", "--hookdir", top / "hooks", "--logfile", top / "log"),
            "--noconfirm",
        ]

    def pacman(self, *arguments: str | Path) -> str:
        return run("pacman", *arguments, *self._options)

    def said(self, *arguments: str | Path) -> str:
        """Return what pacman says, whatever its status."""
        command = ["pacman", *map(str, arguments), *map(str, self._options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@pytest.fixture
def system(tmp_path: Path) -> ArchSystem:
    return ArchSystem(tmp_path / "arch")


def test_pacman_finds_nothing_altered(build: Build, system: ArchSystem, tmp_path: Path) -> None:
    package = build(linked(tmp_path), "-f", "pacman")["pacman"]
    system.pacman("-U", package)
    assert "0 altered files" in system.pacman("-Qkk", "nipy-templates")
    about = system.pacman("-Qi", "nipy-templates")
    assert "Version         : 0.3-1" in about
    assert "Description     : Übersicht of brains" in about
    assert "Licenses        : CC-BY-4.0" in about
    assert "Packager        : Ada Ünal <ada@example.org>" in about
    assert "/etc/nipy/nipy_templates.ini" in system.pacman("-Qii", "nipy-templates")


def test_pacman_finds_what_is_altered(build: Build, system: ArchSystem, tmp_path: Path) -> None:
    system.pacman("-U", build(odd(tmp_path), "-f", "pacman")["pacman"])
    file = system.root / ROOT / "two words" / "a file.txt"
    content, found = file.read_bytes(), file.stat()
    file.write_bytes(content.swapcase())
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    said = system.said("-Qkk", "nipy-templates")
    assert "two words/a file.txt (MD5 checksum mismatch)" in said
    assert "1 altered file" in said


def test_pacman_upgrades_and_removes(
    build: Build, system: ArchSystem, make_tree: MakeTree, tmp_path: Path
) -> None:
    old = make_tree({"a": b"1", "gone": b"2"}, name="nipy-templates-0.9", version="0.9")
    new = make_tree({"a": b"3"}, name="nipy-templates-0.10", version="0.10")
    for tree in (old, new):
        system.pacman("-U", build(tree, "-f", "pacman", out=tmp_path / tree.name)["pacman"])
    names = sorted(path.name for path in (system.root / ROOT).iterdir())
    assert names == ["a", "config.ini"]
    assert (system.root / ROOT / "a").read_bytes() == b"3"
    ini = system.root / "etc" / "nipy" / "nipy_templates.ini"
    ini.write_text(ini.read_text() + "# of an administrator\n")
    system.pacman("-R", "nipy-templates")
    assert not (system.root / ROOT).exists()
    assert [path.name for path in ini.parent.iterdir()] == ["nipy_templates.ini.pacsave"]


def test_what_pacman_installs_is_what_the_manifest_says(
    build: Build, system: ArchSystem, tmp_path: Path
) -> None:
    system.pacman("-U", build(odd(tmp_path), "-f", "pacman")["pacman"])
    manifest = system.root / "usr/share/nipack/nipy-templates/SHA256SUMS"
    run("sha256sum", "--check", "--strict", "--quiet", manifest, cwd=system.root / "usr")
    wanted = "dict(relpath='nipy/templates')"
    code = f"from nipack.data import make_datasource as make; print(make({wanted}).version)"
    environment = {"NIPY_DATA_PATH": str(system.root / "usr/share/nipy"), "HOME": str(tmp_path)}
    assert run(sys.executable, "-c", code, env=environment).strip() == "0.3"


def test_arch_sorts_the_versions(build: Build, make_tree: MakeTree, tmp_path: Path) -> None:
    names = []
    for version in ("0.3.rc1", "0.3", "0.3.1", "0.10"):
        tree = make_tree({}, name=f"nipy-templates-{version}", version=version)
        package = build(tree, "-f", "pacman", out=tmp_path / "dist")["pacman"]
        names.append(package.name.removeprefix("nipy-templates-").removesuffix("-any.pkg.tar.zst"))
    for one, other in pairwise(names):
        assert run("vercmp", one, other).strip() == "-1", (one, other)


def test_makepkg_builds_the_recipe(sample: Path, system: ArchSystem, tmp_path: Path) -> None:
    """What is installed is compared with the definition's own package by the flow."""
    options = RecipeOptions(
        recipes=tmp_path / "recipes", packages=tmp_path / "dist", draft=True, build=True
    )
    [recipe] = make_recipes(str(sample), [recipe_formats()["arch"]], options)
    [package] = recipe.packages
    system.pacman("-U", package)
    name = recipe.directory.parent.name
    # As nobody, for makepkg refuses to run as root.
    said = run("unshare", "--user", "makepkg", "--printsrcinfo", cwd=recipe.directory)
    assert f"pkgname = {name}\n" in said
    assert "0 altered files" in system.pacman("-Qkk", name)
