"""What in a header seems to carry a person's name, an address or a home directory."""

import re
from collections.abc import Iterable, Iterator

from nipack.builder.rules import problem_at
from nipack.system.errors import Problem

# Each repetition has an end: a text of a stranger's may be 250,000 letters without a blank.
_SIGNS = (
    ("a home directory", re.compile(rb"(?:/home|/Users)/{1,9}[\w.-]{1,99}")),
    (
        "a home directory",
        re.compile(rb"[A-Za-z]:[\\/](?:Users|Documents and Settings)[\\/][^\\/\0]{1,99}", re.I),
    ),
    ("an e-mail address", re.compile(rb"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,9}[A-Za-z]{2,}")),
    # AFNI's history begins each entry with [user@host: date].
    ("a login", re.compile(rb"\[[\w.-]{1,64}@[\w.-]{1,255}:")),
    # DICOM PS3.5, 6.2: the parts of a person's name have carets between.
    ("a person's name", re.compile(rb"\b[A-Za-z][A-Za-z' -]{1,64}\^[A-Za-z][A-Za-z' ^-]{0,64}")),
    ("a person's name", re.compile(rb"\b(?:patient|subject)['s]{0,2}[ _]?name\W{0,9}\w+", re.I)),
)
_LONGEST = 256 << 10  # bytes of one field that are looked at
# The homes of no person.
_NOBODY = re.compile(rb"/(?:home|Users)/+(?:runner|user|root|shared|public)\b", re.I)


def gzip_problems(name: bytes, where: str) -> Iterator[Problem]:
    """Yield what the original's name in a gzip header gives away."""
    found = _sign(name)
    if found:
        remedy = "compress it again with gzip -n, if that is private"
        message = f"its gzip header seems to have {found}"
        yield problem_at("privacy-gzip", where, message, remedy)


def header_problems(texts: Iterable[tuple[str, bytes]], where: str) -> Iterator[Problem]:
    """Yield what the text fields of an image's header give away, by the name of the field."""
    for field, text in texts:
        found = _sign(text)
        if found:
            message = f"its header's {field} seems to have {found}"
            yield problem_at("privacy-image", where, message, "clear the field, if it is private")


def _sign(text: bytes) -> str:
    """Return what a text seems to give away, with the words, or nothing."""
    text = _NOBODY.sub(b"", text[:_LONGEST])
    for kind, pattern in _SIGNS:
        match = pattern.search(text)
        if match:
            words = "".join(c if c.isprintable() else "?" for c in match[0].decode("latin-1"))
            return f"{kind}, '{words[:60]}'"
    return ""
