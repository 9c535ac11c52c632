"""`nipack diff`: what changed in the data between two sources, and whether results would."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nipack.builder.changes import side_of
from nipack.builder.reading import read_package
from nipack.difference.versions import Difference, Side, compare_versions
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter


def diff(
    old: str,
    new: str,
    reporter: Reporter,
    *,
    offline: bool = False,
    pictures: Path | None = None,
) -> Difference:
    """Compare the data of two sources, as `nipack build` takes them.

    Images are compared by header and voxels where nibabel is installed.  `pictures` is a folder
    that gets a PNG for each image whose voxels changed, which needs Pillow.  Raises
    DataPackageError, SourceError, or ArtifactError where a picture cannot be written.
    """
    with (
        _opened(old, reporter, offline=offline) as before,
        _opened(new, reporter, offline=offline) as after,
    ):
        return compare_versions(before, after, reporter, pictures=pictures)


@contextmanager
def _opened(source: str, reporter: Reporter, *, offline: bool) -> Iterator[Side]:
    with workspace() as folder:
        # What is damaged is what nipack check tells of; to look for it takes as long as all else.
        package = read_package(source, folder, reporter, offline=offline, inside=False)
        yield side_of(package, source)
