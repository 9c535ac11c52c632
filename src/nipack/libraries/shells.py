"""Words of shells: a value becomes one here, and nowhere else in the runtime."""

from __future__ import annotations

import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SHELLS = ("sh", "fish", "csh")


def quoted(value: str, shell: str) -> str:
    """Return a value as one word of a shell, whatever characters are in it."""
    return _QUOTED[shell](value)


def assignment(name: str, value: str, shell: str) -> str:
    """Return the line by which a shell gives a variable to the programs that it runs."""
    word = quoted(value, shell)
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
