"""JSON for people, the same as Python's own."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nipack.builder import json_text as module
from nipack.builder.json_text import json_bytes, json_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@settings(max_examples=15)
@given(VALUES)
def test_it_is_what_python_writes(value: Any) -> None:
    expected = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    assert json_text(value) == expected


@pytest.mark.parametrize("value", [(), ("a", ("b",)), {"a": (1, 2), "b": "é\n, ,"}])
def test_tuples_are_lists(value: Any) -> None:
    assert json_text(value) == json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_a_list_that_is_made_piece_by_piece_is_the_same(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE", 2)
    entries = [{"_path": f"é/{number}", "parts": [number]} for number in range(count)]
    table = {"z": 1, "paths": iter(entries), "a": {"b": [1, 2]}}
    expected = json.dumps(table | {"paths": entries}, indent=2, sort_keys=True, ensure_ascii=False)
    assert json_bytes(table).decode() == f"{expected}\n"
    assert json_bytes({}) == b"{}\n"
