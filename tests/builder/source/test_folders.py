"""Which folder is the data, and what the names of folders say."""

from pathlib import Path

import pytest

from nipack.builder.definition.model import Definition
from nipack.builder.source.folders import (
    data_directory,
    definition_of_layout,
    definition_path,
    expand_folder,
    find_data_directory,
    relpath_of_folders,
    umbrella_problems,
    without_version,
)
from nipack.builder.source.tree import SourceTree
from nipack.system.errors import DataPackageError

DEFINITION = Definition(name="nipy-templates", relpath="nipy/templates")


def made(top: Path, *files: str) -> SourceTree:
    for name in files:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("", "utf-8")
    return SourceTree(address="source", directory=top)


def refusal(tree: SourceTree, definition: Definition | None = None) -> str:
    with pytest.raises(DataPackageError) as caught:
        data_directory(tree, definition)
    return str(caught.value).replace(str(tree.directory), "TOP")


@pytest.mark.parametrize(
    ("files", "relpath", "found"),
    [
        (["config.ini", "a/config.ini"], None, "."),
        (["a/config.ini", "b/other"], None, "a"),
        (["a/b/config.ini"], None, "a/b"),
        (["a/b/c/config.ini"], None, None),
        (["a/config.ini", "a/b/config.ini"], None, "a"),
        (["a/x/config.ini", "b/x/config.ini"], "b/x", "b/x"),
        (["a/x/config.ini", "b/y/config.ini"], "c/y", "b/y"),
        (["xb/c/config.ini", "b/c/config.ini"], "b/c", "b/c"),
        (["a/config.ini"], "c/d", "a"),
        (["a/config.ini/b"], None, None),
        ([], None, None),
    ],
)
def test_the_data_is_where_its_config_is(
    files: list[str], relpath: str | None, found: str | None, tmp_path: Path
) -> None:
    tree = made(tmp_path, *files)
    expected = None if found is None else tmp_path / found
    assert find_data_directory(tree, relpath) == expected


def test_several_are_told_in_order(tmp_path: Path) -> None:
    tree = made(tmp_path, "b/config.ini", "a/c/config.ini", "a/b/config.ini")
    (tmp_path / "link").symlink_to("b")
    for definition in (None, Definition(name="c-d", relpath="c/d")):
        said = refusal(tree, definition)
        assert "several folders have a config.ini: a/b, a/c, b" in said
        assert "write a package.yaml for each, with its relpath" in said


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["nipy/templates/a", "templates/a"], "nipy/templates"),
        (["templates/a", "setup.py"], "templates"),
        (["image.nii"], "."),
        (["image.nii", "setup.py"], None),
        (["image.nii", "package.yaml"], None),
    ],
)
def test_without_a_config_the_data_is_where_the_relpath_says(
    files: list[str], found: str | None, tmp_path: Path
) -> None:
    tree = made(tmp_path, *files)
    if found is not None:
        assert data_directory(tree, DEFINITION) == tmp_path / found
    else:
        said = refusal(tree, DEFINITION)
        assert "no folder in it has a config.ini, so it is unclear which one is the data" in said
        assert (
            "put a config.ini with '[DEFAULT]' and 'version = 0.1' into the data directory, or "
            "run nipack init on the directory"
        ) in said
    assert "no folder in it has a config.ini" in refusal(tree)


def test_what_several_sources_make_is_the_data(tmp_path: Path) -> None:
    tree = SourceTree(address="source", directory=tmp_path, is_data=True)
    assert data_directory(tree, None) == tmp_path


@pytest.mark.parametrize("folder", ["", "a/", "a/b/"])
def test_a_misspelt_config_is_told(folder: str, tmp_path: Path) -> None:
    said = refusal(made(tmp_path, f"{folder}Config.INI", "z/other"))
    assert f"TOP/{folder}Config.INI: no folder has a config.ini, but here is a Config.INI" in said
    assert "rename it to config.ini, the name that nibabel looks for" in said


@pytest.mark.parametrize("name", ["package.yml", "Package.yaml", "PACKAGE.YML"])
def test_a_misspelt_definition_is_told_and_the_right_one_is_taken(
    name: str, tmp_path: Path
) -> None:
    assert definition_path(tmp_path) is None
    assert definition_path(tmp_path / "none") is None
    made(tmp_path, name, "other.yaml")
    with pytest.raises(DataPackageError) as caught:
        definition_path(tmp_path)
    assert f"a folder's definition is not looked for under the name {name}" in str(caught.value)
    assert "rename it to package.yaml" in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
    made(tmp_path, "package.yaml")
    assert definition_path(tmp_path) == tmp_path / "package.yaml"


