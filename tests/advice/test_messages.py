"""The messages for data that is not found, whole, in each situation; `--update-golden` writes them.

What differs from one machine to the next is replaced: the machine's directory is T.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.flavours import make_windows
from tests.machine import Machine, install, make_machine, ordinary_user, write

from nipack.advice import commands, report
from nipack.data import Bomber, DataError, datasource_or_bomber, make_datasource

GOLDEN = Path(__file__).parents[1] / "golden" / "messages"
TEMPLATES = {"relpath": "nipy/templates", "name": "nipy-templates", "min version": "0.3"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    # However long the paths of the machine are that runs the tests.
    monkeypatch.setattr(report, "MOST_COLUMNS", 0)
    return make_machine(tmp_path, monkeypatch)


@pytest.fixture
def golden(request: pytest.FixtureRequest, machine: Machine) -> "Golden":
    return Golden(GOLDEN / f"{request.node.originalname.removeprefix('test_')}.txt", machine,
                  update=bool(request.config.getoption("--update-golden")))  # fmt: skip


class Golden:
    """The file that a message is held against."""

    def __init__(self, file: Path, machine: Machine, *, update: bool) -> None:
        self.file, self.machine, self.update = file, machine, update

    def check(self, message: str) -> None:
        text = self.machine.short(message) + "\n"
        assert len(text.splitlines()[0]) < 150, "the first line is to be short"
        if self.update:
            write(self.file, text)
        assert text == self.file.read_text("utf-8")


def message() -> str:
    bomber = datasource_or_bomber({**TEMPLATES, "install hint": None})
    assert isinstance(bomber, Bomber)
    return str(bomber.msg)


def test_nothing_installed_in_a_virtual_environment(machine: Machine, golden: Golden) -> None:
    golden.check(message())


def test_a_conda_environment(machine: Machine, golden: Golden) -> None:
    (machine.prefix / "conda-meta").mkdir(parents=True)
    write(machine.prefix / "etc/nipy/nipy_data.ini", f"[DATA]\npath = {machine.own_root}\n")
    install(machine.own_root, "0.3", "nipy/data")
    golden.check(message())


@pytest.mark.parametrize("system", ["debian", pytest.param("fedora", marks=pytest.mark.slow(0.2))])
def test_a_distribution(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, system: str
) -> None:
    monkeypatch.setattr(sys, "prefix", "/usr")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(commands, "_systems", lambda: frozenset({system}))
    if Path("/usr/share/nipy").exists() or Path("/usr/local/share/nipy").exists():
        pytest.skip("this machine has data of its own")
    update = bool(request.config.getoption("--update-golden"))
    Golden(GOLDEN / f"a_distribution_{system}.txt", machine, update=update).check(message())


def test_too_old(machine: Machine, golden: Golden) -> None:
    install(machine.own_root, "0.2")
    install(machine.home / ".nipy", "0.1")
    golden.check(message())


def test_shadowed(machine: Machine, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could have been found but for its version, behind what cannot be used."""
    (machine.directory / "mine/nipy/templates").mkdir(parents=True)
    monkeypatch.setenv("NIPY_DATA_PATH", str(machine.directory / "mine"))
    write(machine.own_root / "nipy/templates/config.ini", "[DEFAULT]\nversion = 2009c\n")
    golden.check(message())


@pytest.mark.filterwarnings("ignore::nipack.data.ConfigWarning")
def test_malformed_ini(machine: Machine, golden: Golden) -> None:
    write(machine.etc / "a.ini", "path = /x\n")
    write(machine.etc / "b.ini", "[DATA]\n/x\n")
    write(machine.etc / "c.ini", "[DATA]\npath = /x\npath = /y\n")
    (machine.etc / "d.ini").write_bytes(b"[DATA]\npath = /\xff\n")
    write(machine.prefix / "etc/nipy/e.ini", "[DATA]\n[DATA]\n")
    golden.check(message())


@pytest.mark.skipif(sys.platform == "win32", reason="chmod closes no directory there")
def test_unreadable_directory(machine: Machine, golden: Golden) -> None:
    umbrella = install(machine.own_root).parent
    write(machine.etc / "closed.ini", "[DATA]\n").chmod(0)
    for directory in [machine.directory, *machine.directory.parents][:-2]:
        directory.chmod(0o755)
    umbrella.chmod(0)
    try:
        with ordinary_user():
            said = message()
    finally:
        umbrella.chmod(0o755)
    golden.check(said.replace(f"of user {os.getuid()}, with", "of user 0, with"))


