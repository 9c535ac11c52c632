"""An ecosystem of a laboratory's own, the shortest that there is: tarballs, and a list of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from nipack.publish.artifacts.contents import package_in
from nipack.publish.artifacts.damage import damage_as_error
from nipack.publish.artifacts.members import Members, below, tar_members
from nipack.publish.ecosystems import Ecosystem, IndexFile, Reading, Snapshot
from nipack.publish.records import PublishedRepository


class Tarballs(Ecosystem):
    """Tarballs that are unpacked at the root of a file system."""

    name = "tarball"
    title = "tar"
    suffix = ".lab.tar.xz"
    folder = "tarballs"
    media_type = "application/x-xz"

    def read(self, artifact: Path) -> Reading:
        """Return which data is in it."""
        with damage_as_error(f"a {self.suffix}"), artifact.open("rb") as stream:
            package = package_in(self.members(stream))
        place = f"{self.folder}/{package.name}-{package.version}{self.suffix}"
        return Reading(package=package, place=place, version=package.version)

    def members(self, artifact: IO[bytes]) -> Members:
        """Yield what is below opt/lab/."""
        return below("opt/lab/", tar_members(self.suffix, artifact))

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield the list."""
        found = (each for package in snapshot.packages for each in package.artifacts_of(self.name))
        lines = sorted(f"{each.sha256}  {each.file_name}\n" for each in found)
        yield IndexFile(path=f"{self.folder}/SHA256SUMS", content="".join(lines).encode())

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return where the list is."""
        return (f"curl {repository.address}/{self.folder}/SHA256SUMS | grep {name}-",)


ECOSYSTEM: Ecosystem = Tarballs()
