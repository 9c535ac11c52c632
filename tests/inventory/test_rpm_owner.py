"""What rpm installed: asked of the program, where a system has its database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.machine import install, write

from nipack.inventory import owners
from nipack.inventory.owners import find_owner

DATA = "usr/share/nipy/nipy/templates"
SPEC = f"""\
Name: nipy-templates
Version: 0.3
Release: 2
Summary: Templates
License: CC0-1.0
BuildArch: noarch
%description
Templates.
%install
mkdir -p %{{buildroot}}/{DATA}
printf '[DEFAULT]\\nversion = 0.3\\n' > %{{buildroot}}/{DATA}/config.ini
%files
/{DATA}
"""


def owner(top: Path) -> str:
    return str(find_owner(str(top / DATA), "nipy/templates"))


@pytest.mark.tools("rpm", "rpmbuild")
@pytest.mark.root
@pytest.mark.parametrize("database", ["var/lib/rpm", "usr/lib/sysimage/rpm"])
def test_a_package_of_a_system_in_a_directory(tmp_path: Path, database: str) -> None:
    spec = write(tmp_path / "x.spec", SPEC)
    build = ["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}/build", str(spec)]
    subprocess.run(build, check=True, capture_output=True)
    [package] = tmp_path.glob("build/RPMS/noarch/*.rpm")
    top = tmp_path / "system"
    command = ["rpm", "--root", str(top), "--dbpath", f"/{database}", "-i", "--nodeps"]
    subprocess.run([*command, str(package)], check=True, capture_output=True)
    assert owner(top) == "rpm: nipy-templates 0.3-2"
    install(top / "usr/share/nipy", relpath="nipy/data")
    assert str(find_owner(str(top / "usr/share/nipy/nipy/data"), "nipy/data")) == "by hand"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A system with a database that no program has written."""
    install(tmp_path / "usr/share/nipy")
    write(tmp_path / "var/lib/rpm/rpmdb.sqlite", "")
    return tmp_path


@pytest.mark.slow(1)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no rpm")
@pytest.mark.parametrize(
    ("script", "found"),
    [
        (r"printf 'nipy-data\t0.2-1.fc40\nother\t1-1\n'", "rpm: nipy-data 0.2-1.fc40"),
        ("echo 'file /usr/x is not owned by any package'; exit 1", "by hand"),
        (r"printf 'nipy-data\t0.2-1\n'; exit 1", "by hand"),
        ("echo 'file /usr/x is not owned by any package'", "by hand"),
        ("exec sleep 60", "by hand"),
    ],
)
def test_what_the_program_says(
    system: Path, monkeypatch: pytest.MonkeyPatch, script: str, found: str
) -> None:
    write(system / "bin/rpm", f"#!/bin/sh\n{script}\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{system / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(owners, "MOST_SECONDS", 0.5)
    assert owner(system) == found


def test_no_program_is_run_where_there_is_no_database(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*command: str) -> str:
        raise AssertionError(command)

    monkeypatch.setattr(owners, "output_of", refuse)
    with pytest.raises(AssertionError, match="rpm"):
        owner(system)
    (system / "var/lib/rpm/rpmdb.sqlite").unlink()
    assert owner(system) == "by hand"
    write(system / "prefix/var/lib/rpm/rpmdb.sqlite", "")
    data = install(system / "prefix/share/nipy")
    assert str(find_owner(str(data), "nipy/templates")) == "by hand"


def test_dpkg_is_asked_first_and_the_program_may_be_missing(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(system))
    assert owner(system) == "by hand"
    write(system / "var/lib/dpkg/info/nipy-templates.list", f"/{DATA}/config.ini\n")
    write(system / "var/lib/dpkg/status", "Package: nipy-templates\nVersion: 0.3-1\n\n")
    monkeypatch.setattr(owners, "output_of", lambda *command: "wrong\t1\n")
    assert owner(system) == "dpkg: nipy-templates 0.3-1"
