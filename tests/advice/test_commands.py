"""The command that installs a data package."""

import shlex
import sys
from pathlib import Path

import pytest

from nipack.advice import commands
from nipack.advice.commands import (
    Interpreter,
    install_command,
    installable_name,
    reinstall_command,
    this_interpreter,
    wheel_command,
)


def interpreter(
    prefix: str = "/opt/venv",
    *,
    executable: str = "/opt/venv/bin/python",
    has_pip: bool = True,
    is_conda: bool = False,
    is_managed: bool = False,
    is_windows: bool = False,
    systems: frozenset[str] = frozenset(),
) -> Interpreter:
    return Interpreter(
        prefix=prefix,
        executable=executable,
        has_pip=has_pip,
        is_conda=is_conda,
        is_managed=is_managed,
        is_windows=is_windows,
        systems=systems,
    )


CONDA = interpreter("/opt/env", is_conda=True)
SPACED = interpreter("/opt/my env", is_conda=True)
WINDOWS = interpreter(r"C:\Program Files\env", is_conda=True, is_windows=True)
DEBIAN = interpreter("/usr", systems=frozenset({"debian"}))
UBUNTU = interpreter("/usr", systems=frozenset({"linuxmint", "ubuntu", "debian"}))
FEDORA = interpreter("/usr", systems=frozenset({"fedora"}))
ALMA = interpreter("/usr", systems=frozenset({"almalinux", "rhel", "centos", "fedora"}))
ARCH = interpreter("/usr", executable="/usr/bin/python", systems=frozenset({"arch"}))
MANAGED = interpreter("/usr", executable="/usr/bin/python3", is_managed=True)
SUSE = interpreter("/usr", systems=frozenset({"opensuse-leap", "suse", "opensuse"}))
UV = interpreter(has_pip=False)
WINDOWS_VENV = interpreter(
    r"C:\Users\A B\venv", executable=r"C:\Users\A B\venv\python.exe", is_windows=True
)


@pytest.mark.parametrize(
    ("there", "command"),
    [
        (CONDA, "conda install --prefix /opt/env nipy-templates"),
        (SPACED, "conda install --prefix '/opt/my env' nipy-templates"),
        (WINDOWS, r'conda install --prefix "C:\Program Files\env" nipy-templates'),
        (DEBIAN, "sudo apt install nipy-templates"),
        (UBUNTU, "sudo apt install nipy-templates"),
        (FEDORA, "sudo dnf install nipy-templates"),
        (ALMA, "sudo dnf install nipy-templates"),
        (SUSE, "sudo zypper install nipy-templates"),
        (UV, "uv pip install --python /opt/venv/bin/python nipy-templates"),
        (ARCH, "/usr/bin/python -m pip install nipy-templates"),
        (interpreter(), "/opt/venv/bin/python -m pip install nipy-templates"),
        (WINDOWS_VENV, r'"C:\Users\A B\venv\python.exe" -m pip install nipy-templates'),
        # A virtual environment on Debian is no place for apt to install into.
        (
            interpreter(systems=frozenset({"debian"})),
            "/opt/venv/bin/python -m pip install nipy-templates",
        ),
    ],
)
def test_each_interpreter_has_its_installer(there: Interpreter, command: str) -> None:
    assert install_command("nipy-templates", there) == command


@pytest.mark.parametrize(
    ("there", "command"),
    [
        (CONDA, "conda install --prefix /opt/env 'nipy-templates>=0.3'"),
        (WINDOWS, r'conda install --prefix "C:\Program Files\env" "nipy-templates>=0.3"'),
        (DEBIAN, "sudo apt install nipy-templates"),
        (interpreter(), "/opt/venv/bin/python -m pip install 'nipy-templates>=0.3'"),
    ],
)
def test_a_minimum_replaces_what_is_installed(there: Interpreter, command: str) -> None:
    assert install_command("nipy-templates", there, minimum="0.3") == command


def test_the_running_interpreter_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    expected = [sys.executable, "-m", "pip", "install", "nipy-data"]
    if sys.platform != "win32":
        assert shlex.split(install_command("nipy-data")) == expected
    (tmp_path / "conda-meta").mkdir()
    assert install_command("nipy-data").startswith("conda install --prefix ")


def test_an_embedded_interpreter_has_no_executable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert this_interpreter().executable == "python"


