"""Read an ini file with `configparser`: all that `ini` does not take for plain."""

from __future__ import annotations

import configparser
import re

from .errors import IniError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# A value may name others by %(name)s, and these again others: what has more is a bomb. A run of
# blanks takes the parser the square of its length.
_MOST_REFERENCES = 16
_BLANKS = re.compile(r"\s{200}")


def find_setting(text: str, file: str, section: str, key: str) -> tuple[str | None, int | None]:
    """Return the value of `key` in `section` or None, and its line, or raise IniError."""
    config = parse(text, file, section)
    try:
        value = config.get(section, key)
    except configparser.InterpolationError:
        # A path may hold a plain '%', which ConfigParser refuses: it stands for itself.
        value = config.get(section, key, raw=True)
    except configparser.Error:
        return None, None
    return value, _line_of(text, section, key)


def parse(text: str, file: str, section: str) -> configparser.ConfigParser:
    """Return the parsed text, or raise IniError; `section` is the one its remedy tells to write."""
    refuse_bomb(text, file)
    config = configparser.ConfigParser()
    try:
        config.read_string(text, file)
    except configparser.Error as error:
        _refuse(error, file, section)
    return config


def refuse_bomb(text: str, file: str) -> None:
    """Raise IniError for a text that the parser would take hours or gigabytes for."""
    blanks = _BLANKS.search(text)
    if blanks is not None:
        line = text.count("\n", 0, blanks.start()) + 1
        raise IniError(file, line, "200 blanks in a row; take them out")
    if text.count("%(") > _MOST_REFERENCES:
        line = text.count("\n", 0, text.index("%(")) + 1
        raise IniError(file, line, f"more than {_MOST_REFERENCES} values are named by %(...)")


def _refuse(error: configparser.Error, file: str, section: str) -> NoReturn:
    match error:
        # This one is a ParsingError too, so it comes first.
        case configparser.MissingSectionHeaderError():
            line, problem = error.lineno, f"no section; write [{section}] on a line above this one"
        case configparser.ParsingError():
            line = error.errors[0][0] if error.errors else getattr(error, "lineno", 1)
            problem = "this is not of the form 'key = value'; fix it, or put '#' before it"
        case configparser.DuplicateSectionError():
            line = error.lineno or 1
            problem = f"[{error.section}] is here twice; keep only one"
        case configparser.DuplicateOptionError():
            line = error.lineno or 1
            problem = f"'{error.option}' is here twice; keep only one"
        case _:
            line, problem = 1, error.message.splitlines()[0]
    raise IniError(file, line, problem) from error


def _line_of(text: str, section: str, key: str) -> int | None:
    found: dict[str, int] = {}
    current = ""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped.startswith("[") and "]" in stripped:
            current = stripped[1 : stripped.rindex("]")]
        elif stripped.replace(":", "=").partition("=")[0].rstrip().lower() == key:
            found.setdefault(current, number)
    return found.get(section, found.get(configparser.DEFAULTSECT))
