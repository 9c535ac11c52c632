"""What in a file seems to tell who somebody is: the signs of it, looked for in every place.

`SIGNS` are what is looked for, `places` has where.  DICOM PS3.15, annex E lists what identifies a
person; what BIDS recommends to keep, and dcm2niix keeps where it leaves such things out, is not
among the signs: the institution, the scanner's serial number and the time of the day.
"""

import gzip
import io
import itertools
import os
import re
import shlex
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, cast

from nipack.builder.check.places import BY_LABEL, LONGEST, Text, gzip_texts, place_of
from nipack.builder.rules import problem_at
from nipack.system.errors import Problem


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression that is compiled where it is first looked for: that takes its time."""

    pattern: str
    flags: int = 0

    @property
    def compiled(self) -> re.Pattern[str]:
        """The expression, compiled once."""
        return _compiled(self)


@cache
def _compiled(expression: Expression) -> re.Pattern[str]:
    return re.compile(expression.pattern, expression.flags)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that may tell who somebody is.

    A text that has none of `words`, in lower case, does not have it.  Each repetition in `pattern`
    has an end: a text of a stranger's may be 250,000 letters without a blank.  What it finds, or
    its group `value`, and `harmless` fits as a whole, is nobody's.
    `contact`: what is for readers may have it.  `in_text`: random bytes look like it.
    """

    what: str
    code: str
    words: tuple[str, ...]
    pattern: Expression
    harmless: Expression | None = None
    contact: bool = False
    in_text: bool = False


# A letter of any alphabet; what is not UTF-8 may be one, too.
_L = r"[^\W\d_]"
# What is between a label and its value: Patient name : x, "PatientName": "x", PatientName="x",
# <PatientName>x, Patient Name//x, and in binary files what is not text.
_SEPARATOR = r"(?:[ '\"\])]{0,40}[:=>/|\t][ \t:=>/|'\"\[(]{0,40}|\x01[\x01\n\t]{0,3}[!-/:-@]?)"
_VALUE = r"(?P<value>[^\s\x01\"'<>\[\](){},;:=|/\\][^\n\x01\"<>\[\]{}|]{0,63})"


def _labelled(labels: str, value: str = _VALUE) -> Expression:
    return Expression(rf"(?<![^\W\d_])(?:{labels}){_SEPARATOR}{value}", re.I)


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DATE = (
    r"(?P<value>\d{4}[-./]\d{1,2}[-./]\d{1,2}|(?:18|19|20)\d{6}(?!\d)|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}"
    rf"|\d{{1,2}}\.? ?-?{_MONTH} ?-?\d{{4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
)
_SUBJECT = r"(?:patient|participant|subject)(?:'?s)?[ _]?"
_NAMED = rf"(?:other[ _]?)?{_SUBJECT}(?:full[ _]?|birth[ _]?|mother[ _]?birth[ _]?)?names?"
# What stands for a person, and begins so or is that: a pseudonym, nothing, or a template.
_PSEUDONYM = (
    r"(?:(?:anon\w*|de-?ident\w*|pseudo\w*|unknown|none|null|n/?a|nan|not|no|removed|redacted"
    r"|hidden|withheld|test|phantom\w*|volunteer\w*|subj\w*|sub-\w+|patient\w*|participant\w*"
    r"|control\d*|case\d*|defaced|mni\w*|icbm\w*|fsaverage\w*|cvs_\w+|template\w*|xx\w*"
    r"|(?:the|is|was|are|from|in|of|to|for|and|by|left|inferior|posterior))\b.*"
    r"|(?:bert|colin\d*|talairach|average\w*|group\w*|mean|.*\batlas)"
    r"|.*(?:\b|_)(?:patient|phantom|test|examples?)(?:\b|_).*)"
)
_NO_NAME = Expression(rf"(?i){_PSEUDONYM}|\W*|.?|(?=.*\d)(?!.*\d{{5}}).*|[^A-Za-z\x80-\U0010ffff]*")
_NO_ID = Expression(rf"(?i){_PSEUDONYM}|(?!.*\d[-. ]?\d[-. ]?\d[-. ]?\d).*|0*")
# BIDS: dates that were shifted are before 1925.  DICOM's stand-ins are 19000101 and 00000000.
_SHIFTED = Expression(r"(?:0\d\d\d|1[0-8]\d\d|190\d|191\d|192[0-4]).*")
_NO_BIRTH = Expression(r"0000.*|1900-?01-?01|1911-?11-?11|1800.*|0?1[-./]0?1[-./]1900")
_NOBODY = (
    r"(?:runner|user|username|root|shared|public|default|all users|administrator|admin|guest"
    r"|ubuntu|travis|circleci|vagrant|docker|jovyan|neuro|conda|builder|vsts|anonymous|unknown)"
)
_NO_HOME = Expression(rf"(?i)https?://.*|.*[\\/]{_NOBODY}")
_NO_LOGIN = Expression(rf"(?i){_NOBODY}|\d+")

