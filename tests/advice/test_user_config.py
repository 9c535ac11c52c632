"""What is added to the user's config.ini, and that all else stays."""

import configparser
import os
import sys
from pathlib import Path

import pytest
from tests.machine import ordinary_user

from nipack.advice.user_config import read_config, with_roots, write_config
from nipack.data import DataError


@pytest.mark.skipif(os.pathsep != ":", reason="the texts have the separator of POSIX")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[DATA]\npath = /new\n"),
        ("[DATA]\npath = /a\n", "[DATA]\npath = /a:/new\n"),
        ("[DATA]\r\nPath: /a\r\n[x]\r\n", "[DATA]\r\nPath: /a:/new\r\n[x]\r\n"),
        ("[DATA]\npath =\n", "[DATA]\npath = /new\n"),
        ("[DATA]\n# none\n", "[DATA]\npath = /new\n# none\n"),
        ("[other]\nx = 1", "[other]\nx = 1\n\n[DATA]\npath = /new\n"),
        ("[DATA]\npath = /new:/a\n", "[DATA]\npath = /new:/a\n"),
        ("\ufeff[DATA]\npath = /é", "\ufeff[DATA]\npath = /é:/new"),
    ],
)
def test_a_root_is_added_and_all_else_stays(before: str, after: str) -> None:
    found = with_roots(before.encode("utf-8"), "config.ini", ["/new"])
    assert found.decode("utf-8") == after


def test_percent_signs_are_read_by_nibabels_parser_too() -> None:
    text = with_roots(b"", "config.ini", ["/a b/100%/é"]).decode("utf-8")
    parser = configparser.ConfigParser()
    parser.read_string(text)
    assert parser["DATA"]["path"] == "/a b/100%/é"


@pytest.mark.parametrize(
    ("before", "root", "message"),
    [
        ("nonsense", "/new", "config.ini:1: no section"),
        ("", f"/a{os.pathsep}b", "no ini file can name this directory"),
        ("[DATA]\npath = /a\n  /b\n", "/new", "write [DATA] path on one line"),
    ],
)
def test_what_cannot_be_written_is_said(before: str, root: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        with_roots(before.encode(), "config.ini", [root])
    assert message in str(error.value)


def test_the_mode_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "config.ini"
    file.touch(mode=0o640)
    file.chmod(0o640)
    write_config(str(file), b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.ini").write_text("old")
    (tmp_path / "config.ini").symlink_to("real.ini")
    write_config(str(tmp_path / "config.ini"), b"new")
    assert (tmp_path / "config.ini").is_symlink()
    assert (tmp_path / "real.ini").read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="chmod closes no directory there")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    for directory in [tmp_path, *tmp_path.parents][:-2]:
        directory.chmod(0o755)
    (tmp_path / "home").mkdir(mode=0o555)
    file = str(tmp_path / "home" / ".nipy" / "config.ini")
    with ordinary_user(), pytest.raises(DataError) as error:
        write_config(file, b"new")
    assert str(error.value) == (
        f"{file}: cannot be written (Permission denied); make it writable, or set NIPY_DATA_PATH"
        " instead"
    )
    (tmp_path / "closed").touch(mode=0)
    with ordinary_user(), pytest.raises(DataError, match="make it readable"):
        read_config(str(tmp_path / "closed"))
    assert read_config(str(tmp_path / "none")) == b""
