"""The story of a catalogue: which pages and files there are, and in what order they are written."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish.catalogue import (
    assets,
    changes,
    croissant,
    feeds,
    front,
    package_page,
    previews,
    viewer,
)
from nipack.publish.catalogue.entries import Entry, entries_of
from nipack.publish.catalogue.package_page import Release
from nipack.publish.catalogue.previews import Facts, Payloads, Stored
from nipack.publish.ecosystems import Before
from nipack.publish.records import PublishedPackage, PublishedRepository

File = tuple[str, bytes]


def ahead(
    packages: Iterable[PublishedPackage],
    new: Collection[tuple[str, str]],
    payloads: Payloads,
    *,
    volumes: bool = False,
) -> Iterator[File]:
    """Yield what pages show of the data of new versions, as far as it is not stored yet.

    It is stored before the log names these versions, so that everyone who makes their pages finds
    it.  `packages` has all versions of their names; what leads to a file comes after it.  With
    `volumes` there are small copies for a viewer.
    """
    for entry in entries_of(packages):
        for package in entry.versions:
            if package.key in new:
                yield from previews.made(package, payloads, volumes=volumes)
        for newer, older in entry.steps:
            if newer.key in new or older.key in new:
                yield from changes.made(older, newer, payloads)


def missing(
    packages: Iterable[PublishedPackage], payloads: Payloads, *, volumes: bool
) -> Iterator[tuple[str, File]]:
    """Yield what pages lack of data that was published before, each with its package's name."""
    for entry in entries_of(packages):
        for file in previews.made(entry.latest, payloads, volumes=volumes, again=True):
            yield entry.name, file


def render(
    repository: PublishedRepository,
    packages: Iterable[PublishedPackage],
    stored: Stored | None = None,
    *,
    changed: Collection[str] | None = None,
    mine: Iterable[PublishedPackage] = (),
    before: Before | None = None,
) -> Iterator[File]:
    """Yield the catalogue's files: paths from the top of the repository, and their contents.

    `stored` has what the repository has by now: pictures and what changed, as `ahead` made them;
    the pages are made from these and from the log alone.  `changed` are the names of packages
    whose own pages are to be made; without it, all are.  `mine` are all versions of these, and
    `before` has what was said of the others, who are then not read.  What names others comes after
    them, so that no page ever names what is not there.
    """
    earlier = _earlier(repository, changed, before)
    entries = entries_of(packages if earlier is None else mine)
    rows, releases = earlier or ({}, [])
    pictures = _known_pictures(stored) if earlier is None else {}
    yield from assets.files(viewer=bool(repository.viewer))
    if earlier is None and stored is not None:
        # Else its digests are among those that were signed before.
        yield from viewer.stored_files(repository.viewer, stored)
    for entry in entries:
        latest = entry.latest
        if changed is None or entry.name in changed:
            facts, history = previews.kept(latest, stored), _releases(entry, stored)
            if stored is not None:
                yield from _shown(latest, facts, history, stored)
            volumes: previews.Volumes = {}
            if repository.viewer:
                volumes, files = previews.kept_volumes(latest, stored)
                yield from files
            yield f"{entry.folder}/{croissant.NAME}", croissant.content(repository, entry)
            yield (
                f"{entry.folder}/index.html",
                package_page.page(repository, entry, (facts or {}) | {"volumes": volumes}, history),
            )
            pictures[latest.payload_id] = first_picture(facts)
        elif latest.payload_id not in pictures:
            # Somebody else has published it since the list was written.
            pictures[latest.payload_id] = first_picture(previews.kept(latest, stored))
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


def is_stored(path: str) -> bool:
    """Tell of a path whether it is one that `ahead` yields."""
    return path.startswith((f"{previews.FOLDER}/", f"{viewer.FOLDER}/"))


def own(path: str) -> int:
    """Tell of a path whether it is of one package alone, and in which order those are written.

    0 is for what is not; what a package's page shows comes before it, and was stored before.
    """
    if path.startswith(f"{previews.FOLDER}/"):
        return 2 if path.endswith(".json") else 1
    return 3 if path.startswith("packages/") and path.count("/") > 1 else 0


def _releases(entry: Entry, stored: Stored | None) -> list[Release]:
    """Return the versions, newest first, each with what changed since the one before."""
    since = [changes.changes(older, newer, stored) for newer, older in entry.steps]
    return [
        Release(package, found)
        for package, found in zip(entry.versions, [*since, None], strict=True)
    ]


def _shown(
    latest: PublishedPackage, facts: Facts | None, releases: Iterable[Release], stored: Stored
) -> Iterator[File]:
    """Yield the stored files that a package's page shows."""
    if facts is not None:
        yield from previews.kept_files(latest, facts, stored)
    for each in releases:
        if each.changes is not None:
            yield from changes.kept_files(each.changes, stored)


def first_picture(facts: Facts | None) -> front.Picture | None:
    """Return the small picture of a payload's first image."""
    images = (facts or {}).get("images") or []
    return images[0]["small"] if images else None


def _known_pictures(stored: Stored | None) -> dict[str, front.Picture | None]:
    """Return the picture of each payload, from the list that was written before."""
    content = stored.read("packages.json") if stored else None
    try:
        rows: Any = json_value(content, MOST_OF_OWN)["packages"] if content else []
        return {row["payload_id"]: row["picture"] for row in rows}
    except (KeyError, TypeError, ValueError):
        return {}
