"""`nipack.explain`: the whole search, near misses, and what nibabel would make of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.machine import Machine, install, make_machine, set_system_dir, write

import nipack
from nipack.data import DataError, make_datasource
from nipack.lookup.records import plain


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return make_machine(tmp_path / "a mächine", monkeypatch)


def test_each_root_in_order_with_its_origin_and_what_was_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = machine.directory / "env"
    monkeypatch.setenv("NIPY_DATA_PATH", str(env))
    (env / "nipy" / "templates").mkdir(parents=True)
    write(machine.prefix / "etc/nipy/a.ini", f"# ours\n[DATA]\npath = {machine.own_root}\n")
    write(machine.etc / "b.ini", f"[DATA]\npath = {machine.system}\n")
    install(machine.own_root, "0.2")
    install(machine.system, "0.3")
    install(machine.home / ".nipy", "0.4")
    found = nipack.explain("nipy/templates", "0.3")
    assert [
        (machine.short(str(each.root.origin)), each.status, each.version) for each in found.tried
    ] == [
        ("NIPY_DATA_PATH", "no config.ini", None),
        ("T/prefix/etc/nipy/a.ini:3", "too old", "0.2"),
        ("T/etc/nipy/b.ini:2", "chosen", "0.3"),
        ("sys.prefix", "repeated", None),
        ("user directory", "hidden", "0.4"),
    ]
    assert [machine.short(each.reason) for each in found.tried] == [
        "empty directory",
        "version 0.2 is older than 0.3",
        "version 0.3",
        "looked at above, for T/prefix/etc/nipy/a.ini:3",
        "version 0.4, hidden by T/usr/share/nipy/nipy/templates",
    ]
    assert found.chosen is not None
    wanted = {"relpath": "nipy/templates", "min version": "0.3"}
    assert found.chosen.path == make_datasource(wanted).base_path


def test_a_link_to_a_place_is_that_place(machine: Machine) -> None:
    install(machine.own_root)
    (machine.home).mkdir(parents=True)
    (machine.home / ".nipy").symlink_to(machine.own_root)
    assert [each.status for each in nipack.explain("nipy/templates").tried] == [
        "chosen",
        "repeated",
    ]


def test_it_is_data_for_json(machine: Machine) -> None:
    install(machine.own_root)
    write(machine.etc / "bad.ini", "path = /x\n")
    document = json.loads(json.dumps(plain(nipack.explain("nipy/templates"))))
    assert document["tried"][0]["root"]["origin"]["source"] == "sys.prefix"
    assert document["problems"][0]["line"] == 1
    assert document["nibabel"]["status"] == "error"


def test_a_given_data_path_is_explained(machine: Machine) -> None:
    install(machine.own_root)
    mine = install(machine.directory / "mine")
    found = nipack.explain("nipy/templates", data_path=[str(machine.directory / "mine")])
    assert found.chosen is not None
    assert found.chosen.path == str(mine)
    assert found.nibabel is not None
    assert not found.nibabel.differs


def test_a_minimum_that_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a version"):
        nipack.explain("nipy/templates", "new")


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nipack.nothing  # noqa: B018
    # No module of the package has the name of a function, which it would take the place of.
    names = {path.stem for path in Path(nipack.__file__).parent.iterdir()}
    assert not names & set(nipack.__all__)
    assert all(callable(getattr(nipack, name)) for name in set(nipack.__all__) - {"__version__"})


# Near misses


def near(machine: Machine, minimum: str | None = None) -> list[tuple[str, str, str | None]]:
    found = nipack.explain("nipy/templates", minimum)
    assert found.chosen is None
    return [
        (each.kind, machine.short(each.path), each.root and machine.short(each.root))
        for each in found.near_misses
    ]


def test_the_base_of_a_virtual_environment(machine: Machine) -> None:
    install(machine.base / "share/nipy")
    assert near(machine) == [
        ("base prefix", "T/base/share/nipy/nipy/templates", "T/base/share/nipy")
    ]


def test_other_conda_environments(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    top = machine.directory / "miniforge"
    monkeypatch.setattr(sys, "prefix", str(top / "envs" / "here"))
    for name in ("conda-meta", "envs/here/conda-meta", "envs/other/conda-meta"):
        (top / name).mkdir(parents=True)
    install(top / "envs/other/share/nipy")
    install(machine.directory / "far/share/nipy")
    write(machine.home / ".conda/environments.txt", f"{machine.directory}/far\n/gone\n")
    assert near(machine) == [
        ("conda environment", f"T/{name}/share/nipy/nipy/templates", f"T/{name}/share/nipy")
        for name in ("far", "miniforge/envs/other")
    ]


@pytest.mark.parametrize("variable", ["CONDA_PREFIX", "CONDA_EXE"])
def test_the_conda_environment_that_is_active(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    top = machine.directory / "forge"
    (top / "conda-meta").mkdir(parents=True)
    monkeypatch.setenv(variable, str(top if variable == "CONDA_PREFIX" else top / "bin/conda"))
    install(top / "share/nipy")
    assert [kind for kind, _, _ in near(machine)] == ["conda environment"]


def test_the_system_without_an_ini(machine: Machine) -> None:
    install(machine.system)
    assert near(machine) == [
        ("system", "T/usr/share/nipy/nipy/templates", "T/usr/share/nipy"),
    ]
    write(machine.etc / "nipy_templates.ini", f"[DATA]\npath = {machine.system}\n")
    found = nipack.explain("nipy/templates")
    assert found.chosen
    assert found.near_misses == ()


def test_a_users_own_places(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPY_USER_DIR", str(machine.directory / "elsewhere"))
    install(machine.home / ".nipy")
    install(machine.home / ".local/share/nipy")
    assert [path for _, path, _ in near(machine)] == [
        "T/home/.local/share/nipy/nipy/templates",
        "T/home/.nipy/nipy/templates",
    ]


def test_the_data_directory_named_as_root(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = install(machine.directory / "mine")
    monkeypatch.setenv("NIPY_DATA_PATH", str(mine))
    assert near(machine) == [
        ("data directory as root", "T/mine/nipy/templates", "T/mine"),
    ]


def test_the_umbrella_forgotten(machine: Machine) -> None:
    install(machine.own_root, relpath="templates")
    install(machine.home / ".nipy", relpath="templates")
    # share/nipy is itself called nipy, so that share would be a root of nipy/templates.
    assert near(machine) == [
        ("umbrella forgotten", "T/prefix/share/nipy/templates", "T/prefix/share"),
        ("umbrella forgotten", "T/home/.nipy/templates", None),
    ]


def remedied(machine: Machine) -> list[str]:
    """Run the remedy of the one near miss; return what is found then."""
    [miss] = nipack.explain("nipy/templates").near_misses
    subprocess.run(["sh", "-c", miss.remedy], check=True)
    return make_datasource({"relpath": "nipy/templates"}).list_files()


def test_what_to_do_about_a_forgotten_umbrella(machine: Machine) -> None:
    install(machine.home / ".nipy", relpath="templates")
    assert remedied(machine) == ["config.ini"]


def test_an_archive_that_is_too_old_is_not_offered(machine: Machine) -> None:
    for name in ("nipy-templates-0.2.tar.gz", "nipy-templates-0.10-0.conda", "nipy-templates.zip"):
        write(machine.home / "Downloads" / name, "")
    found = nipack.explain("nipy/templates", "0.9").near_misses
    assert {(Path(each.path).name, each.version) for each in found} == {
        ("nipy-templates-0.10-0.conda", "0.10"),
    }


@pytest.mark.parametrize("top", [".nipy", ".", "Downloads"])
def test_an_unpacked_tarball(machine: Machine, top: str) -> None:
    install(machine.home / top, relpath="nipy-templates-0.3/templates")
    assert [kind for kind, _, _ in near(machine)] == ["unpacked tarball"]
    assert remedied(machine) == ["config.ini"]


def test_a_tarball_among_the_downloads(machine: Machine) -> None:
    downloads, tree = machine.home / "Downloads", "nipy-templates-0.3"
    install(downloads, relpath=f"{tree}/templates")
    subprocess.run(["tar", "-czf", f"{tree}.tar.gz", "--remove-files", tree], cwd=downloads,
                   check=True)  # fmt: skip
    (downloads / "nipy-templates-notes.txt").touch()
    (downloads / "nipy-data-0.3.tar.gz").touch()
    assert near(machine) == [("archive", f"T/home/Downloads/{tree}.tar.gz", None)]
    assert remedied(machine) == ["config.ini"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('XDG_DOWNLOAD_DIR="$HOME/Téléchargements"', "home/Téléchargements"),
        ('XDG_DOWNLOAD_DIR="$HOME/"', "home"),
        ('XDG_DOWNLOAD_DIR="$HOME/my \\"new\\" \\$ downloads"', 'home/my "new" $ downloads'),
        ('XDG_DOWNLOAD_DIR="T/disk/dl"', "disk/dl"),
        ('XDG_DOWNLOAD_DIR="Downloads"', "home/Downloads"),
        ("nonsense", "home/Downloads"),
    ],
)
@pytest.mark.parametrize("config", [".config", "settings"])
def test_downloads_in_the_users_language(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, line: str, place: str, config: str
) -> None:
    if config != ".config":
        monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.home / config))
    line = line.replace("T/", f"{machine.directory}/")
    text = f'# of xdg-user-dirs\nXDG_DESKTOP_DIR="$HOME/x"\n{line}\n'
    write(machine.home / config / "user-dirs.dirs", text)
    archive = write(machine.directory / place / "nipy-templates-0.3.tar.gz", "")
    monkeypatch.chdir(machine.home)
    assert near(machine) == [("archive", machine.short(str(archive)), None)]


def test_downloads_that_a_variable_names(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(machine.directory / r"back\slash"))
    install(machine.directory / r"back\slash", relpath="nipy-templates-0.3/templates")
    write(machine.home / "Downloads/nipy-templates-0.3.zip", "")
    assert [kind for kind, _, _ in near(machine)] == ["unpacked tarball", "archive"]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("nipy-templates-0.3-0.conda", "conda install --prefix"),
        ("nipy-templates_0.3-1_all.deb", "sudo apt install"),
        ("nipy_templates-0.3-py3-none-any.whl", "'T/prefix/bin/python' -m pip install"),
        ("nipy-templates-0.3.zip", "nipack build"),
    ],
)
def test_packages_among_the_downloads(machine: Machine, name: str, remedy: str) -> None:
    write(machine.home / "Downloads" / name, "")
    [miss] = nipack.explain("nipy/templates").near_misses
    assert machine.short(miss.remedy).startswith(remedy)
    assert name in miss.remedy


def test_what_could_not_be_used_is_no_near_miss(machine: Machine) -> None:
    install(machine.base / "share/nipy", "0.2")
    (machine.system / "nipy/templates").mkdir(parents=True)
    assert near(machine, "0.3") == []
    assert len(near(machine)) == 1


def test_the_error_says_where_the_data_is(machine: Machine) -> None:
    install(machine.base / "share/nipy")
    with pytest.raises(DataError, match=r"(?s)Not searched, but there:.*base/share.*--fix"):
        make_datasource({"relpath": "nipy/templates"})


def test_no_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("NIPY_USER_DIR", "/nowhere/at all")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert nipack.explain("nipy/templates").chosen is None


def test_no_system_directory(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    set_system_dir(None, monkeypatch)
    install(machine.own_root)
    assert nipack.explain("nipy/templates").chosen is not None


def test_a_loop_of_links(machine: Machine) -> None:
    (machine.own_root / "nipy").mkdir(parents=True)
    (machine.own_root / "nipy/templates").symlink_to("templates")
    found = nipack.explain("nipy/templates")
    assert found.tried[0].status == "unreadable"
    assert "symbolic links" in found.tried[0].reason


def test_what_may_be_meant_is_of_the_roots_that_are_searched(machine: Machine) -> None:
    install(machine.own_root, relpath="nipy/examplepkg")
    assert nipack.explain("nipy/exampelpkg").alike == ("nipy/examplepkg",)
    assert nipack.explain("nipy-examplepkg").alike == ("nipy/examplepkg",)
    assert nipack.explain("nipy/examplepkg").alike == ()
    assert nipack.explain("nipy/exampelpkg", data_path=[]).alike == ()