def test_dead_path(machine: Machine, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPY_DATA_PATH", "/dead/data:/dead/too")
    write(machine.home / ".nipy/config.ini", "[DATA]\npath = /dead/three\n")
    golden.check(message())


def test_wrong_separator(machine: Machine, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = [machine.directory / name for name in ("one", "two")]
    install(roots[1])
    monkeypatch.setenv("NIPY_DATA_PATH", ";".join(map(str, roots)))
    golden.check(message())


def test_near_misses(machine: Machine, golden: Golden) -> None:
    install(machine.base / "share/nipy")
    install(machine.system, "0.4")
    install(machine.own_root, relpath="templates")
    install(machine.home / ".nipy", relpath="nipy-templates-0.3/templates")
    write(machine.home / "Downloads/nipy-templates-0.3.tar.gz", "")
    golden.check(message())


def test_a_file_that_is_not_there(machine: Machine, golden: Golden) -> None:
    write(install(machine.own_root) / "ICBM152/2mm/T1.nii.gz", "")
    with pytest.raises(DataError) as error:
        make_datasource(TEMPLATES).get_filename("ICBM152", "2mm", "t1.nii", must_exist=True)
    golden.check(str(error.value))


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for that")
@pytest.mark.filterwarnings("ignore::nipack.data.ConfigWarning")
def test_windows(machine: Machine, golden: "Golden") -> None:
    """Its drives and servers, separators, the same place in another case, and quotes."""
    variable = r'C:\mine;c:/MINE;C:\one:D:\two;/unix:/paths;"C:\my data";D:\nipy\templates'
    with pytest.MonkeyPatch.context() as patch:
        windows = make_windows(machine.directory, patch)
        patch.setenv("NIPY_DATA_PATH", variable)
        patch.delenv("APPDATA", raising=False)
        windows.write(
            r"D:\envs\é\etc\nipy\nipy_templates.ini", "[DATA]\npath = D:/ENVS/é/share/nipy\n"
        )
        windows.write(
            r"C:\etc\nipy\SITE.INI", "[DATA]\r\npath = \\\\server\\share\\nipy;E:\\data\r\n"
        )
        windows.write(r"C:\etc\nipy\bad.ini", "path = C:\\x\r\n")
        windows.install(r"\\server\share\nipy", "0.1")
        windows.install(r"D:\envs\é\share\nipy", "0.2")
        windows.install("D:\\", "0.4")
        windows.install(rf"{windows.home}\AppData\Roaming\Python\share\nipy")
        windows.install(rf"{windows.home}\.nipy")
        windows.install(windows.user_dir, relpath="nipy-templates-0.3/templates")
        windows.write(rf"{windows.home}\Downloads\nipy-templates-0.3.tar.gz", "")
        said = message()
    golden.check(said)


def test_the_commands_in_the_messages_parse(machine: Machine) -> None:
    """As a person pastes them into a shell."""
    write(machine.home / "Downloads/nipy-templates-0.3.tar.gz", "")
    lines = [line.partition("to use it: ")[2] for line in message().splitlines()]
    assert any(lines)
    for line in filter(None, lines):
        assert subprocess.run(["sh", "-n", "-c", line], check=True).returncode == 0


def test_every_golden_file_is_of_a_test(machine: Machine) -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for file in GOLDEN.iterdir():
        assert file.stem in tests or file.stem.startswith("a_distribution_"), file


@pytest.mark.parametrize(
    "definition",
    [
        {"relpath": "templates"},
        {"relpath": "./z/nipy/tmpl"},
        {"relpath": "/home/x/nipy/tmpl"},
        {"relpath": "nipy\\templates"},
        {"relpath": "nipy/my data"},
        {"relpath": "_/x"},
        {"relpath": "nipy/templates", "name": "-r evil"},
    ],
)
def test_no_command_of_what_no_package_is_called(
    machine: Machine, definition: dict[str, str]
) -> None:
    with pytest.raises(DataError) as error:
        make_datasource(definition)
    assert "is not installed in any of the 2 places" in str(error.value)
    assert "To install" not in str(error.value)
    assert "pip install" not in str(error.value)
