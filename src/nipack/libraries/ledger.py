"""What was linked and copied for this user, so that all of it can be found again and taken away.

It is a file of JSON lines, which processes append to at the same time: a line that two of them
spoilt is passed over, and what it told of is made again at the next link.
"""

from __future__ import annotations

import json
import os

from ..lookup.files import read_regular
from ..lookup.json_text import MOST_OF_JSON, json_value
from ..lookup.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .table import Surroundings

TREE_NAME = ".nipack-links.jsonl"


class Ledger(Record):
    """The directories that have links, by library, and the state of each copy that was made."""

    __slots__ = ("copies", "directories", "file")
    file: str
    # library, and the directory that has links or copies of ours
    directories: frozenset[tuple[str, str]]
    # size and time of each copy
    copies: Mapping[str, tuple[int, ...]]

    @classmethod
    def read(cls, file: str) -> Ledger:
        """Return what a ledger says; nothing of one that is not there."""
        directories = set()
        copies: dict[str, tuple[int, ...]] = {}
        for line in _lines(file):
            if isinstance(line.get("directory"), str):
                directories.add((str(line.get("library")), line["directory"]))
            if isinstance(line.get("copy"), str) and _are_numbers(line.get("state")):
                copies[line["copy"]] = tuple(line["state"])
        return cls(file=file, directories=frozenset(directories), copies=copies)

    def add(self, directories: Iterable[tuple[str, str]], copies: Mapping[str, Any]) -> None:
        """Note what was made, where it is new; a home that cannot be written is no error."""
        new = sorted(set(directories) - self.directories)
        lines: list[dict[str, Any]] = [
            {"library": library, "directory": directory} for library, directory in new
        ]
        lines += [
            {"copy": path, "state": list(state)}
            for path, state in copies.items()
            if self.copies.get(path) != state
        ]
        if not lines:
            return
        text = "".join(json.dumps(line) + "\n" for line in lines)
        try:
            os.makedirs(os.path.dirname(self.file), exist_ok=True)
            descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, text.encode("ascii"))
            finally:
                os.close(descriptor)
        except OSError:
            return


def ledger_file(here: Surroundings, tree: str | None) -> str:
    """Return the ledger of a user, or that of a shared tree, which lies in it."""
    if tree is not None:
        return os.path.join(tree, TREE_NAME)
    if here.platform == "win32":
        above = here.variables.get("LOCALAPPDATA") or os.path.join(here.home, "AppData", "Local")
    else:
        above = here.variables.get("XDG_STATE_HOME") or os.path.join(here.home, ".local", "state")
    return os.path.join(above, "nipack", "links.jsonl")


def _lines(file: str) -> Iterable[dict[str, Any]]:
    try:
        lines = read_regular(file, MOST_OF_JSON).splitlines()
    except OSError:
        return
    for line in lines:
        try:
            document = json_value(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)
