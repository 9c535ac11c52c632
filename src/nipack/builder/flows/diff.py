"""`nipack diff`: what changed in the data between two sources, and whether results would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nipack.builder.changes import compare
from nipack.builder.check.images import can_read_images, headers_of_pairs, is_image
from nipack.builder.difference.pictures import draw_difference
from nipack.builder.difference.voxels import ImageDifference, compare_images
from nipack.builder.package import DataPackage
from nipack.builder.reading import read_package
from nipack.system.leftovers import workspace
from nipack.system.progress import Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One of the two sides: its source, version, payload id and size in bytes."""

    source: str
    version: str
    payload_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A file with other bytes; sizes are in bytes, None of a link.

    `image` is for images alone, `picture` where a PNG of the difference was written.
    """

    path: str
    old_size: int | None
    new_size: int | None
    image: ImageDifference | None = None
    picture: Path | None = None

    @property
    def same_for_analysis(self) -> bool:
        """Whether it is an image of which nothing but the storage changed."""
        return self.image is not None and self.image.same_for_analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed from `old` to `new`; paths are relative to the data directory, and sorted.

    `moved` has (old path, new path) of each file that is the same under another name.
    """

    old: Release
    new: Release
    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    changed: tuple[ChangedFile, ...]
    images_compared: bool

    @property
    def same_data(self) -> bool:
        """Whether every file but config.ini, which has the version, is the same."""
        return not (self.added or self.removed or self.moved or self.changed)

    @property
    def same_for_analysis(self) -> bool:
        """Whether every path leads to the values that it led to before."""
        kept = all(each.same_for_analysis for each in self.changed)
        return kept and not self.removed and not self.moved


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
        changes = compare(after, before)
        moved = _moved(before, after, changes.added, changes.dropped)
        return Difference(
            old=_release(old, before),
            new=_release(new, after),
            added=tuple(sorted(set(changes.added) - {path for _, path in moved})),
            removed=tuple(sorted(set(changes.dropped) - {path for path, _ in moved})),
            moved=moved,
            changed=tuple(_changed_files(before, after, changes.changed, reporter, pictures)),
            images_compared=can_read_images(),
        )


@contextmanager
def _opened(source: str, reporter: Reporter, *, offline: bool) -> Iterator[DataPackage]:
    with workspace() as folder:
        yield read_package(source, folder, reporter, offline=offline)


def _release(source: str, package: DataPackage) -> Release:
    return Release(
        source=source,
        version=package.version,
        payload_id=package.payload_id,
        size=package.size,
    )


def _moved(
    before: DataPackage, after: DataPackage, added: tuple[str, ...], removed: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Pair the files that went with files of the same bytes that came."""
    came: dict[str, list[str]] = {}
    for file in after.files:
        if file.path in added and file.size:
            came.setdefault(file.sha256, []).append(file.path)
    return tuple(
        (file.path, came[file.sha256].pop(0))
        for file in before.files
        if file.path in removed and came.get(file.sha256)
    )


def _changed_files(
    before: DataPackage,
    after: DataPackage,
    paths: tuple[str, ...],
    reporter: Reporter,
    pictures: Path | None,
) -> Iterator[ChangedFile]:
    old, new = ({each.path: each.size for each in side.files} for side in (before, after))
    headers = headers_of_pairs(after.paths)
    images = {path for path in paths if path in old and path in new and is_image(path, headers)}
    advance = reporter.step("compare images", None)
    for path in paths:
        image = picture = None
        if path in images:
            sides = before.directory / path, after.directory / path
            image = compare_images(*sides, advance)
            if image and pictures:
                picture = draw_difference(*sides, image, pictures / f"{path}.png")
        yield ChangedFile(
            path=path,
            old_size=old.get(path),
            new_size=new.get(path),
            image=image,
            picture=picture,
        )
