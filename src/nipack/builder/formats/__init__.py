"""The formats: one module each, found by being here.

A module of this package holds `FORMAT`, an object with the interface `Format`.  Formats do not
import one another.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Protocol

from nipack.builder.archive.installed import Tree
from nipack.builder.archive.members import Content
from nipack.builder.package import DataPackage
from nipack.system.progress import Advance


class Format(Protocol):
    """How a data package becomes an artifact, and how the artifact is read back."""

    name: str
    """What the command line calls it."""
    default: bool
    """Whether it is built when no format is asked for."""
    digests: frozenset[str]
    """The digests of the payload that it needs beside sha256."""
    holds_links: bool
    """Whether symbolic links can be in it; a package that has some is refused where not."""
    holds_directories: bool
    """Whether each directory has a member of its own in it."""
    base: str
    """What its members' names begin with, which `contents` takes away: "./" or nothing."""

    def file_name(self, package: DataPackage) -> str:
        """Return the artifact's name."""
        ...

    def payload_root(self, package: DataPackage) -> str:
        """Return the folder of the payload in the artifact."""
        ...

    def tree(self, package: DataPackage) -> Tree:
        """Return all that the artifact holds, with the paths that it has there."""
        ...

    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the artifact, which holds its `tree`, into a seekable file.

        Raises ArtifactError where it cannot.
        """
        ...

    def contents(self, artifact: Path, advance: Advance) -> Iterator[Content]:
        """Read back what the artifact installs; raises ArtifactError where it is malformed."""
        ...


@cache
def formats() -> dict[str, Format]:
    """Return every format by its name."""
    modules = (
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    )
    return {module.FORMAT.name: module.FORMAT for module in modules}
