"""Fill texts for the files that people read in a terminal."""

import re
import textwrap

# Stands for a blank at which no line is broken; no text has it.
_UNBROKEN = "\0"

# What begins an item of a list: a bullet or a number, and a space.
_ITEM = re.compile(r"\s*([-*+•]|\d{1,3}[.)])\s+(?=\S)")


def filled(text: str, width: int, *, never_first: str = "") -> list[str]:
    """Return the lines of a text whose paragraphs are filled anew, an empty one between two.

    Each item of a list begins a line, indented by a space: Debian shows such lines as they are
    (Policy 5.6.13), and would make one paragraph of others.  No line is broken before a character
    of `never_first`.
    """
    paragraphs = re.split(r"\n\s*\n", text.strip("\n"))
    if never_first:
        bound = re.compile(rf"(?<=\S)\s+(?=[{re.escape(never_first)}])")
        paragraphs = [bound.sub(_UNBROKEN, paragraph) for paragraph in paragraphs]
    filled = [
        [line for part in _parts(paragraph) for line in _filled_part(part, width)]
        for paragraph in paragraphs
    ]
    every = [line for lines in filled if lines for line in (*lines, "")][:-1]
    return [line.replace(_UNBROKEN, " ") for line in every]


def _parts(paragraph: str) -> list[str]:
    """Return a paragraph's items, each whole, and what is before them."""
    parts: list[list[str]] = []
    for line in paragraph.split("\n"):
        if not parts or _ITEM.match(line):
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts]


def _filled_part(part: str, width: int) -> list[str]:
    found = _ITEM.match(part)
    if not found:
        return textwrap.wrap(part.strip(), width, break_long_words=False)
    margin = f" {found[1]} "
    return textwrap.wrap(
        re.sub(r"\n\s*", " ", part[found.end() :]),
        width,
        initial_indent=margin,
        subsequent_indent=" " * len(margin),
        break_long_words=False,
    )


def item(text: str, width: int, *, never_first: str = "") -> list[str]:
    """Return a text as an item of a list: a dash before its first line, the others below it."""
    first, *rest = filled(text, width, never_first=never_first)
    return [f"- {first}", *(f"  {each}" for each in rest)]
