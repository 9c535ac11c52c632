"""The runtime on either flavour of paths: this machine's and Windows', whatever machine this is."""

import configparser
import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.flavours import System, Windows, make_posix, make_windows

import nipack
from nipack.advice import commands
from nipack.cli.app import nipack as command_line
from nipack.data import DataError, datasource_or_bomber, make_datasource
from nipack.inventory.owners import find_owner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stands in for that")
TEMPLATES = {"relpath": "nipy/templates"}
FLAVOURS = {"posix": make_posix, "windows": make_windows}


@pytest.fixture(params=FLAVOURS)
def system(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> System:
    return FLAVOURS[request.param](tmp_path, monkeypatch)


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Windows:
    return make_windows(tmp_path, monkeypatch)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(command_line, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def own_root(system: System) -> str:
    return system.join(system.prefix, "share", "nipy")


def test_data_is_found_and_read(system: System) -> None:
    data = system.install(own_root(system))
    system.write(system.join(data, "2mm", "T1.nii.gz"), "image")
    found = make_datasource(TEMPLATES)
    assert (found.base_path, found.version) == (data, "0.3")
    assert found.list_files() == [system.join("2mm", "T1.nii.gz"), "config.ini"]
    with found.open("2mm", "T1.nii.gz", mode="r") as stream:
        assert stream.read() == "image"
    with pytest.raises(DataError, match=r"did you mean 2mm.T1\.nii\.gz"):
        found.get_filename("2mm", "T1.nii", must_exist=True)


def test_where_prints_paths_of_the_system(system: System) -> None:
    data = system.install(own_root(system))
    result = run("where", "nipy/templates", "config.ini")
    assert (result.exit_code, result.stdout) == (0, f"{data}{system.sep}config.ini\n")
    assert data in run("where", "nipy/templates", "none").stderr


def test_every_manager_is_found_by_its_records(system: System) -> None:
    data = system.install(own_root(system))
    record = {"windows": "Lib/site-packages"}.get(_name(system), "lib/python3.12/site-packages")
    record = system.join(system.prefix, *record.split("/"), "nipy_templates-0.3.dist-info/RECORD")
    system.write(record, "../../share/nipy/nipy/templates/config.ini,sha256=x,24\n")
    assert str(find_owner(data, "nipy/templates")) == "pip: nipy-templates 0.3"
    files = {"name": "nipy-templates", "files": ["share/nipy/nipy/templates/config.ini"]}
    meta = system.join(system.prefix, "conda-meta", "nipy-templates-0.3-0.json")
    system.write(meta, json.dumps({**files, "version": "0.3"}))
    assert str(find_owner(data, "nipy/templates")) == "conda: nipy-templates 0.3"
    [package] = nipack.list_packages()
    assert (package.path, package.owner.manager, package.size) == (data, "conda", 24)


def _name(system: System) -> str:
    return "windows" if isinstance(system, Windows) else "posix"


@pytest.mark.parametrize("link", ["T1.nii.gz", "2mm"])
def test_a_copy_is_checked_against_a_manifest_with_forward_slashes(
    system: System, link: str
) -> None:
    data = system.install(own_root(system))
    for name in ("T1.nii.gz", "2mm"):
        system.write(system.join(data, "deep", name, "one.txt"), name)
    system.real(system.join(data, "link")).symlink_to(f"deep/{link}")
    system.add_records(system.prefix)
    [found] = nipack.verify("nipy/templates")
    assert (found.state, found.problems, found.path) == ("intact", (), data)
    system.write(system.join(data, "deep", "2mm", "one.txt"), "3mm")
    system.write(system.join(data, "deep", "extra"), "")
    [found] = nipack.verify(data)
    assert [(each.path, each.damage) for each in found.problems] == [
        ("deep/2mm/one.txt", "changed"),
        ("deep/extra", "extra"),
    ]
    assert nipack.list_packages(check=True)[0].check == "damaged"


def test_a_root_may_end_with_a_slash(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    data = system.install(own_root(system))
    system.add_records(system.prefix)
    monkeypatch.setenv("NIPY_DATA_PATH", own_root(system) + system.sep)
    system.real(system.join(data, "config.ini")).unlink()
    system.real(data).rmdir()
    [found] = nipack.verify()
    assert [each.damage for each in found.problems] == ["missing"]


def test_fix_writes_what_both_parsers_read(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system.join(system.other, "100% of it", "é")
    data = system.install(root)
    monkeypatch.setenv("NIPY_DATA_PATH", data)
    ini = system.join(system.user_dir, "config.ini")
    system.write(
        ini, "[x]\r\ny = 1\r\n[DATA]\r\npath = " + system.join(system.home, "mine") + "\r\n"
    )
    result = run("doctor", "nipy/templates", "--fix", "--yes")
    assert result.exit_code == 0, result.output
    text = system.read(ini)
    assert text.count("\n") == text.count("\r\n")
    parser = configparser.ConfigParser()
    parser.read_string(text)
    assert parser["DATA"]["path"] == system.pathsep.join([system.join(system.home, "mine"), root])
    assert make_datasource(TEMPLATES).base_path == data


def test_a_new_ini_has_the_lines_of_the_system(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_DATA_PATH", system.install(system.other))
    assert run("doctor", "nipy/templates", "--fix", "--yes").exit_code == 0
    end = "\r\n" if isinstance(system, Windows) else "\n"
    ini = system.join(system.user_dir, "config.ini")
    assert system.read(ini) == f"[DATA]{end}path = {system.other}{end}"


def test_quotes_around_a_directory_are_a_mistake(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_DATA_PATH", f'"{system.other}"')
    [mistake] = nipack.explain("nipy/templates").mistakes
    assert mistake == (
        f'NIPY_DATA_PATH: the quotes are taken as part of the name "{system.other}";'
        " write it without them"
    )


# What only Windows has


def test_the_top_of_a_drive_is_a_root(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the data directory, which is named as a root, is in the top."""
    data = windows.install("D:\\")
    monkeypatch.setenv("NIPY_DATA_PATH", data)
    [miss] = nipack.explain("nipy/templates").near_misses
    assert (miss.root, miss.kind) == ("D:\\", "data directory as root")
    assert run("doctor", "nipy/templates", "--fix", "--yes").exit_code == 0
    assert make_datasource(TEMPLATES).base_path == data


def test_one_place_in_another_case_is_one_place(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows.install(r"D:\envs\é\share\nipy")
    windows.write(
        r"D:\envs\é\conda-meta\nipy-templates-0.3-0.json",
        '{"name": "nipy-templates", "files": ["share/nipy/nipy/templates/config.ini"]}',
    )
    roots = [r"d:\ENVS\É\Share\Nipy", "D:/envs/é/share/nipy", r"E:\none", "e:/NONE"]
    monkeypatch.setenv("NIPY_DATA_PATH", ";".join(roots))
    found = nipack.explain("nipy/templates")
    assert [each.status for each in found.tried] == [
        "chosen",
        "repeated",
        "absent",
        "repeated",
        "repeated",
        "absent",
    ]
    [package] = nipack.list_packages()
    assert package.owner.manager == "conda"
    bomber = datasource_or_bomber({"relpath": "nipy/data"})
    assert str(bomber.msg).count("not there") == 3  # type: ignore[union-attr]


def test_a_prefix_at_the_top_of_a_drive(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "D:\\")
    data = windows.install(r"D:\share\nipy")
    windows.write(
        r"D:\conda-meta\nipy-templates-0.3-0.json",
        '{"name": "nipy-templates", "files": ["share/nipy/nipy/templates/config.ini"]}',
    )
    [package] = nipack.list_packages()
    assert (package.path, package.owner.manager) == (data, "conda")


def test_the_user_scheme_of_pip(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    base = rf"{windows.home}\AppData\Roaming\Python"
    data = windows.install(rf"{base}\share\nipy")
    windows.write(
        rf"{base}\Python311\site-packages\nipy_templates-0.3.dist-info\RECORD",
        r"..\..\share\nipy\nipy\templates\config.ini,,",
    )
    monkeypatch.delenv("APPDATA", raising=False)
    [miss] = nipack.explain("nipy/templates").near_misses
    assert miss.path == data
    monkeypatch.setenv("NIPY_DATA_PATH", rf"{base}\share\nipy")
    assert nipack.list_packages()[0].owner.manager == "pip"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (r"\\server\share\nipy\templates", r"\\server\share\nipy\templates"),
        (r"E:nipy\templates", r"E:\nipy\templates"),
        (r"E:/nipy/templates", r"E:\nipy\templates"),
        (r".\nipy\templates", rf"{Windows.working_directory}\nipy\templates"),
        (r"~\nipy\templates", r"C:\Users\Ada Lovelace\nipy\templates"),
        ("E:\\", "E:\\"),
        (r"\\server\share", "\\\\server\\share"),
    ],
)
def test_a_directory_of_any_kind_is_checked(windows: Windows, typed: str, meant: str) -> None:
    windows.install(own_root(windows))
    windows.add_records(windows.prefix)
    windows.write(rf"{meant}\config.ini", "[DEFAULT]\nversion = 0.3\n")
    manifest = rf"{windows.prefix}\share\nipack\nipy-templates\SHA256SUMS"
    result = run("verify", typed, "--manifest", manifest, "--json")
    [found] = json.loads(result.stdout)
    assert found["path"].rstrip("\\") == meant.rstrip("\\")
    assert [each["damage"] for each in found["problems"]] in ([], ["extra"])
    assert run("verify", typed).exit_code in (0, 1)


def test_a_relpath_with_backslashes_is_told_from_a_directory(windows: Windows) -> None:
    result = run("verify", r"nipy\templates")
    assert result.exit_code == 2
    assert "a relpath is umbrella/directory" in result.stderr
    windows.install(windows.working_directory)
    assert r"is a directory here; write .\nipy\templates" in run("verify", r"nipy\templates").stderr


def test_what_windows_lets_no_file_be_called_is_not_there(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPY_DATA_PATH", r"C:\one:D:\two")
    found = nipack.explain("nipy/templates")
    assert {each.status for each in found.tried} == {"absent"}
    assert "is not installed in any of the 3 places" in str(found)
    assert nipack.list_packages() == ()


def test_the_commands_are_those_of_the_prompt(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = rf"{windows.user_dir}\nipy-templates-0.3\templates"
    windows.write(rf"{tree}\config.ini", "[DEFAULT]\nversion = 0.3\n")
    [miss] = nipack.explain("nipy/templates").near_misses
    target = rf"{windows.user_dir}\nipy"
    assert miss.remedy == f'mkdir "{target}" 2>nul & move "{tree}" "{target}"'
    windows.install(rf"{windows.prefix}\share\nipy")
    monkeypatch.setenv("NIPY_DATA_PATH", r"E:\empty")
    windows.real(r"E:\empty\nipy\templates").mkdir(parents=True)
    nibabel = nipack.explain("nipy/templates").nibabel
    assert nibabel is not None
    setting = rf'set "NIPY_DATA_PATH={windows.prefix}\share\nipy;%NIPY_DATA_PATH%"'
    assert nibabel.remedy == rf"{setting}, or remove E:\empty\nipy\templates"
    assert commands.this_interpreter().is_windows


def test_both_names_of_the_user_directory_are_near(windows: Windows) -> None:
    data = windows.install(rf"{windows.home}\.nipy")
    [miss] = nipack.explain("nipy/templates").near_misses
    assert (miss.path, miss.reason) == (data, rf"the user directory is {windows.user_dir}")


def test_the_stand_in_is_like_windows(windows: Windows) -> None:
    """Where the tests above rest on it."""
    assert windows.path.abspath(r"D:x\..\y") == r"D:\y"
    assert windows.path.abspath(r"\y") == r"C:\y"
    windows.write(r"D:\Some\File.txt", "")
    assert windows.path.realpath("d:/some/FILE.TXT") == r"D:\Some\File.txt"
    assert windows.path.isfile(r"d:\some\file.txt")
    assert not windows.path.exists(r"D:\a:b")
    with pytest.raises(PermissionError):
        windows.os.open_file(r"D:\Some")
    assert not hasattr(windows.os, "fork")
    assert os.path.join("a", "b") == "a/b"  # noqa: PTH118
