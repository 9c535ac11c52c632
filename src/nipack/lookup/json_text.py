"""Read JSON that strangers wrote: of bounded size and depth, and whatever is wrong a ValueError."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MOST_OF_JSON = 1 << 24
# of what nipack has written itself: a repository's log and indexes
MOST_OF_OWN = 1 << 28
# What goes through it afterwards calls itself for each level.
DEEPEST = 100
# Lists and objects take up to 40 times the memory of their text: '[[]],[[]],[[]]'.  There may be so
# many of them, and one more for so many characters.
_MOST_BRACKETS, _CHARACTERS = 500_000, 64


def json_value(text: bytes | str, most: int = MOST_OF_JSON) -> Any:
    """Return what a JSON text holds (RFC 8259), in UTF-8 with or without a byte order mark.

    Raises ValueError for what is no JSON, has more bytes or characters than `most`, is nested
    deeper than `DEEPEST` levels, has half a million of lists and objects and one more in 64
    characters, or has a number that none is: NaN, Infinity, 1e999.
    """
    if len(text) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        brackets = text.count("[") + text.count("{")
        if brackets > (allowed := _MOST_BRACKETS + len(text) // _CHARACTERS):
            raise ValueError(f"it has more than {allowed:,} lists and objects")
        value = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    # None is deeper than there are brackets.
    if brackets > DEEPEST:
        _refuse_depth(value)
    return value


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested deeper than {DEEPEST} levels")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not in JSON; null is")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:20]} is larger than any number here")
    return number


# The error of what is not JSON is a ValueError, too.
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
