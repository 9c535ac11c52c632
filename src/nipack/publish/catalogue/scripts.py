"""The form of a script that hands a volume to a page: JSON in one call, and nothing that runs."""

import json
from typing import Any

from nipack.lookup.json_text import MOST_OF_OWN, json_value

_BEFORE = b"window.nipackVolumes=Object.assign(window.nipackVolumes||{},"
_AFTER = b");\n"


def volume_script(key: str, volume: dict[str, Any]) -> bytes:
    """Return the script that gives a volume to a page, under a key."""
    text = json.dumps({key: volume}, separators=(",", ":"))
    return b"".join([_BEFORE, text.encode(), _AFTER])


def is_volume(content: bytes, key: str) -> bool:
    """Tell whether a script is one of these: JSON is a value of the language, and does nothing."""
    if not (content.isascii() and content.startswith(_BEFORE) and content.endswith(_AFTER)):
        return False
    try:
        found = json_value(content[len(_BEFORE) : -len(_AFTER)], MOST_OF_OWN)
    except ValueError:
        return False
    return isinstance(found, dict) and [*found] == [key] and isinstance(found[key], dict)
