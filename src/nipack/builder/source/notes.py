"""Notes in the cache: what earlier runs have found, which spares work and which no run needs."""

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nipack.builder.source.cache_rights import follow_no_link, make_private
from nipack.lookup.json_text import MOST_OF_JSON, MOST_OF_OWN, json_value
from nipack.system.atomic import written_beside
from nipack.system.errors import SourceError
from nipack.system.foreign import read_regular

log = logging.getLogger(__name__)


def read_note(place: Path) -> Any:
    """Return what a note says, as JSON has it; None where there is none that can be believed.

    What others may write into is not believed.
    """
    try:
        return json_value(read_text_note(place, MOST_OF_JSON) or b"null")
    except ValueError as error:
        log.info("%s: nothing is known from it: %s", place, error)
        return None


def read_text_note(place: Path, most: int = MOST_OF_OWN) -> bytes:
    """Return the bytes of a note, none where there is none that can be believed."""
    if not place.exists():
        return b""
    try:
        _make_private(place)
        return read_regular(place, most)
    except (OSError, SourceError) as error:
        log.info("%s: nothing is known from it: %s", place, error)
        return b""


def write_note(place: Path, document: Any) -> None:
    """Write a note; nothing where the cache cannot be written, or others may write into it."""
    write_pieces(place, [json.dumps(document)])


def write_pieces(place: Path, pieces: Iterable[str]) -> None:
    """Write a note as `write_note` does, whose text is too large to be made at once."""
    with suppress(OSError, SourceError):
        _make_private(place)
        with written_beside(place, SourceError) as output:
            output.writelines(piece.encode("utf-8") for piece in pieces)


def forget_note(place: Path) -> None:
    """Remove a note, if it is there and can be removed."""
    with suppress(OSError):
        place.unlink()


def _make_private(place: Path) -> None:
    for folder in (place.parent.parent, place.parent):
        make_private(folder)
    follow_no_link(place)
