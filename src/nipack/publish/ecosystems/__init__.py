"""The ecosystems: one module each, found by being here or by an entry point.

A module of this package holds `ECOSYSTEM`, an object with the interface `Ecosystem`.  Another
distribution names one in the entry point group `nipack.ecosystems`.  They do not import one
another.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol, TypeGuard, runtime_checkable

from nipack.publish.artifacts.members import Members
from nipack.publish.records import PublishedPackage, PublishedRepository
from nipack.publish.signing import Signer
from nipack.system.registry import registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an artifact says of itself.

    `place` is where its file goes, from the top of a repository; `version` the ecosystem's own
    spelling; `index` what `Ecosystem.indexes` needs of it, as JSON has it.  `checked` says that
    all of its data was read on the way, as `contents.checked_package_in` does; else publish reads
    its members again.
    """

    package: PublishedPackage
    place: str
    version: str
    index: Mapping[str, Any] = field(default_factory=dict)
    checked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestations:
    """What others have signed of an artifact and was found beside it, as JSON; empty for nothing.

    `bundle` is a Sigstore bundle, `publish` an attestation of PEP 740.
    """

    bundle: bytes = b""
    publish: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """A file that is derived from the log.

    One with `settled` is called after its content, or is of an artifact that never changes: it is
    written before every other, and it is not written again.  The others lead clients to what there
    is, so they are written last, in the order in which they come; but those that follow one another
    with `own` are each of one package, and are written at once, lower numbers first.  One that is
    `there` was stored before, and only its digest is wanted.  One with `signature` differs from one
    signing to the next, so its digest is nowhere.
    """

    path: str
    content: bytes
    settled: bool = False
    own: int = 0
    there: bool = False
    signature: bool = False


class Before(Protocol):
    """The files of an earlier generation, as far as they are to the byte what its key signed."""

    def read(self, path: str) -> bytes | None:
        """Return a file that SHA256SUMS has; None where it is not there, or was changed."""
        ...

    def read_named(self, path: str, sha256: str) -> bytes | None:
        """Return a file that another names by its digest, as `read` does."""
        ...


class Reader(Protocol):
    """What reads a repository that is checked."""

    address: str

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        ...

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return a file's size in bytes and its sha256, or None where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the indexes are made of.

    `changed` has the names whose own files are wanted, None for all of them.  Where they are known,
    `mine` has every version of these packages, and `before` the files of the generation since
    which they changed: an index is that of before with these packages in it, which gives the same
    bytes as all packages do.  `keyring` is the version of what users are told once.
    """

    repository: PublishedRepository
    packages: Sequence[PublishedPackage]
    changed: frozenset[str] | None = None
    mine: Sequence[PublishedPackage] = ()
    before: Before | None = None
    signer: Signer | None = None
    keyring: int = 1

    def wants(self, name: str) -> bool:
        """Tell whether the files of one package are wanted."""
        return self.changed is None or name in self.changed


@runtime_checkable
class Ecosystem(Protocol):
    """How a repository has packages of one kind; an ecosystem inherits from it."""

    name: str
    """What a record of an artifact calls it."""
    title: str
    """What a person calls it: `conda`."""
    suffix: str
    """What the names of its artifacts end with."""
    folder: str
    """Where all of its files are, from the top of a repository."""
    rank: int = 100
    """Where people are told of it: the lowest first, and those of one rank by their names."""
    media_type: str = "application/octet-stream"
    """What kind of file its artifacts are, in the words of IANA's list."""
    digests: frozenset[str] = frozenset()
    """The digests of an artifact that `indexes` needs beside sha256, of those that records have."""
    unpacks: bool = True
    """Whether `members` yields anything; where not, `nipack get` takes another artifact."""
    beside: str = ""
    """What the names of files end with that are built beside its artifacts and not installed."""

    @abstractmethod
    def read(self, artifact: Path) -> Reading:
        """Return what an artifact says of itself; raises RepositoryError where it is none."""
        ...

    @abstractmethod
    def members(self, artifact: IO[bytes]) -> Members:
        """Yield each file that an artifact installs below its prefix, and its content.

        The path is from the prefix: share/nipack/NAME/package.json.  The artifact can seek; one
        that is damaged raises ValueError, EOFError or an error of its archive.
        """
        ...

    @abstractmethod
    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield the files that clients are led by; the artifacts' own are there already."""
        ...

    def carried(self, place: str, found: Attestations) -> Mapping[str, bytes]:
        """Return the files that lie beside an artifact, by their paths, of what was signed of it.

        `place` is the artifact's own path.
        """
        return {f"{place}.sigstore.json": found.bundle} if found.bundle else {}

    def problems(
        self, reader: Reader, about: Mapping[str, Any], listed: Mapping[str, str]
    ) -> Iterator[str]:
        """Yield what would make a client refuse the indexes, beside what digests tell.

        `about` is what repository.json says, `listed` the digest of each file of SHA256SUMS, all
        of which are looked at already; what is signed within itself is not among them.
        """
        yield from ()

    @abstractmethod
    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return what a user types to install a package of that name."""
        ...


@cache
def ecosystems() -> dict[str, Ecosystem]:
    """Return every ecosystem by its name, in the order in which people are told of them."""
    every = registered(__name__, "ECOSYSTEM", "nipack.ecosystems", _is_ecosystem)
    return {each.name: each for each in sorted(every.values(), key=lambda e: (e.rank, e.name))}


def ecosystem_of(file_name: str) -> Ecosystem | None:
    """Return the ecosystem whose artifacts have such a name, by the longest ending; or None."""
    found = [each for each in ecosystems().values() if file_name.endswith(each.suffix)]
    return max(found, key=lambda each: len(each.suffix), default=None)


def members_of(file_name: str, artifact: IO[bytes]) -> Members:
    """Return the members of an artifact of such a name; one of an unknown kind has none."""
    ecosystem = ecosystem_of(file_name)
    return iter(()) if ecosystem is None else ecosystem.members(artifact)


def _is_ecosystem(candidate: object) -> TypeGuard[Ecosystem]:
    # What inherits from it has the methods, but perhaps not what every ecosystem has to state.
    stated = ("name", "title", "suffix", "folder")
    return isinstance(candidate, Ecosystem) and all(hasattr(candidate, each) for each in stated)


Warn = Callable[[str], object]
"""Takes what a person should know."""