@pytest.mark.parametrize(
    ("release", "systems"),
    [
        ({"ID": "debian"}, {"debian"}),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, {"linuxmint", "ubuntu", "debian"}),
    ],
)
def test_a_distributions_interpreter_knows_its_relatives(
    monkeypatch: pytest.MonkeyPatch, release: dict[str, str], systems: set[str]
) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert this_interpreter().systems == systems
    monkeypatch.setattr(sys, "prefix", "/opt/venv")
    assert this_interpreter().systems == frozenset()


def test_a_system_without_os_release(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FileNotFoundError

    monkeypatch.setattr("platform.freedesktop_os_release", fail)
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert commands.this_interpreter().systems == frozenset()


@pytest.mark.parametrize(
    ("relpath", "name", "expected"),
    [
        ("nipy/templates", None, "nipy-templates"),
        ("pbrain/My_Data", None, "pbrain-my-data"),
        ("nipy/templates", "nipy-templates", "nipy-templates"),
        ("nipy/x", "Nipy_Extra", "nipy-extra"),
        ("nipy/my.data", None, "nipy-my-data"),
        ("nipy/x", "nipy.my.data", "nipy-my-data"),
        ("nipy/x", "$(rm -r .)", None),
        ("nipy", None, None),
        ("nipy/../x", None, None),
    ],
)
def test_package_names(relpath: str, name: str | None, expected: str | None) -> None:
    assert installable_name(relpath, name) == expected


@pytest.mark.parametrize(
    ("manager", "there", "command"),
    [
        ("conda", SPACED, "conda install --force-reinstall --prefix '/opt/my env' nipy-data"),
        # What dpkg installed is dpkg's, whichever Python asks.
        ("dpkg", CONDA, "sudo apt install --reinstall nipy-data"),
        ("rpm", FEDORA, "sudo dnf reinstall nipy-data"),
        ("rpm", SUSE, "sudo zypper install --force nipy-data"),
        (
            "pip",
            UV,
            "uv pip install --python /opt/venv/bin/python --force-reinstall --no-deps nipy-data",
        ),
        (
            "pip",
            interpreter(),
            "/opt/venv/bin/python -m pip install --force-reinstall --no-deps nipy-data",
        ),
    ],
)
def test_what_is_damaged_is_installed_again(manager: str, there: Interpreter, command: str) -> None:
    assert reinstall_command(manager, "nipy-data", there) == command


@pytest.mark.parametrize(
    ("manager", "place", "command"),
    [
        # What another environment has is put there again, and not into that which asks.
        ("conda", "env", "conda install --force-reinstall --prefix {}/env nipy-data"),
        ("pip", "env", "{}/env/bin/python -m pip install --force-reinstall --no-deps nipy-data"),
        ("pip", "venv", "{}/venv/bin/python -m pip install --force-reinstall --no-deps nipy-data"),
        (
            "pip",
            "uv",
            "uv pip install --python {}/uv/bin/python --force-reinstall --no-deps nipy-data",
        ),
        (
            "pip",
            "base",
            "/opt/venv/bin/python -m pip install --user --force-reinstall --no-deps nipy-data",
        ),
        ("dpkg", "usr", "sudo chroot {} apt install --reinstall nipy-data"),
        ("rpm", "usr", "sudo chroot {} dnf reinstall nipy-data"),
        ("rpm", "suse/usr", "sudo chroot {}/suse zypper install --force nipy-data"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_what_is_damaged_elsewhere_is_installed_there(
    manager: str, place: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env" / "conda-meta").mkdir(parents=True)
    for name, made_by in (("venv", "home = /usr/bin"), ("uv", "uv = 0.4")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyvenv.cfg").write_text(f"{made_by}\n", "utf-8")
    (tmp_path / "suse" / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "suse" / "usr" / "bin" / "zypper").touch()
    monkeypatch.setattr("site.getuserbase", lambda: str(tmp_path / "base"))
    said = reinstall_command(manager, "nipy-data", interpreter(), prefix=str(tmp_path / place))
    assert said == command.format(tmp_path)


def test_a_wheel_of_data_is_installed_into_a_system_by_root() -> None:
    """PEP 668: pip refuses it otherwise, and would put it where nobody looks."""
    assert (
        wheel_command("/d/x.whl", interpreter()) == "/opt/venv/bin/python -m pip install /d/x.whl"
    )
    assert wheel_command("/d/x.whl", MANAGED) == (
        "sudo /usr/bin/python3 -m pip install --break-system-packages /d/x.whl"
    )
