"""Words of shells: a value becomes one here, and nowhere else in the runtime."""

from __future__ import annotations

import os
import re
import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SHELLS = ("sh", "fish", "csh")
HOME = "$HOME"
"""The home of whoever runs the line, where a value, or a path of a list, begins so."""
# Only as the first name of a path: elsewhere it is the name of a folder.
_HOMES = re.compile(rf"(?:^|(?<={re.escape(os.pathsep)})){re.escape(HOME)}(?=/)")


def quoted(value: str, shell: str) -> str:
    """Return a value as one word of a shell, whatever characters are in it."""
    return _QUOTED[shell](value)


def assignment(name: str, value: str, shell: str) -> str:
    """Return the line by which a shell gives a variable to the programs that it runs.

    Of the value nothing but HOME is expanded.
    """
    others = _HOMES.split(value)
    word = f'"{HOME}"'.join(quoted(each, shell) if each or not value else "" for each in others)
    return {
        "sh": f"export {name}={word}",
        "fish": f"set -gx {name} {word}",
        "csh": f"setenv {name} {word}",
    }[shell]


def _sh(value: str) -> str:
    return shlex.quote(value)


def _fish(value: str) -> str:
    # Between its single quotes, fish knows \\ and \' alone.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _csh(value: str) -> str:
    # csh finds ! and line breaks between quotes, too.
    word = "'" + value.replace("'", "'\\''") + "'"
    return word.replace("!", "\\!").replace("\n", "\\\n")


_QUOTED: dict[str, Callable[[str], str]] = {"sh": _sh, "fish": _fish, "csh": _csh}
