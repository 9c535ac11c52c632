"""Where nipy's settings live."""

import os
from pathlib import Path

import pytest

from nipack import environment


def test_home_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/mine")
    monkeypatch.setenv("USERPROFILE", "/home/of/mine")
    assert environment.get_home_dir() == "/home/of/mine"


@pytest.mark.parametrize(("system", "name"), [("posix", ".nipy"), ("nt", "_nipy")])
def test_user_directory_is_in_the_home(
    monkeypatch: pytest.MonkeyPatch, system: str, name: str
) -> None:
    monkeypatch.delenv("NIPY_USER_DIR", raising=False)
    monkeypatch.setattr(environment, "get_home_dir", lambda: "/home/of/mine")
    # Undone at once: with another os.name pathlib, and so pytest, does not work.
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", system)
        found = environment.get_nipy_user_dir()
    assert found == str(Path("/home/of/mine", name))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a/path", str(Path.cwd() / "/a/path")),
        ("relative", str(Path.cwd() / "relative")),
        ("/a/../b", str(Path.cwd() / "/b")),
        ("~/mine", "HOME/mine"),
        # As in nibabel: set, though to nothing, it is the working directory.
        ("", str(Path.cwd())),
    ],
)
def test_variable_names_the_user_directory(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    monkeypatch.setenv("NIPY_USER_DIR", value)
    assert environment.get_nipy_user_dir() == expected.replace("HOME", str(Path.home()))


@pytest.mark.parametrize(
    ("system", "directory"), [("posix", "/etc/nipy"), ("nt", r"C:\etc\nipy"), ("java", None)]
)
def test_system_directory(
    monkeypatch: pytest.MonkeyPatch, system: str, directory: str | None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", system)
        found = environment.get_nipy_system_dir()
    assert found == directory
