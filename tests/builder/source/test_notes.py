"""Notes in the cache are believed where this user alone could have written them."""

import json
import os
from pathlib import Path

import pytest

from nipack.builder.source.notes import read_note, write_note

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such rights")


def test_a_note_comes_back_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "files" / "a.json"
    assert read_note(place) is None
    for document in ({"a": [1, 2]}, {"b": "ü"}):
        write_note(place, document)
        assert read_note(place) == document
    assert [each.name for each in place.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("shared", ["cache", "cache/files"])
def test_what_others_may_write_is_neither_believed_nor_used(shared: str, tmp_path: Path) -> None:
    place = tmp_path / "cache" / "files" / "a.json"
    write_note(place, "mine")
    (tmp_path / shared).chmod(0o777)
    assert read_note(place) is None
    write_note(place, "more")
    assert json.loads(place.read_text("utf-8")) == "mine"


def test_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere, place = tmp_path / "elsewhere", tmp_path / "cache" / "files" / "a.json"
    elsewhere.write_text('"of somebody"', "utf-8")
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    assert read_note(place) is None
    place.symlink_to(elsewhere)
    write_note(place, "mine")
    assert (elsewhere.read_text("utf-8"), read_note(place)) == ('"of somebody"', "mine")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_note_says_nothing(content: bytes, tmp_path: Path) -> None:
    place = tmp_path / "cache" / "files" / "a.json"
    write_note(place, 1)
    place.write_bytes(content)
    assert read_note(place) is None
