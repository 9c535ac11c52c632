"""The story of a catalogue: which pages and files there are, and in what order they are written."""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from nipack.publish.catalogue import assets, croissant, feeds, front, package_page, previews
from nipack.publish.catalogue.entries import entries_of
from nipack.publish.catalogue.previews import Facts, Payloads
from nipack.publish.ecosystems import Before
from nipack.publish.records import PublishedPackage, PublishedRepository

File = tuple[str, bytes]


def render(
    repository: PublishedRepository,
    packages: Iterable[PublishedPackage],
    payloads: Payloads | None = None,
    *,
    changed: Collection[str] | None = None,
    mine: Iterable[PublishedPackage] = (),
    before: Before | None = None,
) -> Iterator[File]:
    """Yield the catalogue's files: paths from the top of the repository, and their contents.

    `payloads` has the data that pictures are made of, and what the repository has by now: a
    payload that has its pictures gets no others.  `changed` are the names of packages whose own
    pages are to be made; without it, all are.  `mine` are all versions of these, and `before` has
    what was said of the others, who are then not read.  What names others comes after them, so
    that no page ever names what is not there.
    """
    earlier = _earlier(repository, changed, before)
    entries = entries_of(packages if earlier is None else mine)
    rows, releases = earlier or ({}, [])
    pictures = _known_pictures(payloads) if earlier is None else {}
    yield from assets.files()
    for entry in entries:
        latest = entry.latest
        if changed is None or entry.name in changed:
            facts = None
            for path, content in _previews(latest, payloads):
                yield path, content
                facts = json.loads(content) if path.endswith(".json") else None
            yield f"{entry.folder}/{croissant.NAME}", croissant.content(repository, entry)
            yield f"{entry.folder}/index.html", package_page.page(repository, entry, facts or {})
            pictures[latest.payload_id] = first_picture(facts)
        elif latest.payload_id not in pictures:
            # Somebody else has published it since the list was written.
            pictures[latest.payload_id] = first_picture(previews.kept(latest, payloads))
        rows[entry.name] = front.row(entry, pictures.get(latest.payload_id))
    releases += feeds.releases_of(entries)
    listed = [rows[name] for name in sorted(rows)]
    yield from feeds.files(repository, releases, [(row["page"], row["date"]) for row in listed])
    yield from front.files(repository, listed)


def _earlier(
    repository: PublishedRepository, changed: Collection[str] | None, before: Before | None
) -> tuple[dict[str, front.Row], list[feeds.Release]] | None:
    """Return what was said of the packages that did not change; None where that is not known."""
    listed, feed = (before.read(path) if before else None for path in ("packages.json", "feed.xml"))
    if changed is None or listed is None or feed is None:
        return None
    rows = front.earlier_rows(listed)
    releases = feeds.releases_in(feed, repository)
    return (
        {name: row for name, row in rows.items() if name not in changed},
        [each for each in releases if each.name not in changed],
    )


def own(path: str) -> int:
    """Tell of a path whether it is of one package alone, and in which order those are written.

    0 is for what is not; what a package's page shows comes before it.
    """
    if path.startswith(f"{previews.FOLDER}/"):
        return 2 if path.endswith(".json") else 1
    return 3 if path.startswith("packages/") and path.count("/") > 1 else 0


def _previews(package: PublishedPackage, payloads: Payloads | None) -> Iterator[File]:
    """Yield the files of a payload's previews, the facts last; they are made only once."""
    facts = previews.kept(package, payloads)
    if facts is None or payloads is None:
        yield from previews.made(package, payloads)
    else:
        yield from previews.kept_files(package, facts, payloads)


def first_picture(facts: Facts | None) -> front.Picture | None:
    """Return the small picture of a payload's first image."""
    images = (facts or {}).get("images") or []
    return images[0]["small"] if images else None


def _known_pictures(payloads: Payloads | None) -> dict[str, front.Picture | None]:
    """Return the picture of each payload, from the list that was written before."""
    content = payloads.read("packages.json") if payloads else None
    try:
        rows: Any = json.loads(content)["packages"] if content else []
        return {row["payload_id"]: row["picture"] for row in rows}
    except (KeyError, TypeError, ValueError):
        return {}
