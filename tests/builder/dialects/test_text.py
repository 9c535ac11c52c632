"""Texts are filled for a terminal, and their lists stay lists."""

import pytest

from nipack.builder.dialects.text import filled


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\ntwo\n\n\nthree", ["one two", "", "three"]),
        ("It has:\n- one\n- two", ["It has:", " - one", " - two"]),
        (" - one\n - two", [" - one", " - two"]),
        ("* one and more\n  of it\n* two", [" * one and more of", "   it", " * two"]),
        ("1. one\n2. two", [" 1. one", " 2. two"]),
        ("two - one\nis -1", ["two - one is -1"]),
        ("-1 is one\nno list", ["-1 is one no list"]),
        ("", []),
    ],
)
def test_paragraphs_and_lists(text: str, lines: list[str]) -> None:
    assert filled(text, 18 if "more" in text else 30) == lines
