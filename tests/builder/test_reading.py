"""A data package is read from whatever a source is."""

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builder.samples import (
    CONFIG,
    MINIMAL,
    RecordingReporter,
    define,
    linked,
    member,
    plain,
    read,
    tar_gz,
)

from nipack.builder.package import DataLink
from nipack.builder.reading import DEFAULT_TIME
from nipack.builder.source.folders import expand_folder
from nipack.system.errors import DataPackageError, SourceError

FILES = ["ICBM152/T1.nii.gz", "config.ini"]


def packed(tmp_path: Path, tree: Path) -> Path:
    """Return a source tarball of a tree, as upstream releases one."""
    archive = tmp_path / f"{tree.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tree, tree.name)
    return archive


def errors_of(source: Path | str, tmp_path: Path) -> str:
    with pytest.raises(DataPackageError) as caught:
        read(source, tmp_path / "work")
    return str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        lambda tree, tmp_path: tree,
        lambda tree, tmp_path: f"{tree}/",
        lambda tree, tmp_path: tree / "templates",
        lambda tree, tmp_path: f"{tree}/templates/",
        lambda tree, tmp_path: packed(tmp_path, tree),
        lambda tree, tmp_path: f"file://{packed(tmp_path, tree)}",
        lambda tree, tmp_path: os.path.relpath(tree),
    ],
    ids=["tree", "slash", "data", "data-slash", "tarball", "file", "relative"],
)
def test_sources_without_a_definition(
    given: Callable[[Path, Path], Path | str], tmp_path: Path, reporter: RecordingReporter
) -> None:
    source = given(plain(tmp_path), tmp_path)
    package = read(source, tmp_path / "work", reporter)
    assert package.definition.name == "nipy-templates"
    assert package.definition.relpath == "nipy/templates"
    assert package.version == "0.3"
    assert [file.path for file in package.files] == FILES
    assert package.size == sum(file.size for file in package.files)
    assert "no-definition" in reporter.codes
    [warning] = [each for each in reporter.warnings if each.code == "no-definition"]
    assert warning.where == str(source)
    assert reporter.steps["hash"] == [package.size, package.size]


def test_sources_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = plain(tmp_path)
    for place, given in ((tree, "."), (tree / "templates", "."), (tree / "templates", "..")):
        monkeypatch.chdir(place)
        assert read(given, tmp_path / "work").definition.relpath == "nipy/templates"


@pytest.mark.parametrize("given", ["package.yaml", ".", "", "recipe.yml"])
def test_definitions_as_sources(given: str, tmp_path: Path, reporter: RecordingReporter) -> None:
    tree = plain(tmp_path)
    define(tree)
    (tree / "recipe.yml").write_text(MINIMAL, "utf-8")
    package = read(tree / given, tmp_path / "work", reporter)
    assert package.definition.path == tree / (given if given.endswith("yml") else "package.yaml")
    assert [file.path for file in package.files] == FILES
    assert package.source is None
    assert reporter.codes == {
        *{"no-license", "missing-metadata", "redistribution-unverified", "no-date"},
        "image-unreadable",
    }


def test_a_definition_elsewhere_names_its_source(tmp_path: Path) -> None:
    archive = packed(tmp_path, plain(tmp_path))
    (tmp_path / "recipe").mkdir()
    define(tmp_path / "recipe", f"source: {{address: ../{archive.name}}}\n")
    package = read(tmp_path / "recipe", tmp_path / "work")
    assert [file.path for file in package.files] == FILES
    assert package.source is not None
    assert package.source.address == archive.name


def test_a_folder_named_as_a_definition_is_a_folder(tmp_path: Path) -> None:
    data = tmp_path / "nipy" / "data.yaml"
    data.mkdir(parents=True)
    (data / "config.ini").write_bytes(CONFIG)
    assert read(data, tmp_path / "work").definition.relpath == "nipy/data.yaml"


