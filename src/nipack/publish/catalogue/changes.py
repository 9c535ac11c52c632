"""What changed from one version of a package to the next, as its page shows it.

The log has the digest of each file, and that needs nothing else.  Voxels need the data of both:
whoever publishes a version compares its images with those of its neighbours and stores the answer
beside the pictures.  A page is made from the log and from stored answers alone.
"""

import hashlib
import json
import logging
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from nipack.difference.pictures import draw_difference
from nipack.difference.versions import (
    Content,
    Difference,
    Release,
    Side,
    changed_images,
    compare_versions,
)
from nipack.difference.voxels import ImageDifference, compare_images, image_difference_of
from nipack.lookup.json_text import json_value
from nipack.publish.artifacts.payload import payload_files
from nipack.publish.catalogue import previews
from nipack.publish.catalogue.previews import Payloads, Stored
from nipack.publish.ecosystems import members_of
from nipack.publish.records import PublishedPackage
from nipack.system.leftovers import workspace

log = logging.getLogger(__name__)

Picture = Mapping[str, Any]
"""`path`, `width` and `height` of a picture, as JSON has them."""

MOST_BYTES = 512_000_000
"""Images are compared by voxel as long as both versions of all of them are no larger than this."""
# Decompressed: a small file may hold very much of the same.
_MOST_DECOMPRESSED = 4_000_000_000
# nibabel reads a surface whole.
_LARGEST_SURFACE = 16_000_000
_MOST_PICTURES = 6


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since the version before; `pictures` are those of the differences, by path.

    `unread` are the images that were compared by their digests alone, of which `too_large` are
    more than is read.  `answer` is where the stored answer is, empty where there is none.
    """

    difference: Difference
    pictures: Mapping[str, Picture]
    unread: tuple[str, ...]
    too_large: tuple[str, ...]
    answer: str


def changes(older: PublishedPackage, newer: PublishedPackage, stored: Stored | None) -> Changes:
    """Return what changed between two versions, by what the log and stored answers say."""
    sides = _side(older), _side(newer)
    images = set(changed_images(*sides))
    answer = _answer(older, newer, stored) if images else {}
    found = compare_versions(*sides)
    changed = tuple(
        replace(each, image=answer[each.path][0]) if each.path in answer else each
        for each in found.changed
    )
    unread = tuple(sorted(images - answer.keys()))
    wanted = _wanted(older, newer)
    return Changes(
        replace(found, changed=changed, images_compared=not unread),
        {path: picture for path, (_, picture) in answer.items() if picture},
        unread,
        tuple(path for path in unread if path not in wanted),
        answer_path(older, newer) if answer else "",
    )


def _side(package: PublishedPackage) -> Side:
    contents = {each.path: Content(each.sha256, each.size) for each in package.files}
    contents |= {each.path: Content(f"-> {each.target}") for each in package.links}
    return Side(
        release=Release(
            source=package.name,
            version=package.version,
            payload_id=package.payload_id,
            size=package.size,
        ),
        contents=contents,
    )


def _wanted(older: PublishedPackage, newer: PublishedPackage) -> tuple[str, ...]:
    """Return the images that are compared by voxel: as many as are read in a moderate time."""
    before = {each.path: each.size for each in older.files}
    after = {each.path: each.size for each in newer.files}
    found, total = [], 0
    for path in changed_images(_side(older), _side(newer)):
        size = before.get(path, 0) + after.get(path, 0)
        surface = path.lower().endswith(".gii") and size <= _LARGEST_SURFACE
        if (surface or path.lower().endswith(previews.IMAGES)) and total + size <= MOST_BYTES:
            found.append(path)
            total += size
    return tuple(found)


def answer_path(older: PublishedPackage, newer: PublishedPackage) -> str:
    """Return where the answer for two versions is stored: it is named after both payload ids."""
    return f"{_stem(older, newer)}.json"


def _stem(older: PublishedPackage, newer: PublishedPackage) -> str:
    return f"{previews.folder(newer)}/since-{older.payload_id[:32]}"


def is_of(path: str, payload_ids: Collection[str]) -> bool:
    """Tell whether a stored file is of these payloads alone; each id is its first 32 digits."""
    folder, _, name = path.removeprefix(f"{previews.FOLDER}/").rpartition("/")
    older = name.removeprefix("since-")[:32] if name.startswith("since-") else folder
    return folder in payload_ids and older in payload_ids


Answer = dict[str, tuple[ImageDifference, Picture | None]]


def _answer(older: PublishedPackage, newer: PublishedPackage, stored: Stored | None) -> Answer:
    """Return how images differ, by path; nothing where no answer is stored, or a damaged one."""
    content = stored.read(answer_path(older, newer)) if stored else None
    try:
        images = json_value(content)["images"] if content else {}
        return {
            path: (image_difference_of(each["difference"]), each["picture"])
            for path, each in images.items()
        }
    except (AttributeError, LookupError, TypeError, ValueError):
        return {}


def kept_files(found: Changes, stored: Stored) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a stored answer as they are, the answer last."""
    pictures = [str(each["path"]) for each in found.pictures.values()]
    for path in [*pictures, found.answer] if found.answer else []:
        if (content := stored.read(path)) is not None:
            yield path, content


