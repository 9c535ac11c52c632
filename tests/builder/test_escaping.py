"""What an escaping function returns where its language has a choice."""

import re
import string
import unicodedata
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
import yaml

from nipack.builder import escaping
from nipack.builder.escaping import (
    FILTERS,
    Escaped,
    NotExpressible,
    conda_build_yaml,
    has_controls,
    rattler_yaml,
    spec_path,
    word,
    yaml_block,
    yaml_scalar,
)

ODD = ["inf", "nan", "NaN", "null", "~", "true", "False", "on", "off", "yes", "No", "y", "n"]
ODD += ["0x1f", "0o17", "1.0", "-1", "2024-02-29", ".5", "+1"]


@pytest.mark.parametrize("text", ODD)
def test_a_word_that_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert yaml_scalar(text) == f'"{text}"'
    assert yaml.safe_load(yaml_scalar(text)) == text


@pytest.mark.parametrize("text", ["infinite", "name", "only", "yesterday", "truth", "null/"])
def test_a_word_that_only_begins_like_one_stays_plain(text: str) -> None:
    assert yaml_scalar(text) == text
    assert yaml.safe_load(text) == text


@pytest.mark.parametrize("character", "\x7f\x85\x9f\u2028\u2029\ufeff\ufffe\uffff")
def test_what_yaml_does_not_print_stands_by_its_number(character: str) -> None:
    assert yaml_scalar(f"a{character}b") == f'"a\\u{ord(character):04x}b"'
    assert yaml.safe_load(yaml_scalar(f"a{character}b")) == f"a{character}b"


@pytest.mark.parametrize("text", ["a\tb", " indented", "a\nb\x7f", "a\n\u2028"])
def test_what_no_block_can_hold_is_one_line(text: str) -> None:
    assert yaml_block(text, 2) == yaml_scalar(text)
    assert yaml.safe_load(yaml_block(text, 2)) == text


def test_a_block_has_all_of_its_lines_but_empty_ones_around_them() -> None:
    assert yaml_block("\n~a\n\nb~\n", 3) == "|-\n   ~a\n\n   b~"
    assert yaml.safe_load(f"x: {yaml_block('~a~', 2)}") == {"x": "~a~"}


def test_what_has_no_spelling_is_said_with_the_reason_and_the_remedy() -> None:
    with pytest.raises(NotExpressible) as caught:
        word("a b")
    assert str(caught.value) == f"'a b': {caught.value.reason}; {caught.value.remedy}"
    assert caught.value.remedy == "rename it"


@pytest.mark.parametrize("character", '[]"\\*?{}')
def test_no_list_of_rpm_s_has_what_its_versions_read_in_different_ways(character: str) -> None:
    with pytest.raises(NotExpressible, match="have no spelling of") as caught:
        spec_path(f"a{character}b")
    assert f"'{character}'" in caught.value.reason
    assert spec_path("a b~(c)") == '"a b~(c)"'


LETTERS = string.ascii_letters + string.digits + "_"
NOT_ALLOWED = "the character U+000A is not allowed in it; remove it"
INDENTED = "a line that is empty or not indented ends a field of a control file"
EXPANDED = "dpkg expands '${' of the maintainer and the homepage in one place and not another"
INSTRUCTION = "rpm reads a line that begins with '{}' as an instruction; start it with another word"


@pytest.mark.parametrize(
    ("function", "text", "said"),
    [
        (escaping.spec_line, "a\nb", NOT_ALLOWED),
        (escaping.shell_word, "a\nb", NOT_ALLOWED),
        (escaping.shell_comment, "a\nb", NOT_ALLOWED),
        (escaping.python_comment, "a\nb", NOT_ALLOWED),
        (escaping.control_line, "a\nb", NOT_ALLOWED),
        (escaping.control_text, "a\n b\x00", NOT_ALLOWED.replace("000A", "0000")),
        (escaping.control_text, "a\n\n b", f"{INDENTED}; write '.' for an empty line"),
        (escaping.control_text, "a\nb", f"{INDENTED}; write '.' for an empty line"),
        (escaping.control_source_line, "a\nb", NOT_ALLOWED),
        (
            escaping.control_source_line,
            "a${b}",
            f"{EXPANDED}; write it without '${{'",
        ),
        (escaping.watch_text, "a\nb", NOT_ALLOWED),
        (escaping.watch_text, "a b", "uscan(1) separates words with blanks; write %20 for a blank"),
        (escaping.spec_text, "a\n %b", INSTRUCTION.format("%")),
        (escaping.spec_text, "#", INSTRUCTION.format("#")),
        (
            spec_path,
            "a?",
            "rpm's lists of files have no spelling of '?' that all its versions read; rename it",
        ),
        (spec_path, "a\nb", NOT_ALLOWED),
        (word, "-a", "it has other characters than letters, digits and '_.+~/-'; rename it"),
        (escaping.spec_lua, "\ud800", "it is not UTF-8; rename it"),
        (escaping.python_literal, "\ud800", "it is not UTF-8; rename it"),
        (yaml_scalar, "\ud800", "it is not UTF-8; rename it"),
        (rattler_yaml, "${{\ud800", "it is not UTF-8; rename it"),
    ],
)
def test_each_refusal_says_why_and_what_to_do(
    function: Callable[[str], Escaped], text: str, said: str
) -> None:
    with pytest.raises(NotExpressible) as caught:
        function(text)
    assert f"{caught.value.reason}; {caught.value.remedy}" == said


