"""What the catalogue's own way into HTML does with single values."""

import json

import pytest

from nipack.publish.catalogue.html import breakable, json_block, json_lines, visible


def test_only_what_hides_or_turns_others_is_replaced() -> None:
    marks = {0x200E, 0x202E, 0xD800, 0xFFFE}
    for number in (*range(0x100), *marks, 0x2028, 0x4E2D):
        control = (number < 0x20 and chr(number) not in "\t\n") or 0x7F <= number < 0xA0
        shown = "\ufffd" if control or number in marks else chr(number)
        assert visible(f"a{chr(number)}b") == f"a{shown}b", hex(number)
        assert visible(f"\u00e9{chr(number)}b") == f"\u00e9{shown}b", hex(number)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a/b_c", "a/<wbr>b_<wbr>c"),
        ("a//b", "a/<wbr>/<wbr>b"),
        ("a_/", "a_<wbr>/"),
        ("/", "/"),
        ("", ""),
        ("<b>&'\"/<wbr>", "&lt;b&gt;&amp;&#39;&#34;/<wbr>&lt;wbr&gt;"),
    ],
)
def test_a_path_may_be_broken_between_its_parts_and_is_escaped(text: str, html: str) -> None:
    assert breakable(text) == html


def test_a_document_has_a_line_for_each_field_and_each_item() -> None:
    document = {"a": 1, "b": {"c": [1, 2]}, "d": [{"e": "\u2028</script>"}, {"e": 2}], "f": []}
    text = json_lines(document)
    assert json.loads(text) == document
    assert text.split("\n")[1:3] == ['"a": 1,', '"b": {"c": [1, 2]},']
    assert len(text.split("\n")) == 9
    block = str(json_block(document))
    assert json.loads(block) == document
    assert "<" not in block
