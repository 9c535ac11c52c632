"""What strangers may have put where settings, records and data are looked for."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.machine import Machine, add_records, install, make_machine, write

import nipack
from nipack.data import DataError, Datasource, get_data_path, make_datasource
from nipack.lookup.errors import IniError
from nipack.lookup.files import (
    MOST_OF_MANIFESTS,
    MOST_OF_SETTINGS,
    folder_names,
    read_regular,
    walk,
)
from nipack.lookup.ini import find_setting
from nipack.lookup.version import major_minor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes, devices and names of POSIX")
TEMPLATES = {"relpath": "nipy/templates"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path, monkeypatch)


def pipe(file: Path) -> None:
    os.mkfifo(file)


def endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


def huge(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(1 << 40)


@pytest.mark.parametrize("make", [pipe, endless, huge])
@pytest.mark.parametrize(
    "place",
    [
        "etc/nipy/a.ini",
        "prefix/etc/nipy/a.ini",
        "home/.nipy/config.ini",
        "mine/nipy/templates/config.ini",
    ],
)
def test_good_data_is_found_past_what_is_no_file(
    machine: Machine,
    make: object,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for a pipe, or reads a device to its end."""
    file = machine.directory / place
    file.parent.mkdir(parents=True)
    make(file)  # type: ignore[operator]
    monkeypatch.setenv("NIPY_DATA_PATH", str(machine.directory / "mine"))
    with pytest.raises(DataError, match="cannot be read" if "mine" in place else "not installed"):
        make_datasource(TEMPLATES)
    data = install(machine.own_root)
    assert make_datasource(TEMPLATES).base_path == str(data)
    assert nipack.explain("nipy/templates").chosen is not None
    assert nipack.diagnose()
    assert str(machine.own_root) in get_data_path()
    assert [each.state for each in nipack.verify()][-1] == "not checked"


@pytest.mark.parametrize("make", [pipe, endless, huge])
@pytest.mark.parametrize("name", ["SHA256SUMS", "package.json"])
def test_records_that_are_no_files(machine: Machine, make: object, name: str) -> None:
    install(machine.own_root)
    record = add_records(machine.prefix) / name
    record.unlink()
    make(record)  # type: ignore[operator]
    assert len(nipack.list_packages(quick=True)) == 1
    assert make_datasource(TEMPLATES).version == "0.3"


def test_a_file_has_a_size_and_a_kind(tmp_path: Path) -> None:
    file = tmp_path / "config.ini"
    file.write_bytes(b"x" * MOST_OF_SETTINGS)
    assert len(read_regular(str(file), MOST_OF_SETTINGS)) == MOST_OF_SETTINGS
    file.write_bytes(b"x" * (MOST_OF_SETTINGS + 1))
    with pytest.raises(OSError, match="it has more than 262,144 bytes"):
        read_regular(str(file), MOST_OF_SETTINGS)
    with file.open("wb") as long:
        long.truncate(MOST_OF_MANIFESTS + 1)
    with pytest.raises(OSError, match="it has more than 33,554,432 bytes"):
        read_regular(str(file), MOST_OF_MANIFESTS)
    with file.open("wb") as long:
        long.truncate((64 << 20) + 1)
    with pytest.raises(OSError, match="it has more than 67,108,864 bytes"):
        read_regular(str(file))
    with pytest.raises(IsADirectoryError, match="it is a directory"):
        read_regular(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[DATA]\npath = a\n x" + " " * 250_000 + "y\n", "200 blanks in a row"),
        (
            "[DATA]\n"
            + "".join(f"a{n} = " + f"%(a{n + 1})s" * 100 + "\n" for n in range(9))
            + "path = %(a0)s\n",
            "more than 16 values",
        ),
    ],
    ids=["blanks", "references"],
)
def test_a_text_that_the_parser_would_take_for_ever(text: str, problem: str) -> None:
    start = time.monotonic()
    with pytest.raises(IniError, match=problem):
        find_setting(text.encode(), "a.ini", "DATA", "path")
    assert time.monotonic() - start < 30  # without the limits: for ever


def test_a_version_without_end() -> None:
    for version in ("1." + "0" * 5_000, "1.2" + ".3" * 90_000):
        with pytest.raises(ValueError, match=r"has \S+ characters"):
            major_minor(version)


