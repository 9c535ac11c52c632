"""The formats: one module each, found by being here, or by an entry point `nipack.formats`.

A module of this package holds `FORMAT: Format`.  Formats do not import one another.
"""

import glob
from abc import abstractmethod
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Protocol, TypeGuard, runtime_checkable

from nipack.builder.archive.installed import Tree
from nipack.builder.archive.members import Content
from nipack.builder.archive.packed import NOTHING, ReadBack
from nipack.builder.package import DataPackage
from nipack.system.progress import Advance
from nipack.system.registry import registered


@runtime_checkable
class Format(Protocol):
    """How a data package becomes an artifact, and how the artifact is read back.

    A format inherits from it, and states what is not as it is in most of them.
    """

    name: str
    """What the command line calls it."""
    ending: str = ""
    """What its artifacts' names end with, and those of no data: nothing where others do, too."""
    default: bool = False
    """Whether it is built when no format is asked for."""
    digests: frozenset[str] = frozenset()
    """The digests of the payload that it needs beside sha256."""
    holds_links: bool = False
    """Whether symbolic links can be in it; a package that has some is refused where not."""
    holds_parts: bool = False
    """Whether its packages can need others; data in several parts is refused where not."""
    why_no_parts: str = ""
    """Why they never will, if that is so: what a refusal says of it."""
    holds_directories: bool = False
    """Whether each directory has a member of its own in it."""
    index_limit: int | None = None
    """How many bytes of a file the public index of its kind takes unless it is asked for more."""
    base: str = ""
    """What its members' names begin with, which `contents` takes away: "./" or nothing."""

    @abstractmethod
    def file_name(self, package: DataPackage) -> str:
        """Return the artifact's name."""
        ...

    def edition_pattern(self, package: DataPackage) -> str:
        """Return the glob pattern of the names of this version and revision, whatever the data."""
        return glob.escape(self.file_name(package))

    @abstractmethod
    def payload_root(self, package: DataPackage) -> str:
        """Return the folder of the payload in the artifact."""
        ...

    @abstractmethod
    def tree(self, package: DataPackage) -> Tree:
        """Return all that the artifact holds, with the paths that it has there."""
        ...

    @abstractmethod
    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the artifact, which holds its `tree`, into a seekable file.

        What is written within `PackedTar.read_back` is read back while the rest is written.
        Raises ArtifactError where it cannot.
        """
        ...

    @abstractmethod
    def contents(
        self,
        artifact: Path,
        advance: Advance,
        found: ReadBack = NOTHING,
        algorithm: str = "sha256",
    ) -> Iterator[Content]:
        """Read back what the artifact installs; raises ArtifactError where it is malformed.

        What was `found` while it was written need not be read again; it has the digests of proofs,
        and what is read has those of the algorithm.
        """
        ...


@cache
def formats() -> dict[str, Format]:
    """Return every format by its name."""
    return registered(__name__, "FORMAT", "nipack.formats", _is_format)


def _is_format(value: object) -> TypeGuard[Format]:
    return isinstance(value, Format)
