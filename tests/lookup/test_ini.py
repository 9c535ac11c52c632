"""Settings of ini files: configparser's results, without importing it for plain files."""

import configparser
import contextlib
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nipack.lookup.errors import IniError
from nipack.lookup.ini import decode, find_setting, plain_settings

LINES = st.sampled_from(
    [
        *["[DATA]", "[DEFAULT]", "[other]", "[DATA] ", "[DATA", "[]", "[a]b]", " [DATA]"],
        *["path = /a/path", "PATH: /b", "path=", "path = /a:/b = c", "pa th =/é", "other = path"],
        *["", " ", "\t", "# comment", "; comment", " # comment", "path = /a # not a comment"],
        *[
            " continued",
            " path = /b",
            "\u00a0path = /c",
            "no delimiter",
            "= no key",
            ": none",
            "path = 1%",
            "here = /x",
            "\ufeff",
        ],
        *["path = %(here)s/share", "path = a%%b", "\u2028", "path\x0c = x\x0c", "key\x1f=\x85v"],
    ]
)
TEXTS = st.one_of(st.lists(LINES, max_size=8).map("\n".join), st.text("[]=:% \n#;aD", max_size=30))


def with_configparser(text: str) -> configparser.ConfigParser | None:
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read_string(text)
    except configparser.Error:
        return None
    return config


@given(TEXTS)
@example("[DATA]\n path = /b")
@example("[DATA]\npath = /a\n path = /b")
@example("[DATA]\npath = /a\n\n\u00a0key: /b")
def test_plain_texts_hold_what_configparser_reads(text: str) -> None:
    plain = plain_settings(text)
    if plain is None:
        return
    config = with_configparser(text)
    assert config is not None, "configparser finds a mistake here"
    read = {name: {key: value for key, (value, _) in plain[name].items()} for name in plain}
    expected = {name: dict(config[name]) for name in config}
    defaults = read["DEFAULT"]
    assert {name: {**defaults, **values} for name, values in read.items()} == expected


@given(TEXTS)
@example("[DATA]\npath = 1%")
@example("[DEFAULT]\nhere = /x\n[DATA]\npath = %(here)s/y")
@example("[DATA]\npath = /a\n continued")
def test_every_text_has_configparsers_value_or_is_refused(text: str) -> None:
    # A byte order mark, which ini files from Windows begin with, is not part of the text.
    text = text.removeprefix("\ufeff")
    config = with_configparser(text)
    if config is None:
        with pytest.raises(IniError, match=r"^some\.ini:\d+: "):
            find_setting(text.encode("utf-8-sig"), "some.ini", "DATA", "path")
        return
    interpolating = configparser.ConfigParser()
    interpolating.read_string(text)
    try:
        expected = interpolating.get("DATA", "path", fallback=None)
    except configparser.InterpolationError:
        expected = config.get("DATA", "path")
    value, line = find_setting(text.encode("utf-8-sig"), "some.ini", "DATA", "path")
    assert value == expected
    if line is not None:
        assert text.split("\n")[line - 1].strip().lower().startswith("path")


@given(st.binary(max_size=40))
def test_no_bytes_cause_any_other_error(data: bytes) -> None:
    with contextlib.suppress(IniError):
        find_setting(b"[DATA]\n" + data, "some.ini", "DATA", "path")


@pytest.mark.parametrize(
    "text",
    [
        "[DATA]\npath = /a\n",
        "# why\n\n[x]\nk: v\n[DATA]\nother=\nPath=/a",
        "[DATA]\r\npath = /a\r\n",
    ],
)
def test_packages_ini_files_are_plain(text: str) -> None:
    assert plain_settings(decode(text.encode(), "some.ini")) is not None
    assert find_setting(text.encode(), "some.ini", "DATA", "path")[0] == "/a"


def test_a_plain_file_does_not_import_configparser() -> None:
    program = (
        "import sys; before = set(sys.modules); from nipack.lookup.ini import find_setting\n"
        "assert find_setting(b'[DATA]\\npath = /a', 'x', 'DATA', 'path') == ('/a', 2)\n"
        "assert 'configparser' not in set(sys.modules) - before"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"path = /a\n", "some.ini:1: no section; write [DATA] on a line above this one"),
        (
            b"[DATA]\n\nhere it is\n",
            "some.ini:3: this is not of the form 'key = value'; fix it, or put '#' before it",
        ),
        (
            b"[DATA]\npath = a\n[DATA]\n",
            "some.ini:3: [DATA] is here twice; keep only one",
        ),
        (
            b"[DATA]\npath = a\npath = b\n",
            "some.ini:3: 'path' is here twice; keep only one",
        ),
        (
            b"[DATA]\npath = caf\xe9\n",
            "some.ini:2: this is not UTF-8; save the file as UTF-8",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_place_and_remedy(data: bytes, message: str) -> None:
    with pytest.raises(IniError) as error:
        find_setting(data, "some.ini", "DATA", "path")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[DATA]\npath = /a\n", ("/a", 2)),
        (b"[DEFAULT]\npath = /a\n[DATA]\n", ("/a", 2)),
        (b"[DEFAULT]\npath = /a\n", (None, None)),
        (b"[data]\npath = /a\n", (None, None)),
        (b"[DEFAULT]\npath = /a\n[DATA]\n\npath = /b\n", ("/b", 5)),
        (b"[DEFAULT]\npath = /a%\n[DATA]\n\npath = /b%\n", ("/b%", 5)),
        (b"[DEFAULT]\npath = /a%\n[DATA]\n", ("/a%", 2)),
        (b"[DATA]\npath = /100%/a\n", ("/100%/a", 2)),
        (b"[DATA]\npath = /100%%/a\n", ("/100%/a", 2)),
        (b"[DATA]\npath = %(no)s/a\n", ("%(no)s/a", 2)),
        (b"\xef\xbb\xbf[DATA]\npath = /\xc3\xa9\n", ("/\N{LATIN SMALL LETTER E WITH ACUTE}", 2)),
        (b"", (None, None)),
    ],
)
def test_value_and_line(data: bytes, expected: tuple[str | None, int | None]) -> None:
    assert find_setting(data, "some.ini", "DATA", "path") == expected
