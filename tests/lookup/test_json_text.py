"""JSON of strangers becomes a value within bounds, or a ValueError."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.commands import peak_memory
from tests.conftest import REPOSITORY

from nipack.lookup import json_text
from nipack.lookup.json_text import DEEPEST, MOST_OF_JSON, MOST_OF_OWN, json_value

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.slow(2)
@settings(max_examples=30)
@given(VALUES, st.booleans())
def test_what_is_json_is_read_as_it_is(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if b"\xed" not in text:  # a half of a character
        assert json_value(text) == value
    assert json_value(json.dumps(value)) == value


@settings(max_examples=60)
@given(st.binary(max_size=40) | st.text(alphabet='[]{}",:1eE-.\\unINaf ', max_size=40))
def test_whatever_else_is_a_value_error(text: bytes | str) -> None:
    try:
        value = json_value(text)
    except ValueError:
        return
    json.dumps(value, allow_nan=False)  # raises for a number that JSON has not


def nested(levels: int, start: str, end: str) -> str:
    return start * levels + "1" + end * levels


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_it_is_as_deep_as_everything_after_it_can_go(start: str, end: str) -> None:
    most = DEEPEST // (start.count("[") + start.count("{"))
    assert json_value(nested(most, start, end))
    assert json_value(f"[{','.join(['[]'] * 500)}]") == [[]] * 500
    for levels in (most + 1, 990, 100_000):
        with pytest.raises(ValueError, match="it is nested deeper than 100 levels"):
            json_value(nested(levels, start, end))


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", "1e999", '{"a": -1e400}', "9" * 5000])
def test_a_number_is_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"not in JSON|larger than any|[Ee]xceeds the limit"):
        json_value(text)


def test_what_is_too_large_is_not_read() -> None:
    assert json_value(b"[1, 2]", 6) == [1, 2]
    with pytest.raises(ValueError, match=r"it has more than 5 bytes"):
        json_value(b"[1, 2]", 5)
    with pytest.raises(ValueError, match="it has more than 16,777,216 bytes"):
        json_value(" " * (MOST_OF_JSON + 1))


def test_a_mark_of_the_byte_order_is_passed_over() -> None:
    assert json_value(b"\xef\xbb\xbf{}") == {}


# As many objects as there may be, and then what else takes most for its text.
_LARGEST = """
import sys
from nipack.lookup.json_text import json_value
part, most, text = sys.argv[1], int(sys.argv[2]), bytearray(b"[")
text += b'{"":0},' * (500_000 + most // 80)
text += f"{part},".encode() * ((most - len(text)) // len(f"{part},".encode()) - 1)
print(len(json_value(bytes(text + b"0]"), most)))
"""


@pytest.mark.slow(4)
@pytest.mark.parametrize(
    ("part", "most", "megabytes"),
    [
        ("1.5", MOST_OF_JSON, 450),
        ('"~~"', MOST_OF_JSON, 450),
        ('"\u0100"', MOST_OF_JSON, 450),
        ('"\u0100"', 32 << 20, 850),
    ],
)
def test_the_largest_text_takes_no_gigabyte(part: str, most: int, megabytes: int) -> None:
    command = (sys.executable, "-c", _LARGEST, part, str(most))
    assert peak_memory(*command) < megabytes << 20


@pytest.mark.slow(1)
def test_there_may_be_half_a_million_of_lists_and_objects_and_more_in_long_texts() -> None:
    many = b"{}," * 530_000
    with pytest.raises(ValueError, match=r"it has more than 524,843 lists and objects"):
        json_value(b"[" + many + b"0]")
    assert len(json_value(b"[" + many + b"0]" + b" " * 400_000)) == 530_001


def test_a_long_text_may_have_a_list_more_in_64_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (json_text._MOST_BRACKETS, json_text._CHARACTERS) == (500_000, 64)
    monkeypatch.setattr(json_text, "_MOST_BRACKETS", 4)
    for text in ("[[], {}, []]", "[[], {}, [], []]" + " " * 48, "[1, 2]"):
        assert json_value(text) == json.loads(text)
    for text, most in (("[[], {}, [], []]", 4), ("[[], {}, [], []]" + " " * 47, 4)):
        with pytest.raises(ValueError, match=rf"^it has more than {most} lists and objects$"):
            json_value(text)


def test_the_page_of_limits_has_what_is_read() -> None:
    page = (REPOSITORY / "docs" / "reliability.md").read_text("utf-8")
    assert f"up to {MOST_OF_JSON >> 20} MB, " in page
    assert f"{MOST_OF_OWN >> 20} MB of\nwhat nipack wrote itself" in page