@pytest.fixture
def deep_data(machine: Machine) -> Iterator[Path]:
    """Data with folders that are deeper than Python's stack, and than a path can be long."""
    data = install(machine.own_root)
    add_records(machine.prefix)
    here = os.open(data, os.O_RDONLY)
    try:
        for _ in range(3_000):
            os.mkdir("d", dir_fd=here)
            there = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = there
        yield data
    finally:
        os.close(here)
        # pytest cannot: its way of removing calls itself once for each level.
        subprocess.run(["rm", "-r", str(data / "d")], check=True)


@pytest.mark.slow
def test_folders_of_any_depth(deep_data: Path) -> None:
    source = make_datasource(TEMPLATES)
    assert source.list_files() == ["config.ini"]
    assert [each.name for each in source.glob("*.ini")] == ["config.ini"]
    assert [each.state for each in nipack.verify()] == ["intact"]
    assert nipack.list_packages()[0].size == 24
    assert nipack.diagnose()
    # More than a thousand of them can be opened.
    assert len(list(walk(str(deep_data)))) > 1_500


def test_a_file_that_nobody_may_read_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="folder: cannot be read"):
        Datasource(str(tmp_path)).open("folder")
    with pytest.raises(DataError, match="circle is not in"):
        Datasource(str(tmp_path)).open("circle")
    assert Datasource(str(tmp_path)).list_files() == ["circle"]


@pytest.mark.slow
def test_links_to_a_folder_are_one_problem_each(machine: Machine) -> None:
    """Two thousand links to a folder of two thousand files are not four million lines."""
    data = install(machine.own_root)
    (data / "files").mkdir()
    for number in range(2_000):
        (data / "files" / f"{number}").touch()
    for number in range(2_000):
        (data / f"link{number}").symlink_to("files")
    add_records(machine.prefix)
    assert nipack.verify("nipy/templates", quick=True)[0].state == "intact"
    for number in range(2_000):
        (data / f"link{number}").unlink()
    [found] = nipack.verify("nipy/templates", quick=True)
    assert len(found.problems) == 2_000
    assert str(found.problems[0]) == "link0: missing (a link to files)"
    for number in range(200):
        (data / f"link{number}").mkdir()
    [found] = nipack.verify("nipy/templates", quick=True)
    assert found.state == "damaged"
    assert "more than 200,000 files would stand for its links" in found.reason


def test_names_that_are_not_utf_8(machine: Machine) -> None:
    name = os.fsdecode(b"templ\xe4tes")
    data = install(machine.own_root, relpath=f"nipy/{name}")
    write(machine.prefix / "conda-meta/x-1-0.json", "{}")
    (machine.directory / "usr/var/lib/dpkg/info").mkdir(parents=True)
    [package] = nipack.list_packages()
    assert package.path == str(data)
    assert package.owner.manager == "by hand"
    assert len(nipack.verify()) == 1
    assert nipack.diagnose()


def test_a_link_in_a_circle_hides_no_package_beside_it(machine: Machine) -> None:
    install(machine.own_root)
    add_records(machine.prefix)
    for folder in (machine.own_root, machine.own_root / "nipy", machine.prefix / "share/nipack"):
        (folder / "circle").symlink_to("circle")
    assert [each.relpath for each in nipack.list_packages()] == ["nipy/templates"]


def test_what_cannot_be_read_is_passed_over_and_the_rest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / name / f"file{name}", "")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "circle").symlink_to("circle")
    write(tmp_path / "file", "")
    look, closed = os.scandir, set[str]()

    def some(path: str) -> object:
        if path in closed:
            raise PermissionError(path)
        return look(path)

    monkeypatch.setattr(os, "scandir", some)
    # Whichever the system names first.
    for name in "abc":
        closed = {str(tmp_path / name)}
        found = {folder: (sorted(names), links) for folder, names, links in walk(str(tmp_path))}
        rest: dict[str, tuple[list[str], list[str]]] = {
            str(tmp_path / each): ([f"file{each}"], []) for each in {*"abc"} - {name}
        }
        assert found == {str(tmp_path): (["circle", "file"], ["link"]), **rest}
        assert folder_names(str(tmp_path / name)) == []
    assert folder_names(str(tmp_path)) == ["a", "b", "c", "link"]
    assert folder_names(str(tmp_path / "none")) == []