SIGNS = (
    Sign("a person's name", "privacy-person", ("name",), _labelled(_NAMED), _NO_NAME),
    # DICOM PS3.5, 6.2: the parts of a person's name have carets between.
    Sign(
        "a person's name",
        "privacy-person",
        ("^",),
        Expression(
            # Siemens' descriptions of a study have one, too.
            r"(?:Description|Protocol ?Name)[\"']?\s{0,40}[:=][^\n\x01]{0,64}"
            rf"|(?<![^\W_])(?:{_L}(?:{_L}|[' -]){{0,62}}{_L}|[\u3040-\u9fff\uac00-\ud7af])"
            rf"\^(?:{_L}(?:{_L}|[' -]){{1,63}}|[\u3040-\u9fff\uac00-\ud7af])"
        ),
        Expression(
            rf"(?is)(?:Description|Protocol ?Name).*|{_NO_NAME.pattern.removeprefix('(?i)')}"
        ),
        in_text=True,
    ),
    Sign(
        "a physician's or operator's name",
        "privacy-person",
        ("physician", "operator"),
        _labelled(
            r"(?:referring|performing|requesting)[ _]?physicians?(?:'?s)?[ _]?name"
            r"|operators'?[ _]?name"
        ),
        _NO_NAME,
    ),
    Sign(
        "a date of birth",
        "privacy-person",
        ("birth", "dob", "geburt", "naissance", "nacimiento"),
        _labelled(
            rf"(?:{_SUBJECT})?(?:birth[ _-]?date|birth[ _-]?day|date[ _]?of[ _]?birth|dob"
            r"|geburtsdatum|date[ _]de[ _]naissance|fecha[ _]de[ _]nacimiento)",
            _DATE,
        ),
        _NO_BIRTH,
    ),
    Sign(
        "a patient's number",
        "privacy-person",
        ("patient", "participant", "subject", "mrn", "ssn", "record", "security", "nhs"),
        _labelled(
            rf"(?:other[ _]?)?{_SUBJECT}(?:ids?|identification|number)|{_NAMED}|mrn|ssn"
            r"|medical[ _]record[ _](?:number|no)|social[ _]security[ _](?:number|no)"
            r"|nhs[ _](?:number|no)"
        ),
        _NO_ID,
    ),
    Sign(
        "a patient's address",
        "privacy-person",
        ("address", "phone"),
        _labelled(rf"{_SUBJECT}(?:address|(?:tele)?phone(?:[ _]?numbers?)?)"),
        _NO_NAME,
    ),
    Sign(
        "a date of an examination",
        "privacy-session",
        ("date", "acq_time"),
        _labelled(
            r"(?:acquisition|study|series|content|examination|scan)[ _]?date(?:[ _/]?time)?"
            r"|acq_time|exp_date",
            _DATE,
        ),
        _SHIFTED,
    ),
    Sign(
        "a number of an examination",
        "privacy-session",
        ("accession",),
        _labelled(r"accession[ _]?number", r"(?P<value>[\w.-]{4,64})"),
        _NO_ID,
    ),
    Sign(
        "a number of an examination",
        "privacy-session",
        ("uid",),
        _labelled(r"(?:study|series)[ _]?instance[ _]?uid", r"\d[\d.]{9,63}"),
    ),
    Sign(
        "a home directory",
        "privacy-account",
        ("/home", "\\home", "users", "documents and"),
        Expression(
            r"https?://[^\s\"'<>]{1,500}"
            rf"|(?:/homes?|/Users)/{{1,9}}(?:\d{{1,3}}/{{1,9}})?(?:{_L}|[\d_])[\w.-]{{0,98}}"
            r"|(?:[A-Za-z]:[\\/]{1,2}(?:[Uu]sers|USERS|Documents and Settings)"
            r"|\\\\[\w.-]{1,64}\\{1,2}(?:[Hh]omes?|[Uu]sers)\$?)[\\/]{1,2}"
            r"[^\s\\/:*?\"<>|%${\[\x01][^\\/:*?\"<>|\n\x01]{0,98}"
        ),
        _NO_HOME,
    ),
    Sign(
        "an e-mail address",
        "privacy-account",
        ("@",),
        Expression(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,9}[A-Za-z]{2,63}"),
        Expression(r"(?i)(?:no-?reply|git)@.*"),
        contact=True,
    ),
    # AFNI's history begins each entry with [user@host: date], FreeSurfer's ends with both.
    Sign(
        "a login",
        "privacy-account",
        ("@",),
        Expression(r"\[(?P<value>[\w.-]{1,64})@[\w.-]{1,255}:"),
        _NO_LOGIN,
    ),
    Sign(
        "a login",
        "privacy-account",
        ("user",),
        _labelled(r"user[ _]?name|user", r"(?P<value>[\w.-]{1,64})(?:\s{1,9}machine:|$)"),
        _NO_LOGIN,
    ),
    Sign(
        "a login",
        "privacy-account",
        ("created by",),
        Expression(r"created by (?P<value>[\w.-]{1,64}) on "),
        _NO_LOGIN,
    ),
)
# Those for which a file that readers are meant to read is looked through.
_WORDS = re.compile(
    b"|".join(
        {re.escape(word.encode()) for sign in SIGNS if not sign.contact for word in sign.words}
    )
)
_MOST_TEXTS = 10_000  # of one file
_MOST_FINDS = 3  # that one message shows
_SHORT = 4096  # bytes, in which hardly any look like words by chance
_MOST_MATCHES = 1000  # of a sign in a text, which may all be harmless


