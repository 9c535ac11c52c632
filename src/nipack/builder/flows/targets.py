"""Where packages and recipes may be written: not into the data, and not over one another."""

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from nipack.builder.package import DataPackage
from nipack.system.address import public_address
from nipack.system.errors import ArtifactError


class Targets:
    """What one run writes, by the source of each: a second source takes no first's place."""

    def __init__(self) -> None:
        """Begin a run, of which nothing is written."""
        self._sources: dict[Path, str] = {}

    def must_be_free(
        self, targets: Iterable[Path], source: str, remedy: str = "change a name or a version"
    ) -> None:
        """Raise ArtifactError if another source has made one of the targets in this run.

        `remedy` is what gives the target of one of the two another name.
        """
        for target in targets:
            other = self._maker(target.resolve(), source)
            if other != source:
                raise ArtifactError(
                    f"{target}: would be made of {public_address(source)}, but is made of "
                    f"{public_address(other)} already; {remedy}, or put one into another directory "
                    "with -o"
                )

    def _maker(self, target: Path, source: str) -> str:
        """Return the source that has made a target; this one, if none has."""
        return self._sources.get(target, source)

    def add(self, target: Path, source: str) -> None:
        """Keep it that a source has made a target."""
        self._sources[target.resolve()] = source


class SharedTargets(Targets):
    """What several processes write, which a folder tells of: the first to ask for a target has it.

    A source that is tried again, because its process was lost, has its targets already.
    """

    def __init__(self, folder: Path) -> None:
        """Share an empty folder, which exists."""
        super().__init__()
        self._folder = folder

    def _maker(self, target: Path, source: str) -> str:
        claim = self._folder / hashlib.sha256(os.fsencode(target)).hexdigest()
        own = self._folder / secrets.token_hex(16)
        own.write_text(source, "utf-8", "surrogateescape")
        try:
            os.link(own, claim)  # whole at once, and only if there is none
        except FileExistsError:
            return claim.read_text("utf-8", "surrogateescape")
        finally:
            own.unlink()
        return source


def must_lie_outside(package: DataPackage, out_dir: Path, option: str = "-o") -> None:
    """Raise ArtifactError if what is written would lie in the data, and be data of the next build.

    `option` is what names another directory.
    """
    if out_dir.resolve().is_relative_to(package.directory.resolve()):
        raise ArtifactError(
            f"{out_dir}: lies in the data directory, so the next build would treat what is written "
            f"there for data; name another with {option}"
        )
