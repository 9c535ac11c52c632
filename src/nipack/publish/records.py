"""What the log of a repository says of it and of each package: what every index is derived from.

All of it is plain data with a form in JSON; nothing here reads or writes a file.
"""

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from packaging.version import InvalidVersion, Version

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file of the payload: its path from the data directory, its size in bytes, its sha256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLink:
    """A symbolic link of the payload: its path from the data directory, and its target."""

    path: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedArtifact:
    """A file that one ecosystem's clients install.

    `path` is from the top of the repository, `version` is the ecosystem's own spelling with the
    revision, `date` is when it was published (ISO 8601, UTC, with a Z).  `index` is what its
    ecosystem has to know of it for an index, and no other reads.  `carried` has the sha256 of each
    file that lies beside it because somebody else has signed it, by path.
    """

    ecosystem: str
    path: str
    version: str
    size: int
    sha256: str
    date: str
    index: Mapping[str, Any] = field(default_factory=dict)
    carried: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPackage:
    """One version of a data package, with its artifacts in the order of their paths.

    `citation` has what package.json has: dictionaries of doi, text and the like.  `license` is an
    SPDX expression, `license_text` the texts that were packed, empty where none was.  `retracted`
    is the reason why no solver shall choose it, or None.  `libraries` are those, besides nibabel
    and nipy, that it has a view for: `nipack link` lets them find it.  `part_of` is the name of the
    whole that it is a part of, or None.
    """

    name: str
    version: str
    relpath: str
    payload_id: str
    size: int
    files: tuple[PublishedFile, ...]
    links: tuple[PublishedLink, ...] = ()
    summary: str = ""
    description: str = ""
    homepage: str | None = None
    license: str | None = None
    license_text: str = ""
    authors: tuple[str, ...] = ()
    citation: tuple[Mapping[str, Any], ...] = ()
    keywords: tuple[str, ...] = ()
    species: tuple[str, ...] = ()
    space: tuple[str, ...] = ()
    resolution: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    artifacts: tuple[PublishedArtifact, ...] = ()
    retracted: str | None = None
    part_of: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return what no other package of a repository has: name and version."""
        return self.name, self.version

    @property
    def date(self) -> str:
        """Return when the first of its artifacts was published."""
        return min((each.date for each in self.artifacts), default="")

    def artifacts_of(self, ecosystem: str) -> tuple[PublishedArtifact, ...]:
        """Return the artifacts of one ecosystem."""
        return tuple(each for each in self.artifacts if each.ecosystem == ecosystem)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRepository:
    """What a repository says of itself, at one generation.

    `name` is a word for file names: apt/NAME.sources.  `address` is where it is served, without a
    slash at its end; None where nobody has said it.  `fingerprint` is that of the key that signs
    it, None where it is unsigned; `certificate` that key's public part, armoured.  `origin` and
    `label` never change: apt asks every user wherever they do.  `viewer` is the sha256 of the
    program that shows volumes in the pages, which lies in the repository; empty for none.
    """

    name: str
    title: str
    origin: str
    label: str
    suites: tuple[str, ...]
    address: str | None = None
    fingerprint: str | None = None
    certificate: str | None = None
    valid_days: int | None = None
    viewer: str = ""
    generation: int = 0
    date: str = ""


def order_of(package: PublishedPackage) -> tuple[bool, Version, str]:
    """Return what the versions of a package are ordered by: 0.9 comes before 0.10."""
    try:
        return True, Version(package.version), package.version
    except InvalidVersion:
        return False, Version("0"), package.version


def to_json(record: Any) -> Any:
    """Return a record as JSON has it, without the fields that are as they are by default."""
    if dataclasses.is_dataclass(record):
        return {
            name: to_json(value) if isinstance(value, (list, tuple)) else value
            for name, default in _defaults(cast("Any", type(record))).items()
            if (value := getattr(record, name)) != default
        }
    if isinstance(record, (list, tuple)):
        return [to_json(each) for each in record]
    return record


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    """Return what each field of a record is by default."""
    return {
        each.name: each.default
        if each.default_factory is dataclasses.MISSING
        else each.default_factory()
        for each in dataclasses.fields(kind)
    }


def from_json(kind: type[Record], document: Any) -> Record:
    """Return the record that JSON holds; raises ValueError, TypeError where it holds none."""
    if not isinstance(document, dict):
        raise TypeError(f"{kind.__name__}: an object is needed, this is {document!r}")
    hints = _hints(cast("Any", kind))
    unknown = document.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{kind.__name__}: has no {', '.join(sorted(unknown))}")
    return kind(**{name: _value(hints[name], each) for name, each in document.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any) -> Any:
    """Return a value of JSON as a field of that type has it."""
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"a list is needed, this is {value!r}")
        return tuple(_value(get_args(hint)[0], each) for each in value)
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    plain = tuple(get_origin(each) or each for each in kinds)
    if not isinstance(value, plain) or (isinstance(value, bool) and bool not in plain):
        raise TypeError(f"{value!r} is not of the form that is needed here")
    return value
