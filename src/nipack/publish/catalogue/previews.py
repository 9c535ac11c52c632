"""What is shown of a payload's files: pictures, and the first lines of tables and JSON.

They are made once for each payload, and kept in a folder that is called after its id.
"""

import csv
import importlib.util
import io
import itertools
import json
import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from nipack.lookup.json_text import json_value
from nipack.publish.artifacts.payload import payload_files
from nipack.publish.catalogue.html import visible
from nipack.publish.catalogue.names import is_surface, shown_order
from nipack.publish.catalogue.scripts import is_volume
from nipack.publish.ecosystems import members_of
from nipack.publish.records import PublishedPackage
from nipack.system.hashing import THREADS
from nipack.system.leftovers import workspace

if TYPE_CHECKING:
    from nipack.publish.catalogue.slices import ImagePreview
    from nipack.publish.catalogue.surfaces import SurfacePreview

log = logging.getLogger(__name__)

FOLDER = "pictures"
IMAGES = (".nii.gz", ".nii", ".mgz", ".mgh")
TABLES = {".tsv": "\t", ".csv": ","}
# As many as a person looks at; a page names the other files in its table.
_MOST_IMAGES, _MOST_TEXTS = 24, 6
_LARGEST_IMAGE = 2_000_000_000
# nibabel reads a surface whole.
_LARGEST_SURFACE = 64_000_000
# A page of a person's asks for no more in three dimensions, and a repository is not to double.
_MOST_VOLUMES = 4
# What a folder of previews calls its small volumes, and the list of them.
_VOLUME, _VOLUMES = "-volume.js", "volumes.json"
_TEXT = 16_384
# Since 2, all surfaces of a payload were looked at.
_EDITION = 2
_ROWS, _COLUMNS, _LINES = 8, 8, 24


class Stored(Protocol):
    """Reads what a repository has."""

    def read(self, path: str) -> bytes | None:
        """Return what the repository has at a path by now; None where nothing is there."""


class Payloads(Stored, Protocol):
    """Opens the data of a repository's packages, too."""

    def open(self, package: PublishedPackage) -> tuple[str, IO[bytes]] | None:
        """Return an artifact's file name and its bytes; None where none is at hand."""


Facts = dict[str, Any]
"""`images`, `tables` and `texts` of a payload, as JSON has them; `edition` is who made them."""
Volumes = dict[str, Any]
"""`path` and `size` of the script of a small volume, by the path of the image, as JSON has them."""


def folder(package: PublishedPackage) -> str:
    """Return the folder of a payload's previews."""
    return f"{FOLDER}/{package.payload_id[:32]}"


def kept(package: PublishedPackage, stored: Stored | None) -> Facts | None:
    """Return the facts that were made before, the latest; None where there are none."""
    first = _object(stored, _facts_path(package))
    if first is None or _edition(first) >= _EDITION:
        return first
    return _object(stored, _facts_path(package, _EDITION)) or first


def _edition(facts: Facts) -> int:
    found = facts.get("edition", 1)
    return found if isinstance(found, int) else 1


def _object(stored: Stored | None, path: str) -> dict[str, Any] | None:
    content = stored.read(path) if stored else None
    try:
        found = json_value(content) if content else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def kept_files(
    package: PublishedPackage, facts: Facts, stored: Stored
) -> Iterator[tuple[str, bytes]]:
    """Yield the files that were made before, as they are."""
    pictures = [image[size]["path"] for image in facts["images"] for size in ("large", "small")]
    there = _facts_path(package), _facts_path(package, _EDITION)
    for path in [*pictures, *(there if facts.get("remade") else there[:1])]:
        if (content := stored.read(path)) is not None:
            yield path, content


def kept_volumes(
    package: PublishedPackage, stored: Stored | None
) -> tuple[Volumes, list[tuple[str, bytes]]]:
    """Return the small volumes that were made before, and their files, the list of them last.

    They are programs: what is not a volume and nothing else is left out.
    """
    listed = _object(stored, _volumes_path(package))
    found, files = {}, []
    for number in range(_MOST_IMAGES if listed else 0):
        path = _volume_path(package, number)
        names = [name for name, each in (listed or {}).items() if each == number]
        content = stored.read(path) if stored and names else None
        if content is not None and is_volume(content, path):
            found[names[0]] = {"path": path, "size": len(content)}
            files.append((path, content))
    if stored and listed and (content := stored.read(_volumes_path(package))):
        files.append((_volumes_path(package), content))
    return found, files


