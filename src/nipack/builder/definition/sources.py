"""Where the data comes from: one archive or folder, or several files and archives."""

from dataclasses import dataclass, field
from typing import Any

from nipack.builder.definition.fields import told

DIGEST_ALGORITHMS = ("sha256", "sha512", "md5")
_ONE_LINE = r"^\S(.*\S)?$"
_DIGEST = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
_FILE = {"path": "atlas/labels.nii.gz", "address": "https://example.org/labels", "sha256": _DIGEST}
_ARCHIVE = {"address": "https://example.org/atlas.zip", "sha256": _DIGEST, "into": "atlas"}


def _address(description: str, example: str) -> Any:
    return field(default=None, metadata=told(description, example, pattern=_ONE_LINE))


def _digest(digits: int, more: str = "") -> Any:
    return field(
        default=None,
        metadata=told(
            f"{digits} hexadecimal digits{more}",
            read=str.lower,
            pattern=f"^[0-9A-Fa-f]{{{digits}}}$",
        ),
    )


def _size() -> Any:
    return field(default=None, metadata=told("the number of its bytes", 13685075, minimum=0))


_MD5 = "; for old releases that published nothing better"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An address or an absolute path, its digests, and its size in bytes.

    `place` is where a definition names it, as file:line.
    """

    address: str
    sha256: str | None = None
    sha512: str | None = None
    md5: str | None = None
    size: int | None = None
    place: str | None = field(default=None, compare=False)

    @property
    def digests(self) -> dict[str, str]:
        """The digests that are stated, in lower case, by algorithm, the best first."""
        found = {name: getattr(self, name) for name in DIGEST_ALGORITHMS}
        return {name: digest for name, digest in found.items() if digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of several sources, and its path below the data directory."""

    path: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceArchive:
    """An archive of several sources: the folder it goes into, and what of it is taken.

    `into` is relative to the data directory and empty for that itself; `strip` is how many leading
    folders its members lose; `take` has patterns of what is left, none for all of it.
    """

    source: Source
    into: str = ""
    strip: int = 0
    take: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Several sources, which make the data directory together."""

    files: tuple[SourceFile, ...] = ()
    archives: tuple[SourceArchive, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file of several, as it is written."""

    path: str | None = field(
        default=None,
        metadata=told(
            "its path below the data directory; without it, the last name of its address",
            "atlas/labels.nii.gz",
            pattern=_ONE_LINE,
        ),
    )
    address: str | None = _address(
        "where it is, as in source.address; without it, its path below source.address",
        "https://example.org/labels.nii.gz",
    )
    sha256: str | None = _digest(64)
    sha512: str | None = _digest(128)
    md5: str | None = _digest(32, _MD5)
    size: int | None = _size()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenArchive:
    """An archive of several, as it is written."""

    address: str = field(
        metadata=told(
            "where it is, as in source.address",
            "https://example.org/atlas-1.2.tar.gz",
            pattern=_ONE_LINE,
        )
    )
    sha256: str | None = _digest(64)
    sha512: str | None = _digest(128)
    md5: str | None = _digest(32, _MD5)
    size: int | None = _size()
    into: str | None = field(
        default=None,
        metadata=told(
            "the folder below the data directory that it goes into; without it, that itself",
            "atlas",
            pattern=_ONE_LINE,
        ),
    )
    strip: int = field(
        default=0,
        metadata=told("how many leading folders its members lose", 1, minimum=0, maximum=20),
    )
    take: tuple[str, ...] = field(
        default=(),
        metadata=told(
            "patterns of the members to take, behind the folders that they lose; * and ? match "
            "slashes too; without it, all",
            ["atlas/*.nii.gz"],
            each={
                "description": "a pattern of a path",
                "pattern": _ONE_LINE,
                "examples": ["atlas/*.nii.gz"],
            },
            minItems=1,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSource:
    """A source as it is written: an address, or a list of what there is below it or elsewhere."""

    address: str | None = _address(
        "an https:// or file:// address, or a path relative to the definition; with registry or "
        "files, that of their folder",
        "https://example.org/nipy-templates-0.3.tar.gz",
    )
    sha256: str | None = _digest(64)
    sha512: str | None = _digest(128)
    md5: str | None = _digest(32, _MD5)
    size: int | None = _size()
    doi: str | None = field(
        default=None,
        metadata=told(
            "the DOI of the record that the files are in, which nipack init lists",
            "10.5281/zenodo.4924875",
            pattern=r"^10\.[0-9]{4,9}/\S+$",
        ),
    )
    registry: str | None = field(
        default=None,
        metadata=told(
            "a file beside the definition that lists the paths below source.address with their "
            "digests: SHA256SUMS, a registry of pooch, or keys of git-annex",
            "SHA256SUMS",
            pattern=_ONE_LINE,
        ),
    )
    files: tuple[WrittenFile, ...] = field(
        default=(),
        metadata=told(
            "the files of the data, one by one",
            [_FILE],
            each={
                "description": "a file: its path or address, and a digest",
                "examples": [_FILE],
            },
            minItems=1,
        ),
    )
    archives: tuple[WrittenArchive, ...] = field(
        default=(),
        metadata=told(
            "archives that the data is in, where there are several, or only some of one is wanted",
            [_ARCHIVE],
            each={
                "description": "an archive: its address, a digest, and perhaps what of it goes "
                "where",
                "examples": [_ARCHIVE],
            },
            minItems=1,
        ),
    )
