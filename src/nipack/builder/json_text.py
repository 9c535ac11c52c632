"""Large tables as JSON for people, at the speed of JSON for machines."""

import io
import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

_PIECE = 1000


def json_text(value: Any, line: str = "\n") -> str:
    """Return JSON with two blanks for each level, sorted keys and text as it is.

    It is what `json.dumps` returns with `indent=2`, which is ten times slower: there each value is
    a call of Python's, and here each table whose values are plain is one of C's.  `line` begins
    a line of the level that the value is on.
    """
    if not isinstance(value, (dict, list, tuple)) or not value:
        return _encoder(", ").encode(value)
    inner = f"{line}  "
    if isinstance(value, dict):
        if not any(isinstance(each, (dict, list, tuple)) for each in value.values()):
            return f"{{{inner}{_encoder(f',{inner}').encode(value)[1:-1]}{line}}}"
        names = sorted(value)
        items = [
            f"{_encoder(', ').encode(name)}: {json_text(value[name], inner)}" for name in names
        ]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}"
    return f"[{inner}{f',{inner}'.join([json_text(each, inner) for each in value])}{line}]"


def json_bytes(table: Mapping[str, Any]) -> bytes:
    """Return `json_text` of a table and a line's end, in UTF-8.

    A value that is an iterator is a list, of which no more than a piece is in memory at once.
    """
    output = io.BytesIO()  # which hands out what it has, and copies nothing
    separator = "{"
    for name in sorted(table):
        value = table[name]
        output.write(f"{separator}\n  {json_text(name)}: ".encode())
        pieces = _list_pieces(value, "\n  ") if isinstance(value, Iterator) else None
        output.writelines(each.encode() for each in pieces or [json_text(value, "\n  ")])
        separator = ","
    output.write(b"\n}\n" if table else b"{}\n")
    return output.getvalue()


def _list_pieces(entries: Iterator[Any], line: str) -> Iterator[str]:
    """Yield the JSON of a list, a thousand entries at a time."""
    begun = False
    while some := list(islice(entries, _PIECE)):
        yield ("," if begun else "[") + json_text(some, line)[1 : -len(f"{line}]")]
        begun = True
    yield f"{line}]" if begun else "[]"


@cache
def _encoder(separator: str) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(separator, ": "))
