"""Fill texts for the files that people read in a terminal."""

import re
import textwrap


def filled(text: str, width: int) -> list[str]:
    """Return the lines of a text whose paragraphs are filled anew, an empty one between two."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    lines = [textwrap.wrap(paragraph, width, break_long_words=False) for paragraph in paragraphs]
    return [line for each in lines for line in (*each, "")][:-1]


def item(text: str, width: int) -> list[str]:
    """Return a text as an item of a list: a dash before its first line, the others below it."""
    first, *rest = filled(text, width)
    return [f"- {first}", *(f"  {each}" for each in rest)]
