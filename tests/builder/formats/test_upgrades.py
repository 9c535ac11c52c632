"""Whatever takes the place of a file, a folder or a link in the next version, dpkg installs it."""

import subprocess
from itertools import permutations
from pathlib import Path

import pytest
from tests.conftest import MakeTree

from nipack.builder.flows.build import build
from nipack.builder.formats.deb import FORMAT

KINDS = ("file", "folder", "link to a file", "link to a folder")
CHANGES = list(permutations(KINDS, 2))
ROOT = "usr/share/nipy/nipy/templates"
pytestmark = [pytest.mark.root, pytest.mark.tools("dpkg", "dpkg-deb")]


class System:
    """A folder with a database of dpkg's; scripts run outside of it, told where it is."""

    def __init__(self, root: Path) -> None:
        self.root, database = root, root / "var" / "lib" / "dpkg"
        for folder in ("updates", "info"):
            (database / folder).mkdir(parents=True)
        (database / "status").touch()

    def dpkg(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        options = [f"--root={self.root}", "--force-script-chrootless", "--log=/dev/null"]
        command = ["dpkg", *options, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def install(self, package: Path) -> None:
        done = self.dpkg("-i", package)
        assert (done.returncode, done.stderr) == (0, "")

    def state(self) -> dict[str, str]:
        """Return each file's text and each link's target below the data directory."""
        top = self.root / ROOT
        return {
            path.relative_to(top).as_posix(): f"-> {path.readlink()}"
            if path.is_symlink()
            else path.read_text()
            for path in top.rglob("*")
            if path.is_symlink() or path.is_file()
        }


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "system")


def put(path: Path, kind: str, version: str) -> None:
    """Make what stands at a path in a version."""
    if kind == "file":
        path.write_text(f"file of {version}")
    elif kind == "folder":
        path.mkdir()
        (path / "inner file").write_text(f"inner of {version}")
    else:
        path.symlink_to("one/real" if kind == "link to a file" else "one")


def package_of(tree: Path, kinds: dict[str, str], version: str, out: Path) -> Path:
    for name, kind in kinds.items():
        put(tree / "templates" / name, kind, version)
    [artifact] = build(str(tree), [FORMAT], out)
    return artifact.path


def state_of(tree: Path) -> dict[str, str]:
    top = tree / "templates"
    return {
        path.relative_to(top).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_text()
        for path in top.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.slow(1)
def test_every_change_of_kind(system: System, make_tree: MakeTree, tmp_path: Path) -> None:
    """All in one upgrade, there and back; the names are ones that a shell would take amiss."""
    olds = {f"{old} $to '{new}'": old for old, new in CHANGES}
    news = {f"{old} $to '{new}'": new for old, new in CHANGES}
    trees = {}
    for version, kinds in {"0.2": olds, "0.3": news, "0.4": olds}.items():
        tree = make_tree({"one/real": b"real"}, name=f"nipy-templates-{version}", version=version)
        package = package_of(tree, kinds, version, tmp_path / "dist")
        trees[version] = state_of(tree)
        system.install(package)
        assert system.state() == trees[version]
    assert system.dpkg("-r", "nipy-templates").returncode == 0
    assert not (system.root / ROOT).exists()


def test_an_upgrade_that_fails_leaves_the_links(
    system: System, make_tree: MakeTree, tmp_path: Path
) -> None:
    kinds = {"a link": "link to a folder"}
    old = make_tree({"one/real": b"real"}, name="nipy-templates-0.2", version="0.2")
    system.install(package_of(old, kinds, "0.2", tmp_path / "dist"))
    before = system.state()
    new = make_tree({"one/real": b"real"}, name="nipy-templates-0.3", version="0.3")
    package = package_of(new, {"a link": "folder"}, "0.3", tmp_path / "dist")
    broken = tmp_path / "broken"
    subprocess.run(["dpkg-deb", "-R", package, broken], check=True)
    (broken / "DEBIAN" / "preinst").write_text("#!/bin/sh\nexit 1\n")
    (broken / "DEBIAN" / "preinst").chmod(0o755)
    subprocess.run(["dpkg-deb", "-Znone", "-b", broken, tmp_path / "broken.deb"], check=True)
    assert system.dpkg("-i", tmp_path / "broken.deb").returncode == 1
    assert system.state() == before