@pytest.mark.parametrize(
    ("path", "name", "relpath"),
    [
        ("nipy-templates-0.3/templates", "nipy-templates", "nipy/templates"),
        ("nipy-templates-v2/templates", "nipy-templates", "nipy/templates"),
        ("nipy/templates", "nipy-templates", "nipy/templates"),
        ("pbrain-surfaces/surfaces", "pbrain-surfaces", "pbrain/surfaces"),
        ("My_Lab/Big.Atlas", "my-lab-big-atlas", "My_Lab/Big.Atlas"),
        ("nipy/_data", "nipy-data", "nipy/_data"),
        ("nipy/a--b", "nipy-a-b", "nipy/a--b"),
    ],
)
def test_names_from_folders(path: str, name: str, relpath: str, tmp_path: Path) -> None:
    (tmp_path / path).mkdir(parents=True)
    (tmp_path / path / "config.ini").write_bytes(CONFIG)
    definition = read(tmp_path / path, tmp_path / "work").definition
    assert (definition.name, definition.relpath) == (name, relpath)


@pytest.mark.parametrize("path", ["two words/data", "lab/ü", "nipy/-data"])
def test_folders_that_give_no_name(path: str, tmp_path: Path) -> None:
    (tmp_path / path).mkdir(parents=True)
    (tmp_path / path / "config.ini").write_bytes(CONFIG)
    assert f"the folders '{path}' do not give a valid name" in errors_of(tmp_path / path, tmp_path)


def test_an_archive_of_the_data_alone(tmp_path: Path) -> None:
    config = member("templates/config.ini", CONFIG)
    archive = tar_gz(tmp_path / "nipy-templates-0.3.tar.gz", config)
    assert read(archive, tmp_path / "work").definition.relpath == "nipy/templates"


def test_an_archive_with_the_data_at_its_top_has_no_umbrella(tmp_path: Path) -> None:
    archive = tar_gz(tmp_path / "templates-0.3.tar.gz", member("config.ini", CONFIG))
    message = errors_of(archive, tmp_path)
    assert "the folders '/templates-0.3' do not give a valid name" in message
    assert message.startswith(f"{archive}: "), "the place is one that the user knows"


