"""What a source's own files say of it, for a definition to begin with; nothing of it is run."""

import configparser
import importlib.util
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from email.parser import HeaderParser
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from nipack.builder.definition.model import Citation, Person
from nipack.builder.definition.spdx import InvalidLicenseExpression, canonicalize_license_expression
from nipack.builder.definition.yaml_lines import load_text
from nipack.lookup.json_text import json_value
from nipack.system.errors import ToolError
from nipack.system.foreign import read_ini, read_text
from nipack.system.leftovers import workspace
from nipack.system.programs import Program, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# How BIDS' dataset_description.json and old setup.py files spell what SPDX has another name for.
_SPDX_NAMES = {
    "cc0": "CC0-1.0",
    "pddl": "PDDL-1.0",
    "cc-by": "CC-BY-4.0",
    "cc by 4.0": "CC-BY-4.0",
    "odbl": "ODbL-1.0",
    "bsd license": "BSD-3-Clause",
    "mit license": "MIT",
}
_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"'<>,;\]]*[\w)]")
# An address that is a DOI's and nothing more: what Wiley registered once has <, > and ; in it.
_DOI_ADDRESS = re.compile(r"https?://(?:dx\.)?doi\.org/(10\.[0-9]{4,9}/\S+)")
_LICENSE_FILES = ("LICENSE*", "LICENCE*", "COPYING*", "LICENSES/*")
_LONGEST_TEXT = 100_000  # characters; no licence is longer
_LONGEST_LINE = 2000  # characters
_MOST_LINES = 5  # of a holder
_MOST_DOTS = 200  # in a line of TOML