def test_a_folder_of_definitions_stands_for_each(tmp_path: Path) -> None:
    made(tmp_path, "b/package.yaml", "a/package.yml", "c/other", "d")
    assert expand_folder(str(tmp_path)) == [str(tmp_path / "a"), str(tmp_path / "b")]
    for source in (tmp_path / "c", tmp_path / "d", tmp_path / "a", "https://example.org/a"):
        assert expand_folder(str(source)) == [str(source)]
    made(tmp_path, "config.ini")
    assert expand_folder(str(tmp_path)) == [str(tmp_path)]
    (tmp_path / "config.ini").unlink()
    made(tmp_path, "package.yaml")
    assert expand_folder(str(tmp_path)) == [str(tmp_path)]


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("nipy-templates-0.1", "nipy-templates"),
        ("nipy-v1.2", "nipy"),
        ("nipy-2009c", "nipy"),
        ("nipy-1-2", "nipy-1"),
        ("nipy-vx", "nipy-vx"),
        ("-1", "-1"),
        ("", ""),
        ("nipy", "nipy"),
    ],
)
def test_a_release_s_version_is_no_part_of_its_name(name: str, without: str) -> None:
    assert without_version(name) == without


@pytest.mark.parametrize(
    ("folders", "relpath"),
    [
        ("nipy-templates-0.1/templates", "nipy/templates"),
        ("nipy-0.1/templates", "nipy/templates"),
        ("nipy/templates-1", "nipy/templates-1"),
        ("templates-templates/templates", "templates/templates"),
    ],
)
def test_the_folders_say_a_relpath(folders: str, relpath: str) -> None:
    directory = Path("/x", folders)
    tree = SourceTree(address="source", directory=directory.parent)
    assert relpath_of_folders(tree, directory) == relpath
    assert definition_of_layout(tree, directory).relpath == relpath
    assert definition_of_layout(tree, directory).name == relpath.replace("/", "-")


def test_data_at_the_top_of_an_archive_has_no_umbrella() -> None:
    directory = Path("/x/nipy/templates")
    tree = SourceTree(address="source", directory=directory, unpacked=directory)
    assert relpath_of_folders(tree, directory) == "/templates"
    with pytest.raises(DataPackageError) as caught:
        definition_of_layout(tree, directory)
    assert "the folders '/templates' do not give a valid name and relpath" in str(caught.value)
    assert "write a package.yaml with name, relpath, version and source" in str(caught.value)


@pytest.mark.parametrize(
    ("top", "inner", "stated"),
    [
        ("nipy-templates-0.3", "templates", None),
        ("other-templates-0.3", "templates", "other/templates"),
        ("nipy-templates-0.3", "other", None),
        ("top", "nipy/templates", None),
        ("top", "nipy/other", "nipy/other"),
        ("top", "templates", None),
        ("top", "a/b/c", None),
        ("other-templates-0.3", ".", None),
    ],
)
def test_folders_that_say_another_relpath_are_told(
    top: str, inner: str, stated: str | None, tmp_path: Path
) -> None:
    directory = tmp_path / top / inner
    directory.mkdir(parents=True)
    said = [str(each) for each in umbrella_problems(tmp_path / top, directory, DEFINITION)]
    assert len(said) == (stated is not None)
    if stated is not None:
        assert f"its folders say {stated}, but the relpath is nipy/templates" in said[0]
        assert "make the relpath what the code looks up, or rename the folder" in said[0]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["templates"], "nipy/templates/templates"),
        (["nipy"], "nipy/templates/nipy"),
        (["templates", "nipy"], None),
        (["other"], None),
        ([], None),
    ],
)
def test_a_folder_that_repeats_the_relpath_is_told(
    names: list[str], problem: str | None, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder-link").symlink_to(tmp_path.parent)
    said = [str(each) for each in umbrella_problems(tmp_path, tmp_path, DEFINITION)]
    assert len(said) == (problem is not None)
    if problem is not None:
        assert said[0].startswith(f"{problem}: ")
        assert "all of the data is in it, so its path has that name twice" in said[0]
        assert "move the files up, beside config.ini" in said[0]
