"""Read one setting of an ini file, and the line it is on.

The result is that of `configparser`, but for a `%` that it cannot replace. Importing that takes
longer than finding data does, so the plain files that every package installs (sections and
`key = value` lines, no more) are read here, and `ini_parser` is imported for all others.
"""

from __future__ import annotations

from .errors import IniError
from .files import MOST_OF_SETTINGS, read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    # of a section and key in it: value and line
    Settings = dict[str, dict[str, tuple[str, int]]]


def read_bytes(file: str) -> bytes:
    """Return a file's bytes; raises OSError for what no ini file is: a pipe, a huge one."""
    return read_regular(file, MOST_OF_SETTINGS)


def find_setting(data: bytes, file: str, section: str, key: str) -> tuple[str | None, int | None]:
    """Return the value of `key` in `section`, or in `[DEFAULT]` for it, and its line.

    Raises IniError with `file` in it where `data` is malformed.
    """
    text, key = decode(data, file), key.lower()
    settings = plain_settings(text)
    if settings is None:
        from . import ini_parser

        return ini_parser.find_setting(text, file, section, key)
    if section not in settings:
        return None, None
    return settings[section].get(key) or settings["DEFAULT"].get(key) or (None, None)


def decode(data: bytes, file: str) -> str:
    """Return the text, with `\\n` between lines, or raise IniError."""
    try:
        # Editors on Windows put a byte order mark first.
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise IniError(file, line, "this is not UTF-8; save the file as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain_settings(text: str) -> Settings | None:
    """Return the settings of each section, or None if the text is not plain.

    Not plain is whatever asks for more than is done here: continued values, `%`, a section or key
    that is there twice, and every mistake.
    """
    settings: Settings = {"DEFAULT": {}}
    section = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line[0] in "#;":
            continue
        header = _header(line)
        if header is not None:
            if header in settings and header != "DEFAULT":
                return None
            section = settings.setdefault(header, {})
            continue
        key, value = _split(line)
        if section is None or not key or key in section:
            return None
        section[key] = value, number
    return settings


def _header(line: str) -> str | None:
    return line[1:-1] if line[0] == "[" and line.find("]") == len(line) - 1 > 1 else None


def _split(line: str) -> tuple[str, str]:
    """Return key and value, or an empty key for a line that is not plain."""
    if line[0] == "[" or line[0].isspace() or "%" in line:
        return "", ""
    # Either of '=' and ':' parts them, whichever comes first.
    place = line.replace(":", "=").find("=")
    return line[: max(place, 0)].rstrip().lower(), line[place + 1 :].strip()
