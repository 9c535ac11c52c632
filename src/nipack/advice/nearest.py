"""The names nearest to one that is not there."""

from __future__ import annotations

import difflib

from ..layout import package_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Comparing takes time that nobody waits for with an error message in sight.
MOST_COMPARED = 20_000


def nearest(wanted: str, names: Iterable[str]) -> list[str]:
    """Return up to three of the names, the nearest first.

    Those with the same file name, but for its case, in another directory; else those alike.
    """
    by_folded = {name.replace("\\", "/").casefold(): name for name in names}
    folded = wanted.replace("\\", "/").casefold()
    if folded in by_folded:
        return [by_folded[folded]]
    last = folded.rpartition("/")[2]
    same = [each for each in by_folded if each.rpartition("/")[2] == last]
    compared = (same or list(by_folded))[:MOST_COMPARED]
    cutoff = 0 if same else 0.8
    close = difflib.get_close_matches(folded, compared, n=3, cutoff=cutoff)
    return [by_folded[each] for each in close]


def not_there(
    name: str, directory: str, names: Iterable[str], *, remedy: str = "list_files() returns what is"
) -> str:
    """Return the message for a file that is not in a directory of these files.

    The remedy is for where none of them is near.
    """
    found = nearest(name, names)
    if not found:
        return f"{name} is not in {directory}; {remedy}"
    return f"{name} is not in {directory}; did you mean {alternatives(found)}?"


def nearest_relpaths(wanted: str, relpaths: Iterable[str]) -> list[str]:
    """Return up to three of the relpaths: that of the package of this name, else the nearest."""
    others = sorted(set(relpaths) - {wanted})
    name = package_name(wanted)
    return [each for each in others if package_name(each) == name] or nearest(wanted, others)


def alternatives(names: list[str]) -> str:
    """Return names as a choice: a, b or c."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