def _facts_path(package: PublishedPackage, edition: int = 1) -> str:
    return f"{folder(package)}/facts{'' if edition == 1 else f'-{edition}'}.json"


def _volumes_path(package: PublishedPackage) -> str:
    return f"{folder(package)}/{_VOLUMES}"


def _volume_path(package: PublishedPackage, number: int) -> str:
    return f"{folder(package)}/{number}{_VOLUME}"


def is_of_volumes(path: str) -> bool:
    """Tell whether a stored file is a small volume, or a payload's list of them."""
    return path.endswith((f"/{_VOLUMES}", _VOLUME))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be made of a payload: its pictures, under names of which edition, and volumes."""

    pictures: bool
    edition: int
    volumes: bool

    def picture_path(self, package: PublishedPackage, number: int, size: str) -> str:
        before = "" if self.edition == 1 else f"{self.edition}-"
        return f"{folder(package)}/{before}{number}-{size}.webp"


def made(
    package: PublishedPackage, payloads: Payloads, *, volumes: bool = False, again: bool = False
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a payload's previews that has none yet, the facts that name them last.

    With `volumes` small copies for a viewer are made, too; with `again`, what an earlier nipack
    could not draw.  Yields nothing where there is nothing to show, the payload is not at hand or
    nibabel and Pillow are not installed: the last two may be when another artifact is published.
    """
    if not any(_is_shown(each.path) for each in package.files) or not can_draw():
        return
    wanted = _wanted(package, payloads, volumes=volumes, again=again)
    opened = payloads.open(package) if wanted.pictures or wanted.volumes else None
    if opened is None:
        return
    file_name, artifact = opened
    facts: Facts = {"images": [], "tables": [], "texts": []}
    numbers: dict[str, int] = {}
    with artifact:
        try:
            yield from _files(package, file_name, artifact, _Making(wanted, facts, numbers))
        except Exception as error:
            # A package is published whether or not there is a picture of it.
            log.warning("%s: no more pictures can be made of it: %s", file_name, error)
    if wanted.volumes:
        yield _volumes_path(package), _text_of(dict(sorted(numbers.items())))
    if wanted.pictures:
        for found in facts.values():
            found.sort(key=lambda each: shown_order(each["path"]))
        facts |= {"edition": _EDITION} | ({"remade": True} if wanted.edition > 1 else {})
        yield _facts_path(package, wanted.edition), _text_of(facts)


def _text_of(document: Any) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def _wanted(package: PublishedPackage, stored: Stored, *, volumes: bool, again: bool) -> _Wanted:
    """Return what is not stored of a payload."""
    facts = kept(package, stored)
    lacking = facts is not None and again and _lacks(package, facts)
    images = any(each.path.lower().endswith(IMAGES) for each in package.files)
    return _Wanted(
        pictures=facts is None or lacking,
        edition=_EDITION if lacking else 1,
        volumes=volumes and images and stored.read(_volumes_path(package)) is None,
    )


def _lacks(package: PublishedPackage, facts: Facts) -> bool:
    """Tell whether facts were made before there were pictures of what is in a payload."""
    surfaces = {visible(each.path) for each in package.files if is_surface(each.path)}
    return _edition(facts) < _EDITION and not surfaces <= {each["path"] for each in facts["images"]}


@cache
def can_draw() -> bool:
    """Tell whether the libraries that draw are installed."""
    return all(importlib.util.find_spec(name) for name in ("nibabel", "PIL", "numpy"))


@dataclass(frozen=True, slots=True)
class _Making:
    """What is wanted, and what was told of it by now; `numbers` are those of the volumes."""

    wanted: _Wanted
    facts: Facts
    numbers: dict[str, int]


