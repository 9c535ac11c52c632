"""The story of a catalogue: which pages and files there are, and in what order they are written."""

from collections.abc import Collection, Iterable, Iterator
from typing import IO, Protocol

from nipack.publish.catalogue import assets, front, package_page
from nipack.publish.catalogue.entries import entries_of
from nipack.publish.records import PublishedPackage, PublishedRepository


class Payloads(Protocol):
    """Opens the artifacts of a repository."""

    def open(self, package: PublishedPackage) -> tuple[str, IO[bytes]] | None:
        """Return an artifact's file name and its bytes; None where none is at hand."""


File = tuple[str, bytes]


def render(
    repository: PublishedRepository,
    packages: Iterable[PublishedPackage],
    payloads: Payloads | None = None,
    *,
    changed: Collection[str] | None = None,
) -> Iterator[File]:
    """Yield the catalogue's files: paths from the top of the repository, and their contents.

    `changed` are the names of packages whose own pages are to be made; without it, all are.  What
    names others comes after them, so that no page ever names what is not there.
    """
    entries = entries_of(packages)
    yield from assets.files()
    for entry in entries:
        if changed is None or entry.name in changed:
            yield f"{entry.folder}/index.html", package_page.page(repository, entry)
    yield from front.files(repository, entries)
