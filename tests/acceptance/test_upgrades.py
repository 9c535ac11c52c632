"""What takes the place of a file, a folder or a link in the next version: rpm, conda and pip."""

import sys
import venv
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from tests.acceptance.systems import Build, Prefix, run
from tests.builder.samples import tree_of
from tests.conftest import MakeTree

from nipack.builder.flows.recipe import RecipeOptions, make_recipes
from nipack.builder.recipes import recipe_formats

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
            put(tree / "templates" / " %{to} 'a' ".join(change), change[number % 2], version)
        trees.append(tree)
    return trees


def put(path: Path, kind: str, version: str) -> None:
    if kind == "file":
        path.write_text(f"file of {version}")
    elif kind == "folder":
        path.mkdir()
        (path / "inner").write_text(f"inner of {version}")
        # Its namesake in the folder that a link leads to must not be taken for it.
        (path / "real").write_text(f"another of {version}")
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


@pytest.fixture
def rpm(tmp_path: Path) -> Callable[..., str]:
    """Run rpm with a database and a system of its own."""
    (tmp_path / "system").mkdir()
    return lambda *words: run("rpm", f"--root={tmp_path / 'system'}", *words)


def rpm_of(tree: Path, previous: Path | None = None) -> Path:
    """Have rpmbuild make the package of a tree by our recipe."""
    options = RecipeOptions(
        draft=True,
        recipes=tree.parent / "recipes",
        packages=tree.parent / f"{tree.name}-rpm",
        previous=str(previous) if previous else None,
        build=True,
    )
    [recipe] = make_recipes(str(tree), [recipe_formats()["rpm"]], options)
    [package] = [each for each in recipe.packages if each.name.endswith(".noarch.rpm")]
    return package


@pytest.mark.root
@pytest.mark.tools("rpmbuild", "rpm2archive")
def test_rpm_changes_every_kind(
    rpm: Callable[..., str], make_tree: MakeTree, tmp_path: Path
) -> None:
    before = None
    for tree in versions(make_tree, KINDS):
        rpm("--upgrade", rpm_of(tree, before))
        assert tree_of(tmp_path / "system" / "usr" / ROOT) == tree_of(tree / "templates")
        assert rpm("--verify", "nipy-templates") == ""
        before = tree
    rpm("--erase", "nipy-templates")
    assert not (tmp_path / "system" / "usr" / ROOT).exists()


@pytest.mark.root
@pytest.mark.tools("rpmbuild", "rpm2archive")
def test_rpm_swaps_links_and_folders_of_a_version_that_the_recipe_never_saw(
    rpm: Callable[..., str], make_tree: MakeTree, tmp_path: Path
) -> None:
    top = tmp_path / "system" / "usr" / ROOT
    for number, tree in enumerate(versions(make_tree, ("folder", "link to a folder"))):
        rpm("--upgrade", rpm_of(tree))
        expected = tree_of(tree / "templates")
        found = {path: held for path, held in tree_of(top).items() if ".rpmmoved" not in path}
        assert found == expected
        if number == 0:
            (top / "folder %{to} 'a' link to a folder" / "mine").write_text("a user's")
    kept = top / "folder %{to} 'a' link to a folder.rpmmoved"
    assert tree_of(kept) == {"mine": b"a user's"}
