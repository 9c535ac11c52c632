"""Where packages and recipes may be written: not into the data, and not over one another."""

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
            other = self._sources.get(target.resolve(), source)
            if other != source:
                raise ArtifactError(
                    f"{target}: would be made of {public_address(source)}, but is made of "
                    f"{public_address(other)} already; {remedy}, or put one into another directory "
                    "with -o"
                )

    def add(self, target: Path, source: str) -> None:
        """Keep it that a source has made a target."""
        self._sources[target.resolve()] = source


def must_lie_outside(package: DataPackage, out_dir: Path, option: str = "-o") -> None:
    """Raise ArtifactError if what is written would lie in the data, and be data of the next build.

    `option` is what names another directory.
    """
    if out_dir.resolve().is_relative_to(package.directory.resolve()):
        raise ArtifactError(
            f"{out_dir}: lies in the data directory, so the next build would take what is written "
            f"there for data; name another with {option}"
        )
