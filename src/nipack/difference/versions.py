"""Compare two versions of a data package: by what is at each path, and images by their voxels."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nipack.difference.pictures import draw_difference
from nipack.difference.voxels import ImageDifference, compare_images
from nipack.layout import CONFIG_NAME
from nipack.system.images import can_read_images, headers_of_pairs, is_image
from nipack.system.progress import Reporter, SilentReporter


@dataclass(frozen=True, slots=True)
class Content:
    """What is at a path: a file by its sha256, with its size in bytes; a link as `-> target`."""

    digest: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One of the two sides: its source, version, payload id and size in bytes."""

    source: str
    version: str
    payload_id: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A version that is compared: its contents by path from the data directory.

    `directory` has its files, or at least those of `changed_images`; without one, images are
    compared by their bytes alone.
    """

    release: Release
    contents: Mapping[str, Content]
    directory: Path | None = None


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


def compare_versions(
    old: Side, new: Side, reporter: Reporter | None = None, *, pictures: Path | None = None
) -> Difference:
    """Return what changed in the data from one version to another.

    `pictures` is a folder that gets a PNG for each image whose voxels changed, which needs Pillow.
    Raises ArtifactError where one cannot be written.
    """
    before, after = _compared(old, new), _compared(new, old)
    came, went = after.keys() - before.keys(), before.keys() - after.keys()
    moved = tuple(_moved(before, after, came, went))
    return Difference(
        old=old.release,
        new=new.release,
        added=tuple(sorted(came - {path for _, path in moved})),
        removed=tuple(sorted(went - {path for path, _ in moved})),
        moved=moved,
        changed=tuple(_changed_files(old, new, reporter or SilentReporter(), pictures)),
        images_compared=bool(can_read_images() and old.directory and new.directory),
    )


def changed_images(old: Side, new: Side) -> tuple[str, ...]:
    """Return the paths of images that both versions have, with other bytes, sorted."""
    headers = headers_of_pairs(new.contents)
    return tuple(
        path
        for path in _changed(old, new)
        if is_image(path, headers)
        and None not in (old.contents[path].size, new.contents[path].size)
    )


def without_images(found: Difference) -> Difference:
    """Return the answer as it is where nibabel is not installed."""
    changed = tuple(replace(each, image=None, picture=None) for each in found.changed)
    return replace(found, changed=changed, images_compared=False)


def document(found: Difference) -> dict[str, Any]:
    """Return the answer as JSON has it."""
    made = asdict(found)
    for changed, each in zip(made["changed"], found.changed, strict=True):
        changed["same_for_analysis"] = each.same_for_analysis
        changed["picture"] = None if each.picture is None else str(each.picture)
    return {"same_data": found.same_data, "same_for_analysis": found.same_for_analysis, **made}


def _compared(side: Side, other: Side) -> Mapping[str, Content]:
    """Return the contents without config.ini where it must differ: by the version in it."""
    if side.release.version == other.release.version:
        return side.contents
    return {path: each for path, each in side.contents.items() if path != CONFIG_NAME}


def _changed(old: Side, new: Side) -> list[str]:
    before, after = _compared(old, new), _compared(new, old)
    return sorted(
        path for path in before.keys() & after.keys() if before[path].digest != after[path].digest
    )


def _moved(
    before: Mapping[str, Content], after: Mapping[str, Content], came: set[str], went: set[str]
) -> Iterator[tuple[str, str]]:
    """Pair the files that went with files of the same bytes that came."""
    waiting: dict[str, list[str]] = {}
    for path in sorted(came):
        if after[path].size:
            waiting.setdefault(after[path].digest, []).append(path)
    for path in sorted(went):
        if waiting.get(before[path].digest):
            yield path, waiting[before[path].digest].pop(0)


def _changed_files(
    old: Side, new: Side, reporter: Reporter, pictures: Path | None
) -> Iterator[ChangedFile]:
    images = changed_images(old, new) if old.directory and new.directory else ()
    advance = reporter.step("compare images", None) if images else lambda count: None
    for path in _changed(old, new):
        image = picture = None
        if path in images and old.directory and new.directory:
            sides = old.directory / path, new.directory / path
            image = compare_images(*sides, advance)
            if image and pictures:
                picture = draw_difference(*sides, image, pictures / f"{path}.png")
        yield ChangedFile(
            path=path,
            old_size=old.contents[path].size,
            new_size=new.contents[path].size,
            image=image,
            picture=picture,
        )
