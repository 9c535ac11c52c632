"""What tells machines of news and of pages: an Atom feed (RFC 4287) and a sitemap."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote
from xml.etree import ElementTree

from nipack.publish.catalogue.entries import Entry
from nipack.publish.catalogue.html import visible, web_address
from nipack.publish.records import PublishedPackage, PublishedRepository

_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# A reader of feeds looks every few days; a sitemap may have no more addresses.
_RELEASES, _ADDRESSES = 50, 50_000
_LONG_AGO = "2000-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version as the feed tells of it; `page` is from the top of the repository."""

    name: str
    version: str
    payload_id: str
    date: str
    summary: str
    page: str

    @property
    def order(self) -> tuple[str, str, str]:
        """Return what the newest has most of."""
        return self.date, self.name, self.version


def releases_of(entries: Iterable[Entry]) -> list[Release]:
    """Return all versions of packages."""
    return [
        Release(
            name=package.name,
            version=package.version,
            payload_id=package.payload_id,
            date=package.date,
            summary=_summary(package),
            page=f"{entry.folder}/index.html",
        )
        for entry in entries
        for package in entry.versions
    ]


def _summary(package: PublishedPackage) -> str:
    retracted = f"Retracted: {package.retracted}" if package.retracted is not None else ""
    return "\n".join(each for each in (retracted, package.summary) if each)


def releases_in(feed_xml: bytes, repository: PublishedRepository) -> list[Release]:
    """Return the versions that a feed of the same repository tells of."""
    place = f"{repository.address}/" if repository.address else ""
    found = []
    for each in ElementTree.fromstring(feed_xml).iter(f"{{{_ATOM}}}entry"):
        texts = {child.tag.rpartition("}")[2]: child.text or "" for child in each}
        link = each.find(f"{{{_ATOM}}}link")
        _, _, name, version, payload_id = texts["id"].split(":")
        found.append(
            Release(
                name=unquote(name),
                version=unquote(version),
                payload_id=payload_id,
                date=texts["updated"],
                summary=texts["summary"],
                page="" if link is None else link.attrib["href"].removeprefix(place),
            )
        )
    return found


def files(
    repository: PublishedRepository, releases: Iterable[Release], pages: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, bytes]]:
    """Yield the feed and, where the repository has an address of the web, the sitemap.

    `releases` has the newest versions, and may have others; `pages` the packages' pages with their
    dates.
    """
    yield "feed.xml", feed(repository, releases)
    if web_address(repository.address):
        yield "sitemap.xml", sitemap(repository, pages)


def feed(repository: PublishedRepository, releases: Iterable[Release]) -> bytes:
    """Return an Atom feed of the newest versions."""
    newest = sorted(releases, key=lambda each: each.order, reverse=True)[:_RELEASES]
    top = ElementTree.Element("feed", xmlns=_ATOM)
    place = repository.address or ""
    _text(top, "title", repository.title)
    _text(top, "id", f"{place}/feed.xml" if place else f"urn:nipack:{quote(repository.name)}")
    _text(top, "updated", repository.date or (newest[0].date if newest else "") or _LONG_AGO)
    _text(ElementTree.SubElement(top, "author"), "name", repository.title)
    if place:
        ElementTree.SubElement(top, "link", rel="self", href=f"{place}/feed.xml")
        ElementTree.SubElement(top, "link", href=f"{place}/index.html")
    for each in newest:
        _release(ElementTree.SubElement(top, "entry"), place, each)
    return _xml(top)


def _release(element: ElementTree.Element, place: str, release: Release) -> None:
    page = f"{place}/{release.page}" if place else release.page
    _text(element, "title", f"{release.name} {release.version}")
    key = f"{quote(release.name, safe='')}:{quote(release.version, safe='')}"
    _text(element, "id", f"urn:nipack:{key}:{release.payload_id}")
    _text(element, "updated", release.date or _LONG_AGO)
    ElementTree.SubElement(element, "link", href=page)
    _text(element, "summary", release.summary)


def sitemap(repository: PublishedRepository, pages: Iterable[tuple[str, str]]) -> bytes:
    """Return the addresses of all pages."""
    top = ElementTree.Element("urlset", xmlns=_SITEMAP)
    own = [("index.html", repository.date), ("packages/index.html", repository.date)]
    for path, date in [*own, *pages][:_ADDRESSES]:
        element = ElementTree.SubElement(top, "url")
        _text(element, "loc", f"{repository.address}/{path}")
        if date:
            _text(element, "lastmod", date[:10])
    return _xml(top)


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = visible(text)


def _xml(top: ElementTree.Element) -> bytes:
    return bytes(ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)) + b"\n"
