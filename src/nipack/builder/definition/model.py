"""The definition of a data package, `package.yaml`: what its files do not say themselves."""

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urljoin

import yaml
from packaging.version import Version

from nipack.builder.definition.faults import DIGEST_ALGORITHMS, faults_of, read_license_text
from nipack.builder.definition.spdx import canonicalize_license_expression
from nipack.builder.definition.yaml_lines import FieldPath, LinedDocument, line_of, load_yaml
from nipack.builder.rules import problem_at
from nipack.libraries.views import View
from nipack.system.address import public_address
from nipack.system.errors import DataPackageError, Problem
from nipack.system.foreign import read_regular

DEFINITION_NAME = "package.yaml"
Redistribution = Literal["verified", "unverified", "forbidden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the data comes from: an address or an absolute path, and its digests by algorithm.

    `place` is where a definition names it, as file:line.
    """

    address: str
    digests: dict[str, str]
    place: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A maintainer or an author; conda-forge knows its maintainers by their GitHub names."""

    name: str
    email: str | None = None
    github: str | None = None

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Copyright:
    """A stanza of DEP-5: who holds the copyright of the files that match, under which licence."""

    files: tuple[str, ...]
    holders: tuple[str, ...]
    license: str
    years: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What to cite: a DOI, the reference as text, and the DOI's metadata as CSL-JSON."""

    doi: str
    text: str | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A code package that looks the data up.

    From its version `since` on it needs the data at `needs` or later; both or neither are given.
    """

    package: str
    debian: str
    since: str | None = None
    needs: str | None = None

    def refuses(self, version: str) -> bool:
        """Tell whether the consumer, from `since` on, does not take this version of the data."""
        return self.needs is not None and Version(version) < Version(self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckException:
    """A problem that is known and meant to stay, for the paths that match."""

    code: str
    reason: str
    path: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A valid definition; what it leaves out is None or empty.

    Where a source has none, name and relpath come from its folders, and `path` is None.  `place` is
    the address of one that was fetched.
    """

    name: str
    relpath: str
    version: str | None = None
    date: dt.date | None = None
    revision: int = 0
    source: Source | None = None
    summary: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    space: tuple[str, ...] = ()
    resolution: tuple[str, ...] = ()
    homepage: str | None = None
    license: str | None = None
    copyright: tuple[Copyright, ...] = ()
    redistribution: Redistribution = "unverified"
    requires_nonfree: tuple[str, ...] = ()
    maintainer: Person | None = None
    authors: tuple[Person, ...] = ()
    citation: tuple[Citation, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    views: tuple[View, ...] = ()
    exceptions: tuple[CheckException, ...] = ()
    path: Path | None = None
    place: str | None = field(default=None, compare=False)
    text: bytes = field(default=b"", repr=False)
    lines: dict[FieldPath, int] = field(default_factory=dict, compare=False, repr=False)

    def described(self, default: str = "") -> str:
        """Return the description, and a list of what people search for below it."""
        facts = {"Species": self.species, "Space": self.space, "Resolution": self.resolution}
        lines = [f"- {name}: {', '.join(values)}" for name, values in facts.items() if values]
        return "\n\n".join(filter(None, [self.description or default, "\n".join(lines)]))

    @property
    def search_terms(self) -> tuple[str, ...]:
        """What people search for, as keywords."""
        return (*self.keywords, *self.species, *self.space)

    def where(self, *fields: str | int) -> str:
        """Return the place of a field as file:line."""
        if self.path is None:
            return self.name
        return f"{self.place or self.path}:{line_of(fields, self.lines)}"


def read_definition(path: Path, address: str | None = None) -> Definition:
    """Read and check a definition; raises DataPackageError with every problem of it.

    With an `address`, `path` is a copy of what was fetched from there.
    """
    place = public_address(address) if address else str(path)
    document = _load(path, place)
    faults = faults_of(document, None if address else path.parent)
    places = [(document.line(fault.at), fault) for fault in faults]
    if places:
        raise DataPackageError(
            [
                _problem(place, line, "definition-field", fault.message, fault.remedy)
                for line, fault in sorted(places, key=lambda each: (each[0], each[1].message))
            ]
        )
    return _definition(path, address, document)


def _load(path: Path, place: str) -> LinedDocument:
    text = b""
    try:
        text = read_regular(path)
        document = load_yaml(text)
    except OSError as error:
        raise DataPackageError(
            [_problem(place, 1, "definition-unreadable", f"{error.strerror}", "make it readable")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataPackageError(
            [_problem(place, line, "definition-unreadable", "not UTF-8", "save it as UTF-8")]
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line, reason = _place_and_reason(error, text.decode("utf-8-sig"))
        remedy = "mend the YAML there; text with ': ' or '#' in it needs quotes"
        raise DataPackageError(
            [_problem(place, line, "definition-malformed", f"not valid YAML: {reason}", remedy)]
        ) from error
    if not isinstance(document.data, dict):
        remedy = "write fields, one a line, e.g. name: nipy-templates"
        raise DataPackageError([_problem(place, 1, "definition-malformed", "no fields", remedy)])
    return document


def _place_and_reason(error: Exception, text: str) -> tuple[int, str]:
    """Return the line, from 1, and the reason of what is not YAML."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return mark.line + 1, str(getattr(error, "problem", None) or error).splitlines()[0]
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        return line, f"the character U+{int(error.character):04X} cannot stand in it"
    return 1, "it is nested too deep" if isinstance(error, RecursionError) else str(error)


def _problem(place: str, line: int, code: str, message: str, remedy: str) -> Problem:
    return problem_at(code, f"{place}:{line}", message, remedy)


def _definition(path: Path, fetched: str | None, document: LinedDocument) -> Definition:
    data = document.data
    return Definition(
        name=data["name"],
        relpath=data["relpath"],
        version=data["version"],
        date=dt.date.fromisoformat(data["date"]) if "date" in data else None,
        revision=data.get("revision", 0),
        source=_source(path, fetched, document),
        summary=data.get("summary"),
        description=data["description"].strip() if "description" in data else None,
        keywords=tuple(data.get("keywords", ())),
        species=tuple(data.get("species", ())),
        space=tuple(data.get("space", ())),
        resolution=tuple(data.get("resolution", ())),
        homepage=data.get("homepage"),
        license=canonicalize_license_expression(data["license"]) if "license" in data else None,
        copyright=tuple(_copyright(path, each) for each in data.get("copyright", ())),
        redistribution=data.get("redistribution", "unverified"),
        requires_nonfree=tuple(data.get("requires_nonfree", ())),
        maintainer=Person(**data["maintainer"]) if "maintainer" in data else None,
        authors=tuple(Person(**each) for each in data.get("authors", ())),
        citation=tuple(Citation(**each) for each in data.get("citation", ())),
        consumers=tuple(_consumer(each) for each in data.get("consumers", ())),
        views=tuple(View.read(each, data["relpath"]) for each in data.get("views", ())),
        exceptions=tuple(CheckException(**each) for each in data.get("exceptions", ())),
        path=path,
        place=public_address(fetched) if fetched else None,
        text=document.text,
        lines=document.lines,
    )


def _source(path: Path, fetched: str | None, document: LinedDocument) -> Source | None:
    """Return the source; what is no address is relative to the definition, wherever that is."""
    data = document.data.get("source")
    if data is None:
        return None
    address = data["address"]
    if "://" not in address and fetched:
        address = urljoin(fetched, quote(re.sub("^/+", "/", address)))
    elif "://" not in address:
        address = str((path.parent / address).absolute())
    digests = {name: data[name].lower() for name in DIGEST_ALGORITHMS if name in data}
    shown = public_address(fetched) if fetched else path
    place = f"{shown}:{document.line(('source', 'address'))}"
    return Source(address=address, digests=digests, place=place)


def _copyright(path: Path, data: dict[str, Any]) -> Copyright:
    text = data.get("text")
    if "text_file" in data:
        text = read_license_text(path.parent, data["text_file"])
    return Copyright(
        files=tuple(data["files"]),
        holders=tuple(data["holders"]),
        license=canonicalize_license_expression(data["license"]),
        years=data.get("years"),
        text=text.strip("\n") if text else None,
    )


def _consumer(data: dict[str, str]) -> Consumer:
    return Consumer(
        package=data["package"],
        # Debian Policy 5.6.1: a package's name has no underscore.
        debian=data.get("debian", f"python3-{data['package'].replace('_', '-')}"),
        since=data["version"].removeprefix(">=").strip() if "version" in data else None,
        needs=data["needs"].removeprefix(">=").strip() if "needs" in data else None,
    )


def release_time(day: dt.date) -> int:
    """Return the first second of a day, UTC, in seconds since 1970."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone.utc).timestamp())