@dataclass(frozen=True, slots=True)
class Find:
    """A sign that was found: where, and the words of it."""

    sign: Sign
    place: str
    words: str

    def __str__(self) -> str:
        place, words = _visible(self.place, 60), _visible(self.words, 60)
        return f"{place} seems to have {self.sign.what}, '{words}'"


def gzip_problems(start: bytes, where: str) -> Iterator[Problem]:
    """Yield what the original's name and the comment in a gzip header give away."""
    name = shlex.quote(where.rpartition("/")[2])
    remedy = f"compress it again: gzip -dc {name} | gzip -n > clean && mv clean {name}"
    yield from _problems(finds(gzip_texts(start)), where, remedy)


def file_problems(path: str | Path, where: str, start: bytes, size: int) -> Iterator[Problem]:
    """Yield what the text in a file of a size in bytes gives away; `start` is how they begin."""
    packed = start.startswith(b"\x1f\x8b")
    place = place_of(os.fspath(path), b"" if packed else start)
    if place is None or (place.as_written and len(start) == size and _has_no_word(start)):
        return
    with _opened(path, start, size, packed=packed) as stream:
        found = finds(place.texts(stream), for_readers=place.for_readers)
        yield from _problems(found, where, place.remedy)


def _has_no_word(content: bytes) -> bool:
    """Tell whether nothing in a file as it is written can be a sign: most tables are of numbers."""
    return b"\\" not in content and _WORDS.search(content.lower()) is None


def _opened(path: str | Path, start: bytes, size: int, *, packed: bool) -> IO[bytes]:
    """Open what is in a file; a small one is all at hand."""
    if packed:
        return cast("IO[bytes]", gzip.open(path))
    return io.BytesIO(start) if len(start) == size else open(path, "rb")


def finds(texts: Iterable[Text], *, for_readers: bool = False) -> Iterator[Find]:
    """Yield every sign once for each place that has it, until the texts end or are damaged."""
    signs = [sign for sign in SIGNS if not (for_readers and sign.contact)]
    try:
        for place, content in itertools.islice(texts, _MOST_TEXTS):
            text, binary = _words(content[:LONGEST])
            lower = text.lower()
            yield from (
                Find(sign, _exact(place, text, match), match[0].strip())
                for sign in signs
                if any(word in lower for word in sign.words) and not (binary and sign.in_text)
                if (match := _match(sign, text))
            )
    except (OSError, EOFError, zlib.error):
        return  # it is not what it was when its check sums were compared


def _match(sign: Sign, text: str) -> re.Match[str] | None:
    """Return what a text has of a sign, unless all of it is harmless."""
    for match in itertools.islice(sign.pattern.compiled.finditer(text), _MOST_MATCHES):
        value = match["value"] if "value" in sign.pattern.compiled.groupindex else match[0]
        if sign.harmless is None or not sign.harmless.compiled.fullmatch(value.strip()):
            return match
    return None


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]+")


def _words(content: bytes) -> tuple[str, bool]:
    """Return the text in bytes, whose encoding nobody states, and whether they are binary.

    It is UTF-8, else Latin-1; of what is binary, only UTF-8 is kept.  What is not printed becomes a
    byte of one, which nothing but a separator has.
    """
    content = content.strip(b"\0")
    binary = b"\0" in content and len(content) > _SHORT
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace") if binary else content.decode("latin-1")
    return _CONTROLS.sub("\x01", text), binary


def _exact(place: str, text: str, match: re.Match[str]) -> str:
    """Return a place with the label of the line that was found, where lines have them."""
    if place != BY_LABEL:
        return place
    start = text.rfind("\n", 0, match.start() + 1) + 1
    return f"{place} {text[start:].partition(':')[0]}"


def _problems(found: Iterable[Find], where: str, remedy: str) -> Iterator[Problem]:
    """Yield a problem for each code, with its first finds."""
    by_code: dict[str, dict[tuple[str, str], Find]] = {}
    for find in found:
        by_code.setdefault(find.sign.code, {}).setdefault((find.sign.what, find.place), find)
    for code, of_code in by_code.items():
        all_finds = list(of_code.values())
        words = "; ".join(map(str, all_finds[:_MOST_FINDS]))
        more = len(all_finds) - _MOST_FINDS
        message = f"{words}; and {more:,} more" if more > 0 else words
        yield problem_at(code, where, message, remedy.replace("CODE", code))


def _visible(text: str, most: int) -> str:
    """Return a text of at most so many characters, those that are not printed spelled out."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:most]
    )
    return f"{shown}..." if len(text) > most else shown
