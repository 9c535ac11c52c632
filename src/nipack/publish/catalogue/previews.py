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
from functools import cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from nipack.lookup.json_text import json_value
from nipack.publish.artifacts.payload import payload_files
from nipack.publish.catalogue.html import visible
from nipack.publish.catalogue.names import is_surface, shown_order
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
_TEXT = 16_384
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
"""`images`, `tables` and `texts` of a payload, as JSON has them."""


def folder(package: PublishedPackage) -> str:
    """Return the folder of a payload's previews."""
    return f"{FOLDER}/{package.payload_id[:32]}"


def kept(package: PublishedPackage, stored: Stored | None) -> Facts | None:
    """Return the facts that were made before; None where there are none."""
    content = stored.read(_facts_path(package)) if stored else None
    try:
        facts = json_value(content) if content else None
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def kept_files(
    package: PublishedPackage, facts: Facts, stored: Stored
) -> Iterator[tuple[str, bytes]]:
    """Yield the files that were made before, as they are."""
    pictures = [image[size]["path"] for image in facts["images"] for size in ("large", "small")]
    for path in [*pictures, _facts_path(package)]:
        if (content := stored.read(path)) is not None:
            yield path, content


def _facts_path(package: PublishedPackage) -> str:
    return f"{folder(package)}/facts.json"


def made(package: PublishedPackage, payloads: Payloads) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a payload's previews that has none yet, the facts that name them last.

    Yields nothing where there is nothing to show, the payload is not at hand or nibabel and Pillow
    are not installed: the last two may be when another artifact of it is published.
    """
    if not any(_is_shown(each.path) for each in package.files) or not can_draw():
        return
    if kept(package, payloads) is not None:
        return
    opened = payloads.open(package)
    if opened is None:
        return
    file_name, artifact = opened
    facts: Facts = {"images": [], "tables": [], "texts": []}
    with artifact:
        try:
            yield from _files(package, file_name, artifact, facts)
        except Exception as error:
            # A package is published whether or not there is a picture of it.
            log.warning("%s: no more pictures can be made of it: %s", file_name, error)
    for found in facts.values():
        found.sort(key=lambda each: shown_order(each["path"]))
    yield _facts_path(package), (json.dumps(facts, indent=1) + "\n").encode()


@cache
def can_draw() -> bool:
    """Tell whether the libraries that draw are installed."""
    return all(importlib.util.find_spec(name) for name in ("nibabel", "PIL", "numpy"))


def _files(
    package: PublishedPackage, file_name: str, artifact: IO[bytes], facts: Facts
) -> Iterator[tuple[str, bytes]]:
    """Yield the pictures, and fill the facts on the way."""
    drawable = [each.path for each in package.files if each.size <= _largest(each.path)]
    chosen = sorted(drawable, key=shown_order)
    wanted = {path: number for number, path in enumerate(chosen[:_MOST_IMAGES])}
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
                draw = partial(_drawn, package, path, target, facts)
                running.append(pool.submit(draw, number))
            else:
                _add_text(path, content, facts)
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
    package: PublishedPackage, path: str, copy: Path, facts: Facts, number: int
) -> list[tuple[str, bytes]]:
    """Return the pictures of an image or a surface; nothing where it cannot be read."""
    try:
        found = _preview(path, copy)
    except Exception as error:
        log.info("%s: no picture can be made of it: %s", path, error)
        return []
    finally:
        copy.unlink()
    files, pictures = [], {}
    for size, (content, width, height) in {"large": found.large, "small": found.small}.items():
        target = f"{folder(package)}/{number}-{size}.webp"
        files.append((target, content))
        pictures[size] = {"path": target, "width": width, "height": height}
    facts["images"].append({"path": visible(path), **found.told, **pictures})
    return files


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