def made(
    older: PublishedPackage, newer: PublishedPackage, payloads: Payloads
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an answer that is not stored yet, the answer last.

    Yields nothing where no image changed, the data of one version is not at hand, or a library is
    not installed.
    """
    paths = _wanted(older, newer) if previews.can_draw() else ()
    if not paths or payloads.read(answer_path(older, newer)) is not None:
        return
    try:
        with workspace() as work:
            yield from _compared(older, newer, paths, payloads, work)
    except Exception as error:
        # A package is published whether or not its images can be compared.
        log.warning(
            "%s: the images of %s and %s cannot be compared: %s",
            newer.name, older.version, newer.version, error,
        )  # fmt: skip


def _compared(
    older: PublishedPackage,
    newer: PublishedPackage,
    paths: Sequence[str],
    payloads: Payloads,
    work: Path,
) -> Iterator[tuple[str, bytes]]:
    before = dict(_copies(older, paths, payloads, work / "old"))
    images: dict[str, Any] = {}
    advance, drawn = _Allowance(_MOST_DECOMPRESSED), 0
    for path, new in _copies(newer, [*before], payloads, work / "new") if before else ():
        old = before[path]
        difference = compare_images(old, new, advance)
        picture = None
        if difference is not None:
            difference = _finite(difference)
            if difference.differing and drawn < _MOST_PICTURES:
                target = f"{_stem(older, newer)}-{drawn}.webp"
                picture = _picture(old, new, difference, target, work)
            images[path] = {"difference": asdict(difference), "picture": picture}
            if picture:
                drawn += 1
                yield target, (work / "picture.webp").read_bytes()
        old.unlink(missing_ok=True)
        new.unlink()
    if images:
        text = json.dumps({"images": dict(sorted(images.items()))}, indent=1, allow_nan=False)
        yield answer_path(older, newer), f"{text}\n".encode()


class _Allowance:
    """Counts the bytes that were compared; raises ValueError when they are more than allowed."""

    def __init__(self, most: int) -> None:
        self._left = most

    def __call__(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError("the images are too large to be compared")


def _finite(found: ImageDifference) -> ImageDifference:
    """Return the difference with nothing in it that JSON has no number for."""
    affine = found.affine if found.affine is None or math.isfinite(found.affine) else None
    sides = {
        name: replace(side, zooms=tuple(each for each in side.zooms if math.isfinite(each)))
        for name, side in (("old", found.old), ("new", found.new))
    }
    return replace(found, affine=affine, **sides)  # type: ignore[arg-type]


def _picture(
    old: Path, new: Path, found: ImageDifference, target: str, work: Path
) -> dict[str, Any] | None:
    """Draw the difference of two images; return what the page needs of the picture."""
    from PIL import Image

    try:
        drawn = draw_difference(old, new, found, work / "picture.webp")
    except Exception as error:
        log.info("%s: no picture can be made of the difference: %s", target, error)
        return None
    if drawn is None:
        return None
    with Image.open(drawn) as picture:
        return {"path": target, "width": picture.width, "height": picture.height}


def _copies(
    package: PublishedPackage, paths: Sequence[str], payloads: Payloads, folder: Path
) -> Iterator[tuple[str, Path]]:
    """Yield a copy of each of some files, as far as they are what the log says."""
    opened = payloads.open(package)
    if opened is None:
        return
    folder.mkdir()
    records = {each.path: each for each in package.files}
    file_name, artifact = opened
    with artifact:
        for path, content in payload_files(package, members_of(file_name, artifact)):
            if path not in paths:
                continue
            copy = folder / f"{paths.index(path)}{_suffix(path)}"
            if _copied(content, copy, records[path].size) == records[path].sha256:
                yield path, copy


def _suffix(path: str) -> str:
    return next(each for each in (*previews.IMAGES, ".gii") if path.lower().endswith(each))


def _copied(content: IO[bytes], target: Path, size: int) -> str:
    """Copy a file of that size; return its sha256, or that of what of it there is."""
    digest = hashlib.sha256()
    with target.open("wb") as output:
        while size > 0 and (part := content.read(min(size, 1 << 20))):
            output.write(part)
            digest.update(part)
            size -= len(part)
    return digest.hexdigest()
