"""What tells machines of news and of pages: an Atom feed (RFC 4287) and a sitemap."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote
from xml.etree import ElementTree

from nipack.publish.catalogue.entries import Entry
from nipack.publish.catalogue.html import visible, web_address
from nipack.publish.records import PublishedPackage, PublishedRepository

_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# A reader of feeds looks every few days; a sitemap may have no more addresses.
_RELEASES, _ADDRESSES = 50, 50_000
_LONG_AGO = "2000-01-01T00:00:00Z"


def files(repository: PublishedRepository, entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield the feed and, where the repository has an address of the web, the sitemap."""
    yield "feed.xml", feed(repository, entries)
    if web_address(repository.address):
        yield "sitemap.xml", sitemap(repository, entries)


def feed(repository: PublishedRepository, entries: Sequence[Entry]) -> bytes:
    """Return an Atom feed of the newest versions."""
    releases = [(entry, package) for entry in entries for package in entry.versions]
    releases.sort(key=lambda each: (each[1].date, *each[1].key), reverse=True)
    top = ElementTree.Element("feed", xmlns=_ATOM)
    place = repository.address or ""
    _text(top, "title", repository.title)
    _text(top, "id", f"{place}/feed.xml" if place else f"urn:nipack:{quote(repository.name)}")
    _text(top, "updated", repository.date or (releases[0][1].date if releases else "") or _LONG_AGO)
    _text(ElementTree.SubElement(top, "author"), "name", repository.title)
    if place:
        ElementTree.SubElement(top, "link", rel="self", href=f"{place}/feed.xml")
        ElementTree.SubElement(top, "link", href=f"{place}/index.html")
    for entry, package in releases[:_RELEASES]:
        _release(ElementTree.SubElement(top, "entry"), place, entry, package)
    return _xml(top)


def _release(
    element: ElementTree.Element, place: str, entry: Entry, package: PublishedPackage
) -> None:
    page = f"{place}/{entry.folder}/index.html" if place else f"{entry.folder}/index.html"
    retracted = f"Retracted: {package.retracted}" if package.retracted is not None else ""
    _text(element, "title", f"{package.name} {package.version}")
    key = f"{quote(package.name, safe='')}:{quote(package.version, safe='')}"
    _text(element, "id", f"urn:nipack:{key}:{package.payload_id}")
    _text(element, "updated", package.date or _LONG_AGO)
    ElementTree.SubElement(element, "link", href=page)
    _text(element, "summary", "\n".join(each for each in (retracted, package.summary) if each))


def sitemap(repository: PublishedRepository, entries: Sequence[Entry]) -> bytes:
    """Return the addresses of all pages."""
    top = ElementTree.Element("urlset", xmlns=_SITEMAP)
    pages = [("index.html", repository.date), ("packages/index.html", repository.date)]
    pages += [(f"{entry.folder}/index.html", entry.date) for entry in entries]
    for path, date in pages[:_ADDRESSES]:
        element = ElementTree.SubElement(top, "url")
        _text(element, "loc", f"{repository.address}/{path}")
        if date:
            _text(element, "lastmod", date[:10])
    return _xml(top)


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = visible(text)


def _xml(top: ElementTree.Element) -> bytes:
    return bytes(ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)) + b"\n"
