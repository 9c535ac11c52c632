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
from nipack.lookup.ini_parser import _line_of, _refuse, refuse_bomb

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


@pytest.mark.parametrize("line", ["{}path = /a", "path{}= /a", "path ={}/a", "path = /a{}"])
def test_each_character_at_each_place_is_what_configparser_makes_of_it(line: str) -> None:
    for character in map(chr, range(32, 127)):
        text = "[DATA]\n" + line.format(character)
        plain, config = plain_settings(text), with_configparser(text)
        if plain is None:
            # Whatever may mean more than itself there, and what is no setting.
            assert character in "%[ =:", text
        elif config is not None:
            read = {key: value for key, (value, _) in plain["DATA"].items()}
            assert read == dict(config["DATA"]), text


def test_a_plain_text_is_known_with_its_lines() -> None:
    text = "\n# a\n;b\n[DEFAULT]\nx=1\n[DATA]\nPath : /a\n[DEFAULT]\ny = = 2\n"
    assert plain_settings(text) == {
        "DEFAULT": {"x": ("1", 5), "y": ("= 2", 9)},
        "DATA": {"path": ("/a", 7)},
    }


@pytest.mark.parametrize(
    "text",
    [
        *("path = /a", "[DATA]\n[DATA]\n", "[a]\nb = 1\nB = 2", "[a]\n= 1", "[a]\nb", "[]\na=1"),
        *("[a]\nb = 1\n c", "[a]\nb = %", "[a]b\nc = 1", "[a\nb = 1"),
    ],
)
def test_what_asks_for_more_is_not_plain(text: str) -> None:
    assert plain_settings(text) is None


def test_a_text_has_one_kind_of_line_end_and_no_mark() -> None:
    assert decode(b"\xef\xbb\xbfa\r\nb\rc\n\r\nd", "some.ini") == "a\nb\nc\n\nd"
    with pytest.raises(IniError) as error:
        decode(b"a\nb\n\nc\xff\n", "some.ini")
    assert (error.value.file, error.value.line) == ("some.ini", 4)
    assert error.value.problem == "this is not UTF-8; save the file as UTF-8"


@pytest.mark.parametrize(
    ("section", "key", "line"),
    [("DATA", "path", 6), ("DATA", "x", 2), ("DATA", "y", 7), ("DATA", "z", None), ("no", "x", 2)],
)
def test_the_line_is_that_of_the_section_or_of_the_default(
    section: str, key: str, line: int | None
) -> None:
    text = "[DEFAULT]\nX: 1\n[a]\npath = 2\n [DATA] \n PATH : /a:b = c\ny\nz2 = [DATA]\n"
    text += "Path = /b\n[e]\nx = 2"
    assert _line_of(text, section, key) == line


def test_brackets_in_a_value_begin_no_section() -> None:
    assert _line_of("[DATA]\nx = [1]\n]\n[a\npath = /b", "DATA", "path") == 5


def test_a_bomb_is_refused_at_its_line_and_what_is_just_less_is_not() -> None:
    refuse_bomb("\n\na" + " " * 199 + "b\n" + "%(a)s" * 16, "some.ini")
    with pytest.raises(IniError) as error:
        refuse_bomb("\n\na" + " " * 200 + "b\n", "some.ini")
    assert str(error.value) == "some.ini:3: 200 blanks in a row; take them out"
    with pytest.raises(IniError) as error:
        refuse_bomb("\n\n\na" + "%(a)s\n" * 17, "some.ini")
    assert str(error.value) == "some.ini:4: more than 16 values are named by %(...)"


def parsing_error(*lines: int) -> configparser.ParsingError:
    error = configparser.ParsingError("some.ini")
    for line in lines:
        error.append(line, "here it is")
    return error


@pytest.mark.parametrize(
    ("error", "line", "problem"),
    [
        (
            configparser.MissingSectionHeaderError("some.ini", 4, "a"),
            4,
            "no section; write [DATA] on a line above this one",
        ),
        (parsing_error(3, 5), 3, "this is not of the form 'key = value'"),
        (parsing_error(), 1, "this is not of the form 'key = value'"),
        (configparser.DuplicateSectionError("a"), 1, "[a] is here twice; keep only one"),
        (configparser.DuplicateSectionError("a", None, 7), 7, "[a] is here twice; keep only one"),
        (configparser.DuplicateOptionError("a", "b"), 1, "'b' is here twice; keep only one"),
        (configparser.DuplicateOptionError("a", "b", None, 8), 8, "'b' is here twice"),
        (configparser.Error("one\ntwo"), 1, "one"),
    ],
)
def test_each_error_of_the_parser_has_its_line_and_remedy(
    error: configparser.Error, line: int, problem: str
) -> None:
    with pytest.raises(IniError) as caught:
        _refuse(error, "some.ini", "DATA")
    assert caught.value.line == line
    assert caught.value.problem.startswith(problem)
    assert str(caught.value) == f"some.ini:{line}: {caught.value.problem}"
