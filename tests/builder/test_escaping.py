"""What an escaping function returns where its language has a choice."""

import pytest
import yaml

from nipack.builder.escaping import NotExpressible, spec_path, word, yaml_block, yaml_scalar

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