def _files(
    package: PublishedPackage, file_name: str, artifact: IO[bytes], making: _Making
) -> Iterator[tuple[str, bytes]]:
    """Yield the pictures and volumes, and fill the facts on the way."""
    drawable = [each.path for each in package.files if each.size <= _largest(each.path)]
    chosen = sorted(drawable, key=shown_order)
    wanted = {path: number for number, path in enumerate(chosen[:_MOST_IMAGES])}
    volumes = [path for path in wanted if path.lower().endswith(IMAGES)][:_MOST_VOLUMES]
    if not making.wanted.volumes:
        volumes = []
    if not making.wanted.pictures:
        wanted = {path: wanted[path] for path in volumes}
    with (
        workspace() as work,
        ThreadPoolExecutor(max_workers=THREADS) as pool,
    ):
        running: list[Future[list[tuple[str, bytes]]]] = []
        for path, content in payload_files(package, members_of(file_name, artifact)):
            if path in wanted:
                number = wanted[path]
                target = work / f"{number}{_suffix(path)}"
                with target.open("wb") as copy:
                    shutil.copyfileobj(content, copy, 1 << 20)
                draw = partial(_drawn, package, path, target, making)
                running.append(pool.submit(draw, number, volume=path in volumes))
            else:
                _add_text(path, content, making.facts)
            # No more copies at a time than are being looked at.
            while len(running) > THREADS or (running and running[0].done()):
                yield from running.pop(0).result()
        for each in running:
            yield from each.result()


def _largest(path: str) -> int:
    """Return how many bytes a file may have of which a picture is made; -1 where none is."""
    if path.lower().endswith(IMAGES):
        return _LARGEST_IMAGE
    return _LARGEST_SURFACE if is_surface(path) else -1


def _is_shown(path: str) -> bool:
    """Tell whether anything is made of a file: a picture, or its first lines."""
    return _largest(path) >= 0 or Path(path).suffix.lower() in {*TABLES, ".json"}


def _suffix(path: str) -> str:
    return next((each for each in IMAGES if path.lower().endswith(each)), "")


def _drawn(
    package: PublishedPackage, path: str, copy: Path, making: _Making, number: int, *, volume: bool
) -> list[tuple[str, bytes]]:
    """Return the pictures of an image or a surface; nothing where it cannot be read."""
    from nipack.publish.catalogue.slices import ImagePreview

    files = []
    try:
        found = _preview(path, copy)
        if volume and isinstance(found, ImagePreview):
            files += _volume(package, path, copy, found, making, number)
    except Exception as error:
        log.info("%s: no picture can be made of it: %s", path, error)
        return []
    finally:
        copy.unlink()
    if making.wanted.pictures:
        pictures = {}
        for size, (content, width, height) in {"large": found.large, "small": found.small}.items():
            target = making.wanted.picture_path(package, number, size)
            files.append((target, content))
            pictures[size] = {"path": target, "width": width, "height": height}
        making.facts["images"].append({"path": visible(path), **found.told, **pictures})
    return files


def _volume(
    package: PublishedPackage,
    path: str,
    copy: Path,
    found: "ImagePreview",
    making: _Making,
    number: int,
) -> list[tuple[str, bytes]]:
    """Return the script of a small volume; nothing where none can be made."""
    from nipack.publish.catalogue import volumes

    target = _volume_path(package, number)
    try:
        content = volumes.small_volume(copy, found.window).script(target)
    except Exception as error:
        log.info("%s: no small volume can be made of it: %s", path, error)
        return []
    making.numbers[visible(path)] = number
    return [(target, content)]


def _preview(path: str, copy: Path) -> "ImagePreview | SurfacePreview":
    from nipack.publish.catalogue import slices, surfaces

    return surfaces.preview(copy, path) if is_surface(path) else slices.preview(copy)


def _add_text(path: str, content: IO[bytes], facts: Facts) -> None:
    """Add the first lines of a table or of JSON to the facts."""
    suffix = Path(path).suffix.lower()
    if suffix in TABLES and len(facts["tables"]) < _MOST_TEXTS:
        lines = _text(content).splitlines()
        rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=TABLES[suffix])
        shown = [row[:_COLUMNS] for row in itertools.islice(rows, _ROWS)]
        if shown:
            facts["tables"].append({"path": visible(path), "rows": shown})
    elif suffix == ".json" and len(facts["texts"]) < _MOST_TEXTS:
        lines = _text(content).splitlines()[:_LINES]
        facts["texts"].append({"path": visible(path), "text": "\n".join(lines)})


def _text(content: IO[bytes]) -> str:
    return visible(content.read(_TEXT).decode("utf-8-sig", "replace"))