@pytest.mark.parametrize(
    ("function", "text", "escaped"),
    [
        (escaping.spec_line, "5% of %{x} #", "5%% of %%{x} #"),
        (escaping.spec_text, "a %b\n\nc #d", "a %%b\n\nc #d"),
        (escaping.spec_lua, "aZ09_./ -~", '"aZ09_./ -\\126"'),
        (escaping.shell_word, "it's $x", """'it'"'"'s $x'"""),
        (escaping.shell_word, "", "''"),
        (escaping.shell_comment, "it's $x\t#", "it's $x\t#"),
        (escaping.python_literal, 'a"\\\n\té', '"a\\"\\\\\\n\\té"'),
        (escaping.python_comment, "it's # x", "it's # x"),
        (escaping.control_line, "a${b} $ {", "a${}{b} $ {"),
        (escaping.control_text, "a\n ${b}\n\t.", "a\n ${}{b}\n\t."),
        (escaping.control_source_line, "$ {a}", "$ {a}"),
        (escaping.watch_text, "a%20b", "a%20b"),
        (yaml_scalar, 7, "7"),
        (yaml_scalar, "https://a.b/c?d=%20&e~+f-g_h", "https://a.b/c?d=%20&e~+f-g_h"),
        (yaml_scalar, "http://a", "http://a"),
        (yaml_scalar, "ftp://a", '"ftp://a"'),
        (yaml_scalar, "a: b", '"a: b"'),
        (yaml_scalar, "", '""'),
        (rattler_yaml, 7, "7"),
        (rattler_yaml, "a {{ b", '"a {{ b"'),
        (rattler_yaml, "${{ a }}", r'"${{ \"$\\u007b\\u007b a \\u007d\\u007d\" }}"'),
        (conda_build_yaml, 7, "7"),
        (conda_build_yaml, "a b", "a b"),
        (conda_build_yaml, "{a}#[b]", r'"\x7ba\x7d\x23\x5bb\x5d"'),
        (conda_build_yaml, "https://a/b#c", r'"https://a/b\x23c"'),
        (escaping.conda_build_version, "1.0", '{% set version = "1.0" %}'),
    ],
)
def test_each_text_has_one_spelling(
    function: Callable[[object], Escaped], text: object, escaped: str
) -> None:
    assert function(text) == escaped


def test_a_word_and_a_plain_scalar_have_just_these_characters() -> None:
    for character in map(chr, range(128)):
        for text, letters in (
            (character, LETTERS),
            (f"{character}a", LETTERS),
            (f"a{character}", f"{LETTERS}.+~/-"),
            (f"a{character}a", f"{LETTERS}.+~/-"),
        ):
            try:
                assert (word(text) == text) is True
                assert character in letters
            except NotExpressible:
                assert character not in letters
        for text, letters in (
            (f"{character}b", string.ascii_letters + "_/"),
            (f"a{character}", f"{LETTERS}/.()+'-"),
            (f"a{character}b", f"{LETTERS}/.,()+'< -"),
        ):
            assert (yaml_scalar(text) == text) is (character in letters), text
            if character.isprintable():
                assert yaml.safe_load(yaml_scalar(text)) == text


def test_controls_are_what_ends_a_line_or_is_not_text() -> None:
    for number in (*range(0x300), *range(0x2000, 0x2100), 0xD7FF, 0xD800, 0xDFFF, 0xE000):
        category = unicodedata.category(chr(number))
        odd = category in ("Cc", "Zl", "Zp", "Cs") and number != 0x09
        assert has_controls(f"a{chr(number)}b") is odd, number


@pytest.mark.parametrize("block", [escaping.rattler_yaml_block, escaping.conda_build_yaml_block])
def test_a_block_that_would_be_expanded_is_one_line(
    block: Callable[[str, int], Escaped],
) -> None:
    assert block("a\n\nb", 3) == "|-\n   a\n\n   b"
    line = block("a\n${{ b }}", 3)
    assert "\n" not in line
    assert "${{ b" not in line


def test_a_block_is_cut_only_where_its_builder_expands() -> None:
    assert escaping.rattler_yaml_block("a [b]\n{c}", 1) == "|-\n a [b]\n {c}"
    assert escaping.conda_build_yaml_block("a [b]", 1) == conda_build_yaml("a [b]")


def test_a_filter_is_of_its_language_and_a_template_uses_it() -> None:
    templates = resources.files("nipack.builder").joinpath("templates")
    texts = [path.read_text("utf-8") for path in sorted(Path(str(templates)).rglob("*.j2"))]
    used = set(re.findall(r"\| *(\w+)", "\n".join(texts)))
    more: dict[str, tuple[object, ...]] = {"yaml_block": (2,), "address": ("1.0",)}
    for language, filters in FILTERS.items():
        assert filters.keys() <= used
        for name, function in filters.items():
            assert type(function("a", *more.get(name, ()))) is language
