"""Which copies of data packages there are, and what stands for none."""

from pathlib import Path

import pytest
from tests.machine import Machine, add_records, install, make_machine

from nipack.data import DataError
from nipack.inventory.copies import (
    copies_below,
    copy_at,
    copy_in,
    installed_copies,
    installed_relpaths,
    is_path,
    other_copies,
    relpaths_below,
)
from nipack.lookup.search import given_data_path
from nipack.lookup.settings import search_settings


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        *((place, True) for place in (".", "./a", "../a", "~", "~/a", "/a", "\\a")),
        *((place, False) for place in ("", "nipy/templates", "a.b", "a~", "-", "nipy")),
    ],
)
def test_a_path_begins_like_one(place: str, path: bool) -> None:
    assert is_path(place) is path


def test_a_directory_by_its_path_has_the_relpath_of_its_names(tmp_path: Path) -> None:
    data = install(tmp_path, "0.4", "nipy/x")
    copy = copy_at(str(data))
    assert (copy.relpath, copy.version, copy.path) == ("nipy/x", "0.4", str(data))
    assert (copy.root, copy.status, copy.reason) == (None, None, "version 0.4")
    gone = copy_in("/none")
    assert (gone.relpath, gone.version, gone.reason) == (None, None, "not there")
    for wrong in (data / "config.ini", data / "none"):
        with pytest.raises(DataError) as caught:
            copy_at(str(wrong))
        assert str(caught.value) == (
            f"{wrong} is not a directory; name the directory that has the config.ini"
        )


def test_what_is_below_the_roots_is_sorted_and_each_once(tmp_path: Path) -> None:
    for root, relpath in (("b", "nipy/x"), ("a", "nipy/x"), ("a", "lab/y"), ("b", "nipy/a")):
        install(tmp_path / root, relpath=relpath)
    (tmp_path / "a" / "nipy" / "empty").mkdir()
    (tmp_path / "a" / "nipy" / "odd" / "config.ini").mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    roots = given_data_path([str(tmp_path / name) for name in ("b", "a", "none")]).roots
    assert relpaths_below(roots) == ["lab/y", "nipy/a", "nipy/x"]
    found = list(copies_below("nipy/x", roots))
    assert [(each.path, each.status, each.reason) for each in found] == [
        (str(tmp_path / "b/nipy/x"), "chosen", "version 0.3"),
        (
            str(tmp_path / "a/nipy/x"),
            "hidden",
            f"version 0.3, hidden by {tmp_path / 'b/nipy/x'}",
        ),
    ]
    assert [each.root for each in found] == list(roots[:2])
    assert {each.relpath for each in found} == {"nipy/x"}
    assert list(copies_below("nipy/empty", roots)) == []
    [odd] = copies_below("nipy/odd", roots)
    assert odd.status == "unreadable"


def test_a_root_that_is_named_twice_has_its_copies_once(tmp_path: Path) -> None:
    install(tmp_path / "a", relpath="nipy/x")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "b" / "nipy").mkdir(parents=True)
    (tmp_path / "b" / "nipy" / "x").touch()
    roots = given_data_path([str(tmp_path / name) for name in ("a", "a", "link", "b")]).roots
    assert [each.path for each in copies_below("nipy/x", roots)] == [str(tmp_path / "a/nipy/x")]


def test_data_that_is_gone_is_known_by_its_records(machine: Machine) -> None:
    data = install(machine.own_root, relpath="nipy/x")
    add_records(machine.prefix, "nipy/x")
    (data / "config.ini").unlink()
    settings = search_settings()
    assert installed_relpaths(settings) == ["nipy/x"]
    assert [each.status for each in installed_copies(settings)] == ["no config.ini"]
    data.rmdir()
    assert [each.status for each in installed_copies(settings)] == ["absent"]
    install(machine.directory / "other", relpath="nipy/y")
    elsewhere = given_data_path([str(machine.directory / "other")]).roots
    assert relpaths_below(elsewhere) == ["nipy/y"]
    (machine.prefix / "share/nipack/nipy-x/package.json").unlink()
    assert installed_relpaths(settings) == []


def test_other_copies_are_those_of_the_same_version(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = [machine.directory / name for name in "abc"]
    for root, version in zip(roots, ("0.1", "0.2", "0.1"), strict=True):
        install(root, version, "nipy/x")
    monkeypatch.setenv("NIPY_DATA_PATH", ":".join(map(str, roots)))
    settings = search_settings()
    [first, second, third] = installed_copies(settings)
    assert list(other_copies(first, settings)) == [third]
    assert list(other_copies(second, settings)) == []
    assert list(other_copies(first.replace(version=None), settings)) == []
    assert list(other_copies(first.replace(relpath=None), settings)) == []
