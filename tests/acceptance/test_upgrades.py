"""What takes the place of a file, a folder or a link in the next version: conda and pip do it."""

import sys
import venv
from itertools import permutations
from pathlib import Path

import pytest
from tests.acceptance.systems import Build, Prefix, run
from tests.builder.samples import tree_of
from tests.conftest import MakeTree

pytestmark = pytest.mark.slow
KINDS = ("file", "folder", "link to a file", "link to a folder")
ROOT = Path("share/nipy/nipy/templates")


def versions(make_tree: MakeTree, kinds: tuple[str, ...]) -> list[Path]:
    """Make a tree of which each entry changes its kind in the next, and back in the third."""
    changes = list(permutations(kinds, 2))
    trees = []
    for number, version in enumerate(("0.2", "0.3", "0.4")):
        tree = make_tree({"one/real": b"real"}, name=f"nipy-templates-{version}", version=version)
        for change in changes:
            put(tree / "templates" / " to ".join(change), change[number % 2], version)
        trees.append(tree)
    return trees


def put(path: Path, kind: str, version: str) -> None:
    if kind == "file":
        path.write_text(f"file of {version}")
    elif kind == "folder":
        path.mkdir()
        (path / "inner").write_text(f"inner of {version}")
    else:
        path.symlink_to("one/real" if kind == "link to a file" else "one")


def test_conda_changes_every_kind(
    build: Build, prefix: Prefix, make_tree: MakeTree, tmp_path: Path
) -> None:
    for tree in versions(make_tree, KINDS):
        prefix.conda_install(build(tree, "-f", "conda", out=tmp_path / tree.name)["conda"])
        assert tree_of(prefix.directory / ROOT) == tree_of(tree / "templates")


def test_pip_changes_files_and_folders(build: Build, make_tree: MakeTree, tmp_path: Path) -> None:
    """A wheel has no links."""
    venv.create(tmp_path / "environment", with_pip=False, symlinks=True)
    python = tmp_path / "environment" / "bin" / "python"
    for tree in versions(make_tree, KINDS[:2]):
        wheel = build(tree, "-f", "wheel", out=tmp_path / tree.name)["wheel"]
        run(
            sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
            "--no-deps", "--disable-pip-version-check", wheel,
        )  # fmt: skip
        assert tree_of(tmp_path / "environment" / ROOT) == tree_of(tree / "templates")
