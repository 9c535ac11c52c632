"""YAML with the line of every value."""

import pytest
import yaml

from nipack.builder.definition.yaml_lines import line_of, load_yaml

TEXT = b"""\
# a comment
name: nipy-templates

copyright:
  - files:
      - "*"
      - atlas/*
    license: |
      MIT
  - {files: [x], license: MIT}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("name",), 2),
        (("copyright",), 4),
        (("copyright", 0), 5),
        (("copyright", 0, "files"), 5),
        (("copyright", 0, "files", 1), 7),
        (("copyright", 0, "license"), 8),
        (("copyright", 1, "files", 0), 10),
        (("copyright", 1, "nothing", 3, "more"), 10),
        (("nothing",), 2),
    ],
)
def test_lines(path: tuple[str | int, ...], line: int) -> None:
    document = load_yaml(TEXT)
    assert document.line(path) == line_of(path, document.lines) == line


def test_repeated_fields_are_known_by_their_path() -> None:
    document = load_yaml(b"a: {b: 1, b: 2}\nc: [{d: 1}, {d: 1, d: 2}]\na: 3\n")
    assert document.repeated == (("a", "b"), ("c", 1, "d"), ("a",))
    assert document.line(("a",)) == 3


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0.10", "0.10"),
        ("2023-05-01", "2023-05-01"),
        (".nan", ".nan"),
        ("1e3", "1e3"),
        ("12", 12),
        ("true", True),
        ("", None),
    ],
)
def test_only_what_looks_the_same_either_way_is_converted(written: str, value: object) -> None:
    assert load_yaml(f"key: {written}\n".encode()).data == {"key": value}


def test_no_text_is_no_data() -> None:
    assert load_yaml(b"# nothing\n").data is None


def test_aliases_cannot_multiply() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(yaml.YAMLError, match="aliases are not allowed here"):
        load_yaml("\n".join(lines).encode())
