"""The one place that prints: what a terminal would take for its commands is made visible.

Names of files, summaries and servers' messages are strangers' text: an escape code in them moves
the cursor, and a bidirectional override turns a name round.
"""

import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

# C0 but for tab and line feed, DEL, C1, and what turns the direction of text or ends a line.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text with a terminal's commands spelled out: \\x1b, \\u202e."""
    return _COMMANDS.sub(_spelled, text)


def _spelled(found: "re.Match[str]") -> str:
    number = ord(found[0])
    # JSON, which has DEL as it is, knows only the longer form.
    return f"\\x{number:02x}" if number < 32 else f"\\u{number:04x}"


class VisibleStream:
    """A text stream that spells out what it is given; `exact` is the stream below it."""

    def __init__(self, exact: TextIO) -> None:
        """Take the stream to write to."""
        self.exact = exact

    def write(self, text: str) -> int:
        """Write a text; returns its length."""
        self.exact.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one behind the other."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Return what the stream has."""
        return getattr(self.exact, name)


def make_output_visible() -> None:
    """Let all that is printed from now on be spelled out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, VisibleStream):
            setattr(sys, name, VisibleStream(stream))


def exact(stream: TextIO) -> TextIO:
    """Return the stream for what has to arrive as it is: a path in a pipe, a terminal's colours."""
    below: TextIO = getattr(stream, "exact", stream)
    return below


# What begins with one of these is copied into a shell, which would run its first half.
_COMMAND = re.compile(
    r"""\s*(apt|chmod|conda|curl|dnf|mkdir|move|mv|nipack|pip|rm|rmdir|sudo|tar|uv|zypper"""
    r"""|'[^']*python[0-9.]*'|"[^"]*python[0-9.]*(\.exe)?"|\S*python[0-9.]*(\.exe)?)\s""",
)


def folded(text: str, width: int) -> str:
    """Return a text in lines of a terminal's width, which would cut words in two by itself.

    A line goes on with a deeper indent.  Neither a path nor another long word is broken, and a
    command stays in one line.
    """
    return "\n".join(_folded_line(line, width) for line in text.split("\n"))


def _folded_line(line: str, width: int) -> str:
    if len(line) <= width or _COMMAND.match(line):
        return line
    from textwrap import fill

    return fill(
        line,
        width,
        subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2),
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def width_of(stream: TextIO) -> int | None:
    """Return how many characters a line of a terminal has; None where none is read by a person."""
    if not stream.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def print_text(text: str) -> None:
    """Print a text for people."""
    width = width_of(sys.stdout)
    sys.stdout.write(f"{text if width is None else folded(text, width)}\n")


def print_paths(paths: Iterable[str]) -> None:
    """Print paths, a line each: to a person visibly, and to a program as they are."""
    stream = sys.stdout if sys.stdout.isatty() else exact(sys.stdout)
    stream.write("".join(f"{path}\n" for path in paths))
    stream.flush()
