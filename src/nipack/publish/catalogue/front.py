"""The front page, the plain list of all packages, and the data that the search looks through."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish.catalogue.commands import Way, ways
from nipack.publish.catalogue.entries import Entry
from nipack.publish.catalogue.html import fill, visible
from nipack.publish.records import PublishedRepository

Picture = dict[str, Any]
"""`path`, `width` and `height` of a picture, as JSON has them."""
Row = dict[str, Any]
"""What packages.json has of a package."""

# What the page shows without a program; the program shows the rest.
CARDS = 60
# Enough file names to find a package by; the page of the package has all.
SEARCHED_CHARACTERS = 1500
HUES = 8


def earlier_rows(content: bytes) -> dict[str, Row]:
    """Return the rows of a packages.json, by name."""
    return {each["name"]: each for each in json_value(content, MOST_OF_OWN)["packages"]}


def files(repository: PublishedRepository, rows: Sequence[Row]) -> Iterator[tuple[str, bytes]]:
    """Yield the files that name every package."""
    about = _about(repository)
    yield "packages.json", f"{_json({'repository': about, 'packages': rows})}\n".encode()
    # A script can be read from a disk, where a page may not fetch JSON.
    shown_rows = [
        {name: value for name, value in each.items() if name != "artifacts"} for each in rows
    ]
    script = _json({"repository": about, "packages": shown_rows})
    yield "catalogue/packages.js", f"window.nipackCatalogue={script};\n".encode()
    values = {"repository": repository, "total": len(rows)}
    yield "packages/index.html", fill("list.html.j2", {**values, "rows": rows, "top": "../"})
    newest = sorted(rows, key=lambda each: (each["date"], each["name"]), reverse=True)
    shown = {
        "rows": newest[:CARDS],
        "bytes": sum(each["size"] for each in rows),
        "updated": repository.date or max((each["date"] for each in rows), default=""),
        "ways": front_ways(repository, rows),
        "umbrellas": _choices(each["umbrella"] for each in rows),
        "licences": _choices(each["license"] for each in rows),
        "libraries": _choices(name for each in rows for name in each["libraries"]),
        "top": "",
    }
    yield "index.html", fill("front.html.j2", {**values, **shown})


def row(entry: Entry, picture: Picture | None) -> Row:
    """Return what the front page knows of a package, as JSON has it."""
    latest = entry.latest
    found = {
        "name": entry.name,
        "version": latest.version,
        "versions": len(entry.versions),
        "relpath": latest.relpath,
        "umbrella": entry.umbrella,
        "summary": latest.summary,
        "license": latest.license or "",
        "size": latest.size,
        "date": entry.date,
        "payload_id": latest.payload_id,
        "keywords": [visible(word) for word in latest.keywords],
        "species": [visible(word) for word in latest.species],
        "space": [visible(word) for word in latest.space],
        "libraries": list(latest.libraries),
        "retracted": latest.retracted or "",
        "part_of": latest.part_of or "",
        "page": f"{entry.folder}/index.html",
        "hue": hue(entry.name),
        "picture": picture,
        "files": " ".join(each.path for each in latest.files)[:SEARCHED_CHARACTERS],
        "artifacts": artifacts(entry),
    }
    return {
        key: visible(value) if isinstance(value, str) else value for key, value in found.items()
    }


def artifacts(entry: Entry) -> list[dict[str, Any]]:
    """Return what the latest version is installed from, as JSON has it."""
    names = ("ecosystem", "path", "size", "sha256")
    return [{name: getattr(each, name) for name in names} for each in entry.latest.artifacts]


def _json(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def hue(name: str) -> int:
    """Return which of the colours a package without a picture has."""
    return sum(name.encode("utf-8", "replace")) % HUES


def front_ways(repository: PublishedRepository, rows: Sequence[Row]) -> list[Way]:
    """Return how a package that most ecosystems have is installed, by each that is served."""
    served = {each["ecosystem"] for row in rows for each in row["artifacts"]}
    example = max(rows, key=lambda row: (len(row["artifacts"]), row["date"]), default=None)
    return ways(repository, example["name"], served) if example else []


def _choices(values: Iterator[str]) -> list[str]:
    return sorted({value for value in values if value})


def _about(repository: PublishedRepository) -> dict[str, Any]:
    return {
        "name": repository.name,
        "title": repository.title,
        "address": repository.address,
        "generation": repository.generation,
        "date": repository.date,
        "fingerprint": repository.fingerprint,
    }