_MATCHER_TIME = 5.0  # seconds
_MATCHER = Program(
    name="spdx-matcher",
    package="pip install spdx-matcher",
    start=(
        sys.executable,
        "-c",
        (
            "import sys, pathlib, spdx_matcher\n"
            "text = pathlib.Path(sys.argv[1]).read_text('utf-8')\n"
            "found, _ = spdx_matcher.analyse_license_text(text)\n"
            "print(*found['licenses'], *found['exceptions'], sep='\\n')"
        ),
    ),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a source; what is not is None or empty.

    `unread_license` is the name of a licence's file for want of what recognises its text.
    """

    version: str | None = None
    date: str | None = None
    summary: str | None = None
    description: str | None = None
    homepage: str | None = None
    license: str | None = None
    license_text: str | None = None
    unread_license: str | None = None
    holders: tuple[str, ...] = ()
    years: str | None = None
    authors: tuple[Person, ...] = ()
    maintainer: Person | None = None
    citation: tuple[Citation, ...] = ()

    def else_from(self, other: "Facts") -> "Facts":
        """Return these facts, with another's where there are none."""
        names = [each.name for each in fields(Facts)]
        return Facts(**{name: getattr(self, name) or getattr(other, name) for name in names})


_TEXTS = ("version", "date", "summary", "description", "homepage", "license")


def read_facts(directories: Iterable[Path]) -> Facts:
    """Return what the files in these directories say; a file that cannot be read says nothing."""
    facts = Facts()
    for pattern, read in _READERS:
        for directory in directories:
            for path in sorted(directory.glob(pattern)):
                if path.is_file():
                    facts = facts.else_from(_read(read, path))
    return facts


def _read(read: Callable[[Path], Facts], path: Path) -> Facts:
    try:
        return without_odd(read(path))
    except (
        *(OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError),
        *(yaml.YAMLError, configparser.Error),
    ):
        return Facts()  # Written by hand, in whatever form: it is a help, not a source of truth.


def without_odd(facts: Facts) -> Facts:
    """Return facts without those that should be text and are not."""
    none: dict[str, Any] = {name: None for name in _TEXTS if _is_odd(getattr(facts, name))}
    return replace(facts, **none)


def _is_odd(value: object) -> bool:
    """Tell whether a value is neither text nor missing."""
    return not isinstance(value, str | None)


def _citation_cff(path: Path) -> Facts:
    """Read the Citation File Format 1.2, every value of which is text here."""
    data = load_text(read_text(path))
    cited = data.get("preferred-citation", data)
    dois = [cited.get("doi"), *(each.get("value") for each in data.get("identifiers", ()))]
    writers = data.get("authors", ())
    return Facts(
        version=data.get("version"),
        date=data.get("date-released"),
        summary=data.get("title"),
        description=data.get("abstract"),
        homepage=_url(data.get("url") or data.get("repository")),
        license=license_expression(data.get("license")),
        authors=people((_cff_name(each), each.get("email")) for each in writers),
        citation=citations(dois, cited.get("title")),
    )


def _cff_name(person: dict[str, str]) -> str:
    parts = ("given-names", "name-particle", "family-names", "name-suffix")
    return " ".join(person[part] for part in parts if part in person) or person.get("name", "")


def _dataset_description(path: Path) -> Facts:
    """Read a BIDS dataset_description.json."""
    data = json_value(read_text(path))
    links = [found for each in data.get("ReferencesAndLinks", ()) for found in _links(each)]
    return Facts(
        version=data.get("DatasetVersion"),
        summary=data.get("Name"),
        license=license_expression(data.get("License")),
        authors=people((name, None) for name in data.get("Authors", ())),
        citation=citations([data.get("DatasetDOI"), *links], None),
    )


def _links(text: str) -> list[str]:
    return [text] if _DOI_ADDRESS.fullmatch(text) else _DOI.findall(text)


def _template_description(path: Path) -> Facts:
    """Read TemplateFlow's template_description.json."""
    return _dataset_description(path)


def _changes(path: Path) -> Facts:
    """Read the newest version and its day from a BIDS CHANGES file (CPAN::Changes::Spec)."""
    for line in read_text(path).splitlines():
        found = re.match(r"v?([0-9][0-9A-Za-z.]{0,60})[ \t]+([0-9]{4}-[0-9]{2}-[0-9]{2})\b", line)
        if found:
            return Facts(version=found[1], date=found[2])
    return Facts()


def _pkg_info(path: Path) -> Facts:
    """Read core metadata, whose head is that of a mail."""
    head = HeaderParser().parsestr(read_text(path))
    urls = [each.partition(",")[2].strip() for each in head.get_all("Project-URL", [])]
    return Facts(
        version=head.get("Version"),
        summary=_known(head.get("Summary")),
        homepage=_url(head.get("Home-page") or next(iter(urls), None)),
        license=license_expression(head.get("License-Expression") or head.get("License")),
        authors=_addressed(head.get("Author"), head.get("Author-email")),
        maintainer=_first(_addressed(head.get("Maintainer"), head.get("Maintainer-email"))),
    )


def _pyproject(path: Path) -> Facts:
    text = read_text(path)
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        return Facts()  # The time for a key of many parts grows with their square.
    project = tomllib.loads(text).get("project", {})
    given = project.get("license")
    license = given.get("text") if isinstance(given, dict) else given
    maintainers = [(each.get("name"), each.get("email")) for each in project.get("maintainers", ())]
    return Facts(
        version=project.get("version"),
        summary=project.get("description"),
        homepage=_url(next(iter(project.get("urls", {}).values()), None)),
        license=license_expression(license),
        authors=people((one.get("name"), one.get("email")) for one in project.get("authors", ())),
        maintainer=_first(people(maintainers)),
    )


def _setup_cfg(path: Path) -> Facts:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(read_ini(path))
    data = dict(parser["metadata"]) if parser.has_section("metadata") else {}
    return Facts(
        version=data.get("version"),
        summary=data.get("description"),
        homepage=_url(data.get("url")),
        license=license_expression(data.get("license")),
        authors=_addressed(data.get("author"), data.get("author_email")),
        maintainer=_first(_addressed(data.get("maintainer"), data.get("maintainer_email"))),
    )


def _readme(path: Path) -> Facts:
    """Take the title for the summary, and what follows up to the next title for the description."""
    lines = [line.strip() for line in read_text(path).splitlines()]
    titles = [n for n, line in enumerate(lines) if _is_title(lines, n)]
    first = next((n for n, line in enumerate(lines) if line), None)
    if first is None:
        return Facts()
    end = next((n for n in titles if n > first + 1), len(lines))
    body = [line for line in lines[first + 1 : end] if not _is_rule(line)]
    return Facts(
        summary=lines[first].lstrip("# ") if not _is_rule(lines[first]) else None,
        description="\n".join(body).strip() or None,
    )


def _is_title(lines: list[str], index: int) -> bool:
    below = lines[index + 1] if index + 1 < len(lines) else ""
    return lines[index].startswith("#") or (bool(lines[index]) and _is_rule(below))


def _is_rule(line: str) -> bool:
    return re.fullmatch(r"([-=~*^#])\1{2,}", line) is not None


def _license(path: Path) -> Facts:
    """Recognise a licence by SPDX's matching guidelines; two at once are none."""
    text = read_text(path)
    named = [(years, holder.rstrip(" .")) for years, holder in _holders(text) if years]
    recognised = recognised_license(text)
    return Facts(
        license=recognised,
        license_text=text.strip("\n") if recognised else None,
        unread_license=None if _can_recognise_licenses() else path.name,
        holders=tuple(holder for _, holder in named),
        years=named[0][0].strip(" ,-") if named else None,
    )


def _holders(text: str) -> Iterator[tuple[str, str]]:
    """Yield the years and the holder of each line that states a copyright."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        # A run of blanks is one: expressions go over each of a thousand again and again.
        words = " ".join(line[:_LONGEST_LINE].split())
        found = re.match(
            r"\W*Copyright (?:\(c\) ?|© ?)?([0-9][-\u2013\u20140-9, ]*)?(\S.*)$",
            words,
            re.IGNORECASE,
        )
        if found:
            # The MNI's licence has an en dash between its years.
            yield (
                re.sub("[\u2013\u2014]", "-", found[1] or ""),
                _to_its_end(found[2], lines[number:]),
            )


def _to_its_end(holder: str, lines: list[str]) -> str:
    """Return a holder with the lines below that it goes on in: an institute, a university."""
    for line in lines[1:_MOST_LINES]:
        words = " ".join(line[:_LONGEST_LINE].split())
        if not holder.endswith(",") or not words:
            break
        holder = f"{holder} {words}"
    # The MNI's goes on in the same line.
    return re.split(r"\. (?=Permission |All rights )", holder)[0].rstrip(" ,")


def recognised_license(text: str) -> str | None:
    """Return the SPDX identifier of a licence's text, if it is just one and can be recognised.

    The library's expressions take minutes for some texts, so it has a process and a time to end in.
    """
    lines = [" ".join(line.split()) for line in text[:_LONGEST_TEXT].splitlines()]
    if not _can_recognise_licenses():
        return None
    with workspace() as folder:
        path = folder / "text"
        path.write_text(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)), "utf-8", "backslashreplace")
        try:
            found = run(_MATCHER, [path], directory=folder, seconds=_MATCHER_TIME)
        except ToolError as error:
            log.info("a licence's text was not recognised: %s", error)
            return None
    names = found.split()
    return names[0] if len(names) == 1 else None


def _can_recognise_licenses() -> bool:
    """Tell whether spdx-matcher is installed; neither Debian nor conda-forge has it."""
    return importlib.util.find_spec("spdx_matcher") is not None


_READERS: tuple[tuple[str, Callable[[Path], Facts]], ...] = (
    ("README.txt", _readme),
    ("CITATION.cff", _citation_cff),
    ("dataset_description.json", _dataset_description),
    ("template_description.json", _template_description),
    ("CHANGES", _changes),
    ("pyproject.toml", _pyproject),
    ("setup.cfg", _setup_cfg),
    ("PKG-INFO", _pkg_info),
    *((pattern, _license) for pattern in _LICENSE_FILES),
    ("README.md", _readme),
    ("README.rst", _readme),
    ("README", _readme),
)


def license_expression(written: Any) -> str | None:
    """Return an SPDX expression, where what is written is one or a known name of one."""
    if not isinstance(written, str):
        return None
    try:
        return str(canonicalize_license_expression(_SPDX_NAMES.get(written.lower(), written)))
    except InvalidLicenseExpression:
        return None


def people(pairs: Iterable[tuple[Any, Any]]) -> tuple[Person, ...]:
    """Return the people whose names a definition takes."""
    people = []
    for name, address in pairs:
        spoken = re.sub(r"[<>\n]", " ", str(name or "")).replace(",", " ").split()
        email = str(address or "").strip()
        valid = re.fullmatch(r"[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+", email)
        if spoken:
            people.append(Person(name=" ".join(spoken), email=email if valid else None))
    return tuple(people)


def _addressed(names: str | None, addresses: str | None) -> tuple[Person, ...]:
    """Return the people of the two fields that Python's metadata has for them."""
    pairs = getaddresses([addresses or ""]) if _known(addresses) else []
    if len(pairs) == 1 and not pairs[0][0] and _known(names):
        return people([(names, pairs[0][1])])
    return people([*([(names, None)] if _known(names) else []), *(p for p in pairs if p[0])])


def _first(people: tuple[Person, ...]) -> Person | None:
    return next((person for person in people if person.email), None)


def _known(value: str | None) -> str | None:
    """Return a value, but for what old tools write for none."""
    return None if value in (None, "", "UNKNOWN") else value


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"https?://\S+", value) else None


def citations(dois: Iterable[Any], text: str | None) -> tuple[Citation, ...]:
    """Return what to cite, each DOI once."""
    return tuple(dict.fromkeys(_found_citations(dois, text)))


def _found_citations(dois: Iterable[Any], text: str | None) -> Iterator[Citation]:
    for each in dois:
        whole = _DOI_ADDRESS.fullmatch(str(each or ""))
        match = _DOI.search(str(each or ""))
        if whole:
            yield Citation(doi=unquote(whole[1]).rstrip(".,;"), text=text)
        elif match:
            yield Citation(doi=match[0], text=text)
