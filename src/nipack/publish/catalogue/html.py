"""The catalogue's one way into HTML: templates that escape whatever is not HtmlText already."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, TypeAlias
from urllib.parse import quote

from markupsafe import Markup, escape

HtmlText: TypeAlias = Markup
"""Text that is HTML; all else is escaped when a template shows it."""

_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f]+", re.IGNORECASE)
# Characters that no page shows, and those that turn the order of others around.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)

_UNSEEN_ASCII = bytes(each for each in range(128) if _UNSEEN.match(chr(each)))


def fill(template: str, values: Mapping[str, Any]) -> bytes:
    """Return a page: a template filled with values, in UTF-8; a value it lacks is a bug."""
    return visible(str(environment().get_template(template).render(values))).encode("utf-8")


@cache
def environment() -> Any:
    """Return the environment of every page."""
    import jinja2  # 60 ms that no other command needs

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    made.filters |= {
        "size": size_text,
        "day": day_text,
        "path": path_text,
        "web": web_address,
        "paragraphs": paragraphs,
        "breakable": breakable,
    }
    return made


def _template(name: str) -> str:
    path = resources.files("nipack.publish.catalogue").joinpath("templates", name)
    return path.read_text("utf-8")


def visible(text: str) -> str:
    """Return a text with a sign in the place of each character that hides or turns others."""
    if text.isascii():
        plain = text.encode("ascii")
        if len(plain.translate(None, _UNSEEN_ASCII)) == len(plain):
            return text  # as nearly all is, which the expression takes its time to tell
    return _UNSEEN.sub("\ufffd", text)


def json_block(document: Mapping[str, Any]) -> HtmlText:
    """Return a document as JSON for a script element: nothing in it ends the element."""
    text = json_lines(document)
    return Markup(re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text))


def json_lines(document: Mapping[str, Any]) -> str:
    """Return a document as JSON for programs that a person can read: a line for each field or item.

    Python's json indents thirty times as slowly.
    """
    fields = (f"{_json(name)}: {_items(each)}" for name, each in document.items())
    return "{\n" + ",\n".join(fields) + "\n}"


def _items(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(map(_json, value)) + "\n]"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def size_text(size: int) -> str:
    """Return a size in bytes as people read it: 3.9 kB."""
    if size == 1:
        return "1 byte"
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 999.5:
            return (
                f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
            )
        value /= 1000
    return f"{value:.1f} TB"


def day_text(date: str) -> str:
    """Return the day of a time."""
    return date[:10]


def path_text(path: str) -> str:
    """Return a path as part of an address."""
    return quote(path.encode("utf-8", "surrogateescape"))


def web_address(address: object) -> str:
    """Return an address of the web as it is, and nothing of any other: no script is linked."""
    text = str(address or "")
    return text if _ADDRESS.fullmatch(text) else ""


def paragraphs(text: str) -> HtmlText:
    """Return a text of several paragraphs, each escaped."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", text)]
    return Markup("\n").join(Markup("<p>{}</p>").format(part) for part in parts if part)


def breakable(text: str) -> HtmlText:
    """Return a path or a name that may be broken behind its slashes and underscores."""
    # No entity has a slash or an underscore.
    escaped = str(escape(str(text))).replace("/", "/<wbr>").replace("_", "_<wbr>")
    return Markup(escaped.removesuffix("<wbr>"))
