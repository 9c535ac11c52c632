"""Which packages of a collection have a newer release, each asked for at its own source."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from nipack.builder.authoring.releases import Release, newest_release
from nipack.builder.definition.model import DEFINITION_NAME, Definition
from nipack.builder.definition.reading import read_definition
from nipack.builder.source.folders import definition_path
from nipack.system.errors import NipackError, SourceError

# Servers of data ask for no more connections at a time.
_AT_A_TIME = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A package's version, and the newest release at its source; else `error` says why not.

    Where the definition cannot be read, `name` is the source, and there is no version.
    """

    source: str
    name: str
    version: str | None = None
    newest: Release | None = None
    error: str = ""

    @property
    def is_outdated(self) -> bool:
        """Whether there is a newer release."""
        if self.newest is None or self.version is None:
            return False
        return Version(self.newest.version) > Version(self.version)


def standings(sources: Sequence[str]) -> Iterator[Standing]:
    """Yield how each source stands, in their order; the servers are asked side by side."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        running = [pool.submit(_standing, each) for each in sources]
        try:
            for each in running:
                yield each.result()
        finally:
            for each in running:
                each.cancel()


def definition_of(directory: Path) -> Definition:
    """Return the definition in a folder, or that a path names; raises NipackError."""
    path = directory if directory.is_file() else definition_path(directory)
    if path is None:
        raise SourceError(f"{directory}: has no {DEFINITION_NAME}, which names its source")
    return read_definition(path)


def _standing(source: str) -> Standing:
    name, version = source, None
    try:
        definition = definition_of(Path(source))
        name, version = definition.name, definition.version
        if definition.source is None or version is None:
            reason = "the source is a folder of this machine" if version else "no version is stated"
            raise SourceError(
                f"{definition.path}: {reason}, so there is nowhere to look for a newer release"
            )
        newest = newest_release(definition.source, version)
        return Standing(source=source, name=name, version=version, newest=newest)
    except NipackError as error:
        return Standing(source=source, name=name, version=version, error=str(error))
