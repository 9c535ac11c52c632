"""What strangers wrote is read only if it is a regular file of bounded size, inside its folder."""

import dataclasses
import os
import re
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

from nipack.system.foreign import path_inside, read_ini, read_regular, read_text
from nipack.system.limits import LimitsError, limits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and devices of POSIX")


def test_a_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfa\n")
    assert read_text(tmp_path / "text") == "a\n"
    assert read_text(path_inside(tmp_path, "text")) == "a\n"


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes(b"12345")
    monkeypatch.setenv("NIPACK_LIMITS", "text=5")
    assert read_regular(tmp_path / "text") == b"12345"
    monkeypatch.setenv("NIPACK_LIMITS", "text=4")
    with pytest.raises(OSError, match=r"more than 4 bytes \(if that is meant, set NIPACK_LIMITS="):
        read_regular(tmp_path / "text")
    assert read_regular(tmp_path / "text", 5) == b"12345"


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/tty")):
        if path.exists():
            with pytest.raises(OSError, match=r"not a regular file|No such device"):
                read_regular(path)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret", "a/../../secret", "C:\\a", "\\\\host\\a", "a\0b", "C:a"]
)
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not in the definition's folder"):
        path_inside(tmp_path, name)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder, secret = tmp_path / "folder", tmp_path / "secret"
    folder.mkdir()
    secret.write_text("secret")
    (folder / "out").symlink_to("../secret")
    (folder / "up").symlink_to("..")
    (folder / "file").write_text("file")
    (folder / "in").symlink_to("file")
    (folder / "round").symlink_to("round")
    for name in ("out", "up/secret"):
        with pytest.raises(OSError, match="a link that leaves the definition's folder"):
            path_inside(folder, name)
    with pytest.raises(OSError, match="symbolic links"):
        path_inside(folder, "round")
    with pytest.raises(FileNotFoundError):
        path_inside(folder, "none")
    assert read_text(path_inside(folder, "in")) == "file"


def test_an_ini_has_short_lines(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[DEFAULT]\na" + " " * 60_000 + "b")
    with pytest.raises(OSError, match="a line of it has more than 6,000 characters"):
        read_ini(tmp_path / "config.ini")


@pytest.mark.parametrize("stated", ["text", "text=", "text=-1", "text=x", "txt=4", "text=1e3"])
def test_limits_that_are_none(stated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", f"members=3 {stated}")
    with pytest.raises(LimitsError, match=r"=500000, of text, header, record, members"):
        limits()


def test_the_page_has_the_limits_as_they_are() -> None:
    page = (REPOSITORY / "docs" / "reliability.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([0-9]+) \|", page, re.MULTILINE)
    assert {name: int(value) for name, value in rows} == dataclasses.asdict(limits())