def test_places_in_an_archive_are_named_by_the_archive(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").write_text("[DEFAULT]\nversion = 1\n", "utf-8")
    archive = packed(tmp_path, tree)
    place = f"{archive}/nipy-templates-0.3/templates/config.ini:2: version '1' is not"
    assert f"\n{place}" in errors_of(archive, tmp_path)


@pytest.mark.parametrize(
    ("folders", "relpath", "found"),
    [
        (["templates"], "nipy/templates", "templates"),
        (["another-name"], "nipy/templates", "another-name"),
        (["nipy/templates"], "nipy/templates", "nipy/templates"),
        (["data", "templates"], "nipy/templates", "templates"),
        (["pbrain/templates", "nipy/templates"], "nipy/templates", "nipy/templates"),
        (["templates", "nipy/templates"], "nipy/templates", "nipy/templates"),
        # Data may hold data.
        (["templates", "templates/old"], "nipy/templates", "templates"),
        ([".", "older"], "nipy/templates", "."),
    ],
)
def test_the_data_directory_of_a_tree(
    folders: list[str], relpath: str, found: str, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for folder in folders:
        (tree / folder).mkdir(parents=True, exist_ok=True)
        (tree / folder / "config.ini").write_bytes(CONFIG)
    define(tree, base=MINIMAL.replace("nipy/templates", relpath))
    assert read(tree, tmp_path / "work").directory == tree / found


def test_data_inside_of_data_is_data(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "old").mkdir()
    (tree / "templates" / "old" / "config.ini").write_bytes(CONFIG)
    package = read(tree, tmp_path / "work")
    assert [file.path for file in package.files] == [*FILES, "old/config.ini"]


def test_a_second_name_of_the_data_directory(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "current").symlink_to("templates")
    assert read(tree, tmp_path / "work").definition.relpath == "nipy/templates"


def test_a_data_directory_that_is_a_link(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tmp_path / "disk").mkdir()
    (tree / "templates").rename(tmp_path / "disk" / "0001")
    (tree / "templates").symlink_to(tmp_path / "disk" / "0001")
    (tree / "templates" / "link").symlink_to("config.ini")
    for source in (tree, tree / "templates"):
        package = read(source, tmp_path / "work")
        assert package.definition.relpath == "nipy/templates"
        assert [file.path for file in package.files] == FILES
        assert [link.path for link in package.links] == ["link"]


def test_a_tree_of_several(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "data").mkdir()
    (tree / "data" / "config.ini").write_bytes(CONFIG)
    message = errors_of(tree, tmp_path)
    assert "several folders have a config.ini: data, templates; write a package.yaml" in message


@pytest.mark.parametrize("name", ["package.yml", "Package.yaml", "PACKAGE.YML"])
def test_a_definition_with_a_misspelt_name_is_not_passed_over(name: str, tmp_path: Path) -> None:
    tree = plain(tmp_path)
    define(tree)
    (tree / "package.yaml").rename(tree / name)
    if (tree / "package.yaml").exists():
        pytest.skip("this file system does not tell cases apart")
    message = errors_of(tree, tmp_path)
    assert f"{tree / name}: a folder's definition is not looked for under the name" in message
    assert "rename it to package.yaml" in message
    assert expand_folder(str(tree)) == [str(tree)]
    assert expand_folder(str(tmp_path)) == [str(tree)]
    define(tree)
    assert expand_folder(str(tmp_path)) == [str(tree)]
    assert read(tree, tmp_path / "work").version == "0.3"


@pytest.mark.parametrize("folder", [".", "one", "one/two"])
def test_a_misspelt_config_ini_is_seen_as_deep_as_a_right_one(folder: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / folder).mkdir(parents=True)
    (tree / folder / "Config.INI").write_text("[DEFAULT]\nversion = 1\n", "utf-8")
    with pytest.raises(DataPackageError, match="but here is a Config"):
        read(tree, tmp_path / "work")


@pytest.mark.parametrize("defined", [False, True])
def test_a_config_ini_with_a_misspelt_name(defined: bool, tmp_path: Path) -> None:
    tree = plain(tmp_path)
    config = tree / "templates" / "config.ini"
    config.rename(config.with_name("Config.ini"))
    if config.exists():
        pytest.skip("this file system does not tell cases apart")
    if defined:
        define(tree)
    message = errors_of(tree, tmp_path)
    assert "templates/Config.ini: no folder has a config.ini, but here is a Config.ini" in message
    assert "rename it to config.ini" in message


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nothing")])
def test_what_is_no_config_ini(make: Callable[[Path], object], tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").unlink()
    make(tree / "templates" / "config.ini")
    assert "no folder in it has a config.ini" in errors_of(tree, tmp_path)


def test_a_config_ini_that_is_an_inner_link(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").rename(tree / "templates" / "settings")
    (tree / "templates" / "config.ini").symlink_to("settings")
    package = read(tree, tmp_path / "work")
    assert package.version == "0.3"
    assert package.links == (DataLink(path="config.ini", target="settings", leads_to="settings"),)


def test_a_config_ini_that_lies_elsewhere(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    (tree / "templates" / "config.ini").rename(tree / "settings")
    (tree / "templates" / "config.ini").symlink_to("../settings")
    assert "nipy/templates/config.ini: it is a link that leaves" in errors_of(tree, tmp_path)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    tree = plain(tmp_path)
    data = tree / "templates"
    (data / "config.ini").write_text("[DEFAULT]\nversion = 1\n", "utf-8")
    (data / "out").symlink_to("/etc/passwd")
    (data / "nothing").symlink_to("missing")
    message = errors_of(tree, tmp_path)
    codes = ["no-definition", "config-version", "link-escapes", "link-dangling"]
    assert [code for code in codes if f"[{code}]" in message] == codes


def test_links_know_where_they_lead(tmp_path: Path) -> None:
    package = read(linked(tmp_path), tmp_path / "work")
    assert package.links == (
        DataLink(
            path="links/file",
            target="../two words/a file.txt",
            leads_to="two words/a file.txt",
        ),
        DataLink(path="links/folder", target="../a/b", leads_to=None),
        DataLink(path="links/link", target="file", leads_to="two words/a file.txt"),
    )


@pytest.mark.parametrize(
    ("epoch", "date", "newest", "time"),
    [
        ("1500000000", "2023-05-01", 1_400_000_000, 1_500_000_000),
        (None, "2023-05-01", 1_400_000_000, 1_682_899_200),
        (None, None, 1_400_000_000, 1_400_000_000),
        ("0", None, 1_400_000_000, 0),
        # What is no time of a release.
        (None, None, 0, DEFAULT_TIME),
        (None, None, 315_532_800, DEFAULT_TIME),
        (None, None, -1, DEFAULT_TIME),
        (None, None, 99_999_999_999, DEFAULT_TIME),
    ],
)
def test_the_time_of_a_package(
    epoch: str | None,
    date: str | None,
    newest: int,
    time: int,
    tmp_path: Path,
    reporter: RecordingReporter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    info, content = member("nipy-templates-0.3/templates/config.ini", CONFIG)
    info.mtime = newest
    tar_gz(tmp_path / "a.tar.gz", (info, content))
    if epoch is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    define(tmp_path, "source: {address: a.tar.gz}\n" + (f"date: {date}\n" if date else ""))
    assert read(tmp_path, tmp_path / "work", reporter).time == time
    assert ("no-date" in reporter.codes) is (time == DEFAULT_TIME)


@pytest.mark.parametrize(
    "epoch", ["", "yesterday", "-1", "1.5", "99999999999", "\u0661", " 1", "1\n"]
)
def test_a_bad_epoch(epoch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    message = errors_of(plain(tmp_path), tmp_path)
    assert message.startswith(f"SOURCE_DATE_EPOCH: it is '{epoch}', not a number of seconds")


@pytest.mark.parametrize("source", ["missing", "missing.tar.gz", "x" * 5000, "missing/"])
def test_a_source_that_is_not_there(source: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        read(tmp_path / source, tmp_path / "work")


@pytest.mark.parametrize("address", ["../data/../no-such.tar.gz", "../no-such.tar.gz"])
def test_a_definition_whose_source_is_not_there_is_named(address: str, tmp_path: Path) -> None:
    (tmp_path / "recipe").mkdir()
    define(tmp_path / "recipe", f"source:\n  address: {address}\n")
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "recipe", tmp_path / "work")
    assert str(caught.value) == (
        f"{tmp_path}/recipe/package.yaml:5: {tmp_path}/no-such.tar.gz: there is no such file; "
        "check the spelling"
    )


def test_a_definition_whose_source_is_not_fetched_is_named(tmp_path: Path) -> None:
    digest = "a" * 64
    define(tmp_path, f"source: {{address: 'https://127.0.0.1:1/a.zip', sha256: '{digest}'}}\n")
    with pytest.raises(SourceError) as caught:
        read(tmp_path, tmp_path / "work")
    place = f"{tmp_path}/package.yaml:4: https://127.0.0.1:1/a.zip: cannot be fetched: "
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize(
    "name",
    [
        *("config.ini", "ICBM152/T1.nii.gz", "ICBM152/T1.NII"),
        *(f"ICBM152/a.{ending}" for ending in ["mgh", "mgz", "gii", "mnc", "img", "hdr"]),
    ],
)
def test_a_file_of_the_data_is_no_source(name: str, tmp_path: Path) -> None:
    tree = plain(tmp_path)
    path = tree / "templates" / name
    path.touch()
    with pytest.raises(SourceError) as caught:
        read(path, tmp_path / "work")
    assert str(caught.value) == (
        f"{path}: a file of the data, not a source; name its folder, {tree / 'templates'}"
    )
