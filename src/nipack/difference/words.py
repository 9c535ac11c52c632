"""Word what changed between two versions: for a terminal, a page and a changelog."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nipack.difference.versions import ChangedFile, Difference

# A changelog names so many of a kind; `nipack diff --json` has them all.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Item:
    """A file, the line that says what happened to it, and what more there is to say of it."""

    path: str
    line: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A kind of change, and an item for each path."""

    title: str
    items: tuple[Item, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Return a line for each path; more about one is indented below it."""
        pairs = ((each.line, each.more) for each in self.items)
        return tuple(text for line, more in pairs for text in (line, *(f"  {m}" for m in more)))


def sections(found: Difference, size_text: Callable[[int], str]) -> tuple[Section, ...]:
    """Return what changed, every path of it, with sizes as the caller writes them."""
    moved = tuple(Item(after, f"{before} -> {after}") for before, after in found.moved)
    every = (
        Section("Added", tuple(Item(path, path) for path in found.added)),
        Section("Removed", tuple(Item(path, path) for path in found.removed)),
        Section("Moved", moved),
        Section("Changed", tuple(_changed(each, size_text) for each in found.changed)),
    )
    return tuple(each for each in every if each.items)


def verdict(found: Difference) -> str:
    """Return whether what was computed from the old version must be computed again."""
    if found.same_data:
        return "The data is the same: results stay as they are."
    if found.same_for_analysis:
        return "Every path leads to the same values as before: results stay as they are."
    return "Results of analyses that read what changed may change: run them again."


def changelog_lines(found: Difference) -> list[str]:
    """Return what changed as an entry of a changelog has it: an item a line, a few paths of each.

    A name may be made to look like a section of a spec or like a bug that an entry closes, so it
    is shown as `ls -q` shows it.
    """
    if found.same_data:
        return ["The data is the same"]
    images = [each for each in found.changed if each.image]
    others = [each.path for each in found.changed if not each.image]
    lines = [
        _item("Added", found.added),
        _item("Removed", found.removed),
        _item("Moved", [f"{before} to {after}" for before, after in found.moved]),
        *(_image_item(each) for each in images[:_NAMED]),
        _item("Changed", [each.path for each in images[_NAMED:]]),
        _item("Changed", others),
    ]
    if found.same_for_analysis:
        lines.append("Every path leads to the same values as before")
    return [line for line in lines if line]


def _changed(each: ChangedFile, size_text: Callable[[int], str]) -> Item:
    sizes = " -> ".join(
        "link" if size is None else size_text(size) for size in (each.old_size, each.new_size)
    )
    more = each.image.lines() if each.image else []
    if each.same_for_analysis:
        more.append("only the way it is stored changed")
    if each.picture:
        more.append(f"picture: {each.picture}")
    return Item(each.path, f"{each.path} ({sizes})", tuple(more))


def _image_item(each: ChangedFile) -> str:
    if each.image is None or each.same_for_analysis:
        return f"Changed: {_shown(each.path)}, only in the way it is stored"
    return f"Changed: {_shown(each.path)}; {'; '.join(each.image.lines())}"


def _item(word: str, paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    listed = ", ".join(map(_shown, paths[:_NAMED]))
    return f"{word}: {listed}{more}" if paths else ""


def _shown(path: str) -> str:
    return re.sub(r"[^\w ./+,=@()~-]", "?", path)
