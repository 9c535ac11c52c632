"""The definition of a data package, `package.yaml`: what its files do not say themselves.

Each field says what a person writes for it.  The JSON Schema, the table in docs/definition.md and
the reading of a definition are made from what stands here (`fields.py`).
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from packaging.version import Version

from nipack.builder.definition.fields import told
from nipack.builder.definition.sources import Source, Sources, WrittenSource
from nipack.builder.definition.spdx import canonicalize_license_expression
from nipack.builder.definition.yaml_lines import FieldPath, line_of
from nipack.libraries.table import LIBRARIES
from nipack.libraries.views import View

DEFINITION_NAME = "package.yaml"
Redistribution = Literal["verified", "unverified", "forbidden"]

# nibabel reads two numbers.  The rest is what dpkg, rpm, conda and pacman sort as PEP 440 does: to
# one of them 1.0.post1 is newer than 1.0.1, 1.0.alpha1 than 1.0.a2, 1.0.0.rc1 than 1.0.
_NUMBER = "[0-9]{1,18}"
VERSION = (
    rf"{_NUMBER}\.{_NUMBER}(\.{_NUMBER})*"
    rf"|{_NUMBER}\.{_NUMBER}((\.{_NUMBER})*\.0{{0,17}}[1-9][0-9]{{0,17}})?\.(a|b|rc){_NUMBER}"
)
"""A version, as a regular expression."""
_ONE_LINE = r"^\S(.*\S)?$"
_LICENSE = "an SPDX expression; LicenseRef-... for a licence that SPDX does not list"
_ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
_STANZA = {"files": ["*"], "holders": ["Ada Lovelace"], "license": "CC0-1.0"}
_WORK = {"doi": "10.1016/j.neuroimage.2010.07.033"}
_NEED = {"package": "nipy", "version": ">=0.6", "needs": ">=0.3"}
_VIEW = {"library": "templateflow", "at": "tpl-MNI152NLin2009cAsym"}
_KNOWN = {"code": "empty-directory", "path": "atlas/*", "reason": "the reader wants it"}
_PART = {"name": "1mm", "files": ["*_res-01_*"]}
_PATTERN = {
    "description": "a pattern without white space",
    "pattern": r"^\S+$",
    "examples": ["atlas/*.nii.gz"],
}
_INNER = r"[A-Za-z0-9_+-][A-Za-z0-9._+ -]*(/[A-Za-z0-9_+-][A-Za-z0-9._+ -]*)*"


def _lines(description: str, example: str, pattern: str = _ONE_LINE) -> dict[str, Any]:
    """Return what is said of each text in a list."""
    return {"description": description, "pattern": pattern, "examples": [example]}


def _lower_bound(text: str) -> str:
    return text.removeprefix(">=").strip()


def is_version(text: str) -> bool:
    """Tell whether nibabel reads a text as a version, and package managers sort it alike."""
    return len(text) <= 100 and re.fullmatch(VERSION, text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who made the data."""

    name: str = field(
        metadata=told(
            "a name without angle brackets, commas or line breaks",
            "Ada Lovelace",
            pattern=r"^[^<>,\s]([^<>,\t\n]*[^<>,\s])?$",
        )
    )
    email: str | None = field(
        default=None,
        metadata=told(
            "an address with a host that has a dot",
            "ada@example.org",
            pattern=r"^[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+$",
        ),
    )

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintainer(Person):
    """Who answers for the packages; conda-forge knows its maintainers by their GitHub names."""

    email: str = field(
        metadata=told(
            "an address with a host that has a dot",
            "ada@example.org",
            pattern=r"^[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+$",
        )
    )
    github: str | None = field(
        default=None,
        metadata=told(
            "the name on GitHub, by which conda-forge knows its maintainers",
            "ada",
            pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copyright:
    """A stanza of DEP-5: who holds the copyright of the files that match, under which licence.

    `text` is the licence's, out of `text_file` where that is given.
    """

    files: tuple[str, ...] = field(
        metadata=told(
            "patterns relative to the data directory; * and ? match slashes too",
            ["*"],
            each=_PATTERN,
            minItems=1,
        )
    )
    holders: tuple[str, ...] = field(
        metadata=told(
            "people or institutions",
            ["Ada Lovelace <ada@example.org>"],
            each=_lines("a name on one line", "Ada Lovelace <ada@example.org>"),
            minItems=1,
        )
    )
    license: str = field(
        metadata=told(_LICENSE, "CC0-1.0", read=canonicalize_license_expression, minLength=1)
    )
    years: str | None = field(
        default=None,
        metadata=told(
            "a year, or a range of them", "2004-2011", pattern="^[0-9]{4}([-, ]+[0-9]{4})*$"
        ),
    )
    text: str | None = field(
        default=None,
        metadata=told(
            "the licence's text",
            "Permission is hereby granted ...",
            read=lambda text: text.strip("\n"),
            pattern=r"\S",
        ),
    )
    text_file: str | None = field(
        default=None,
        metadata=told(
            "the file that holds the licence's text, relative to the definition",
            "LICENSE",
            pattern=_ONE_LINE,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """What to cite: a DOI, the reference as text, and the DOI's metadata as CSL-JSON."""

    doi: str = field(
        metadata=told(
            "a DOI without its resolver's address",
            "10.1016/j.neuroimage.2010.07.033",
            pattern=r"^10\.[0-9]{4,9}/\S+$",
        )
    )
    text: str | None = field(
        default=None,
        metadata=told(
            "the reference as text",
            "Fonov et al. (2011). Unbiased average age-appropriate atlases.",
            minLength=1,
        ),
    )
    metadata: dict[str, Any] | None = field(
        default=None,
        metadata=told(
            "the DOI's own metadata as CSL-JSON, from which nipack list --cite makes BibTeX",
            minProperties=1,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A code package that looks the data up.

    From its version `since` on it needs the data at `needs` or later; both or neither are given.
    """

    package: str = field(
        metadata=told("the code package's name in conda", "nipy", pattern="^[a-z0-9][a-z0-9._-]*$")
    )
    names: dict[str, str] | None = field(
        default=None,
        metadata=told(
            "its name in a distribution, where that is not the usual one: python3-NAME in debian "
            "and fedora, python-NAME in arch",
            {"debian": "python3-nipy", "arch": "python-nipy"},
            minProperties=1,
            additionalProperties={
                "description": "a package's name",
                "type": "string",
                "pattern": r"^[a-z0-9][a-z0-9.+-]+$",
                "examples": ["python3-nipy"],
            },
        ),
    )
    since: str | None = field(
        default=None,
        metadata=told(
            "from which version on it has this need: >= and a version",
            ">=0.6",
            name="version",
            read=_lower_bound,
            pattern=r"^>= ?[0-9]+(\.[0-9]+)*$",
        ),
    )
    needs: str | None = field(
        default=None,
        metadata=told(
            "the lowest version of the data that it takes: >= and a version",
            ">=0.3",
            read=_lower_bound,
            pattern=r"^>= ?[0-9]+(\.[0-9]+)*$",
        ),
    )

    def name_in(self, distribution: str, usual: str) -> str:
        """Return its name in a distribution, which is the usual one unless another is written."""
        return (self.names or {}).get(distribution, usual)

    def refuses(self, version: str) -> bool:
        """Tell whether the consumer, from `since` on, does not take this version of the data."""
        return self.needs is not None and Version(version) < Version(self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenView:
    """A view as it is written; `View.read` makes one of it that leaves nothing out."""

    library: str = field(
        metadata=told("a library that nipack link knows", "templateflow", enum=list(LIBRARIES))
    )
    at: str | None = field(
        default=None,
        metadata=told(
            "a path below the library's own directory, . for that itself; without it, the "
            "relpath's "
            "last part",
            "icbm152_2009/mni_icbm152_nlin_sym_09a",
            pattern=rf"^(\.|{_INNER})$",
        ),
    )
    files: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "patterns relative to the data directory; * and ? match slashes too; without it, all "
            "files, or those of rename",
            ["atlas/*.nii.gz"],
            each=_PATTERN,
            minItems=1,
        ),
    )
    rename: dict[str, str] | None = field(
        default=None,
        metadata=told(
            "the path below at, of each file that the library knows by another name",
            {"T1.nii.gz": "mni_icbm152_t1_tal_nlin_sym_09a.nii.gz"},
            minProperties=1,
            additionalProperties={
                "description": "a path without .. in it",
                "type": "string",
                "pattern": f"^{_INNER}$",
                "examples": ["mni_icbm152_t1_tal_nlin_sym_09a.nii.gz"],
            },
        ),
    )
    whole: bool = field(
        default=False,
        metadata=told(
            "whether at is the data directory itself, not a directory of its files", True
        ),
    )
    project: str | None = field(
        default=None,
        metadata=told(
            "for pooch: the project whose cache it is",
            "brainpack",
            pattern="^[A-Za-z0-9_][A-Za-z0-9._-]*$",
        ),
    )
    variable: str | None = field(
        default=None,
        metadata=told(
            "for pooch: the variable that names the project's directory in place of its cache",
            "BRAINPACK_DATADIR",
            pattern="^[A-Za-z_][A-Za-z0-9_]*$",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckException:
    """A problem that is known and meant to stay, for the paths that match."""

    code: str = field(
        metadata=told(
            "the problem's code, as printed behind it",
            "empty-directory",
            pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        )
    )
    reason: str = field(
        metadata=told("why it is accepted", "the reader wants the directory", minLength=1)
    )
    path: str = field(
        default="*",
        metadata=told(
            "a pattern of the paths that it holds for, relative to the data directory; without "
            "it, all",
            "atlas/*",
            minLength=1,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """Another part, and the version of it from which on it has given files away."""

    part: str = field(metadata=told("the name of the part that had the files", "1mm"))
    before: str = field(
        metadata=told(
            "the first version of that part that has them no more",
            "0.4",
            pattern=f"^({VERSION})$",
            maxLength=100,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of the files, in a package of their own."""

    name: str = field(
        metadata=told(
            "what its package is called behind the name of the whole: lower-case letters, digits "
            "and single hyphens",
            "1mm",
            pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        )
    )
    files: tuple[str, ...] = field(
        metadata=told(
            "patterns relative to the data directory; * and ? match slashes too; each file is in "
            "one part",
            ["*_res-01_*"],
            each=_PATTERN,
            minItems=1,
        )
    )
    version: str | None = field(
        default=None,
        metadata=told(
            "the version of its package; without it, that of the whole",
            "0.3",
            pattern=f"^({VERSION})$",
            maxLength=100,
        ),
    )
    date: dt.date | None = field(
        default=None,
        metadata=told(
            "the day of this version's release, YYYY-MM-DD; without it, that of the whole",
            "2023-05-01",
            pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        ),
    )
    revision: int = field(
        default=0,
        metadata=told(
            "the number of this packaging of the version, from 0", 0, minimum=0, maximum=9999
        ),
    )
    summary: str | None = field(
        default=None,
        metadata=told(
            "one line of at most 79 characters; without it, that of the whole with the part's name",
            "Brain image templates for NIPY at 1 mm",
            pattern=r"^\S(.*[^.\s])?$",
            minLength=3,
            maxLength=79,
        ),
    )
    replaces: tuple[Replaced, ...] = field(
        default=(),
        metadata=told(
            "the parts that some of its files were in, so that package managers let them move",
            [{"part": "1mm", "before": "0.4"}],
            each={
                "description": "a part, and its first version without the files",
                "examples": [{"part": "1mm", "before": "0.4"}],
            },
            minItems=1,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A valid definition; what it leaves out is None or empty.

    Where a source has none, name and relpath come from its folders, and `path` is None.  `place` is
    the address of one that was fetched.
    """

    name: str = field(
        metadata=told(
            "at most 100 lower-case letters, digits and single hyphens, so that every package "
            "manager "
            "takes it",
            "nipy-templates",
            pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
            minLength=2,
            maxLength=100,
        )
    )
    relpath: str = field(
        metadata=told(
            "where the data lives below a root: umbrella/directory, with forward slashes",
            "nipy/templates",
            pattern="^[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)+$",
            maxLength=200,
        )
    )
    version: str | None = field(
        default=None,
        metadata=told(
            "the version that config.ini states: two or more numbers with dots between, and at "
            "most .a1, .b1 or .rc1 behind them",
            "0.3",
            required=True,
            pattern=f"^({VERSION})$",
            maxLength=100,
        ),
    )
    date: dt.date | None = field(
        default=None,
        metadata=told(
            "the day of this version's release, YYYY-MM-DD; every file of the packages gets this "
            "time",
            "2023-05-01",
            pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        ),
    )
    revision: int = field(
        default=0,
        metadata=told(
            "the number of this packaging of the version, from 0: conda's build number",
            0,
            minimum=0,
            maximum=9999,
        ),
    )
    source: Source | Sources | None = field(
        default=None,
        metadata=told(
            "where the data comes from; without it, the folder of the definition is the source "
            "tree",
            {"address": "https://example.org/nipy-templates-0.3.tar.gz", "sha256": "..."},
            of=WrittenSource,
        ),
    )
    summary: str | None = field(
        default=None,
        metadata=told(
            "one line of at most 79 characters, not a sentence: no article before, no full stop "
            "behind",
            "Brain image templates for NIPY",
            pattern=r"^\S(.*[^.\s])?$",
            minLength=3,
            maxLength=79,
        ),
    )
    description: str | None = field(
        default=None,
        metadata=told(
            "a few lines on what the data is; an empty line separates paragraphs",
            "Averaged brain images in standard spaces.",
            read=str.strip,
            pattern=r"\S",
        ),
    )
    keywords: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "what people search for, besides what the other fields say",
            ["cortical parcellation"],
            each=_lines(
                "a word or a few, without commas",
                "cortical parcellation",
                r"^[^,\s]([^,\r\n]*[^,\s])?$",
            ),
            minItems=1,
            uniqueItems=True,
        ),
    )
    species: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "whose brains: binomial names, as BIDS has them",
            ["Homo sapiens"],
            each=_lines("a name on one line", "Homo sapiens"),
            minItems=1,
            uniqueItems=True,
        ),
    )
    space: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "the standard spaces that the images are in: identifiers of BIDS",
            ["MNI152NLin2009cAsym"],
            each=_lines("letters and digits", "MNI152NLin2009cAsym", "^[A-Za-z0-9]+$"),
            minItems=1,
            uniqueItems=True,
        ),
    )
    resolution: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "the voxel sizes of the images",
            ["1 mm"],
            each=_lines(
                "a size, or three with x between, and its unit: mm, um or nm",
                "1 mm",
                r"^[0-9]+(\.[0-9]+)?( x [0-9]+(\.[0-9]+)?){0,2} (mm|um|nm)$",
            ),
            minItems=1,
            uniqueItems=True,
        ),
    )
    homepage: str | None = field(
        default=None,
        metadata=told(
            "an http:// or https:// address",
            "https://nipy.org/data-packages",
            pattern=r"^https?://\S+$",
        ),
    )
    license: str | None = field(
        default=None,
        metadata=told(_LICENSE, "CC0-1.0", read=canonicalize_license_expression, minLength=1),
    )
    copyright: tuple[Copyright, ...] = field(
        default=(),
        metadata=told(
            "who holds the copyright of which files; the last stanza that matches a file counts",
            [_STANZA],
            each={
                "description": "the fields files, holders and license at least",
                "examples": [_STANZA],
            },
            minItems=1,
        ),
    )
    redistribution: Redistribution = field(
        default="unverified",
        metadata=told(
            "whether somebody has made sure that anyone may pass the data on", "verified"
        ),
    )
    requires_nonfree: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "what is not free and the data is of no use without; free data is in Debian's "
            "contrib then",
            ["MATLAB, to read the .fig files"],
            each=_lines("one line: what it is, and what for", "MATLAB, to read the .fig files"),
            minItems=1,
        ),
    )
    maintainer: Maintainer | None = field(
        default=None, metadata=told("who is responsible for the packages", _ADA)
    )
    authors: tuple[Person, ...] = field(
        default=(),
        metadata=told(
            "who made the data",
            [{"name": "Ada Lovelace"}],
            each={
                "description": "a person: name, and perhaps email",
                "examples": [{"name": "Ada Lovelace"}],
            },
        ),
    )
    citation: tuple[Citation, ...] = field(
        default=(),
        metadata=told(
            "what to cite when the data is used",
            [_WORK],
            each={"description": "a work: doi, and perhaps text", "examples": [_WORK]},
        ),
    )
    consumers: tuple[Consumer, ...] = field(
        default=(),
        metadata=told(
            "the code packages that look this data up, and which version of the data each needs",
            [_NEED],
            each={
                "description": "a code package: its name at least",
                "dependentRequired": {"needs": ["version"], "version": ["needs"]},
                "examples": [_NEED],
            },
        ),
    )
    views: tuple[View, ...] = field(
        default=(),
        metadata=told(
            "how libraries other than nibabel and nipy find the files: for nipack link",
            [_VIEW],
            of=WrittenView,
            each={
                "description": "a view: the library, and perhaps where it wants which files",
                "examples": [_VIEW],
            },
            minItems=1,
        ),
    )
    parts: tuple[Part, ...] = field(
        default=(),
        metadata=told(
            "packages of their own that the files are divided among; that of the whole's name "
            "then pulls them in",
            [_PART],
            each={"description": "a part: its name and files at least", "examples": [_PART]},
            minItems=1,
        ),
    )
    exceptions: tuple[CheckException, ...] = field(
        default=(),
        metadata=told(
            "problems that are known and accepted",
            [_KNOWN],
            each={"description": "a problem: its code, and the reason", "examples": [_KNOWN]},
        ),
    )
    path: Path | None = None
    place: str | None = field(default=None, compare=False)
    text: bytes = field(default=b"", repr=False)
    lines: dict[FieldPath, int] = field(default_factory=dict, compare=False, repr=False)

    def described(self, default: str = "") -> str:
        """Return the description, and a list of what people search for below it."""
        facts = {
            "Keywords": self.keywords,
            "Species": self.species,
            "Space": self.space,
            "Resolution": self.resolution,
        }
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


def release_time(day: dt.date) -> int:
    """Return the first second of a day, UTC, in seconds since 1970."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone.utc).timestamp())
