"""The newest release at a source's address: found where debian/watch looks, as uscan(1) does.

A page is fetched as every source is: by https alone, within the limits, and from the cache where it
has not changed.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

from packaging.version import InvalidVersion, Version

from nipack.builder.definition.sources import Source, Sources
from nipack.builder.dialects.watch import Watch, version_in, watch_of
from nipack.builder.source.tree import fetch_source
from nipack.system.errors import SourceError
from nipack.system.foreign import read_text
from nipack.system.progress import SilentReporter

# What uscan has for these names.
_MACROS = {
    "@ANY_VERSION@": r"[vV]?([0-9][0-9A-Za-z.+~_-]*?)",
    "@ARCHIVE_EXT@": r"\.(?:tar\.(?:gz|xz|bz2)|tgz|txz|tbz2?|zip)",
}
_MOST_LINKS = 100_000
_BY_HAND = "look for a newer release yourself, and write its version and address into package.yaml"
_LONGEST = 100

Read = Callable[[str], str]
"""Returns the text of a page; raises SourceError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version, and the address of its source."""

    version: str
    address: str


def newest_release(source: Source | Sources, version: str, read: Read | None = None) -> Release:
    """Return the newest release of a source whose version is this one; it may be the same.

    Of several files, the first whose address has the version in it is asked for.  Pre-releases
    count only where this version is one.  Raises SourceError where no server can be asked, or its
    page has no release.
    """
    addresses = list(_addresses(source))
    for address in addresses:
        watch = watch_of(address, version)
        if watch is not None:
            return _newest(watch, address, version, read or read_page)
    place = source.place if isinstance(source, Source) else None
    where = f"{place}: " if place else ""
    if not addresses:
        raise SourceError(
            f"{where}the source is a path of this machine, so there is nowhere "
            "to look for a newer release"
        )
    raise SourceError(f"{where}{addresses[0]}: has no version {version} in it; {_BY_HAND}")


def address_of(address: str, version: str, newer: str) -> str:
    """Return an address with another version in the place of this one."""
    return version_in(version).sub(newer, address)


def read_page(address: str) -> str:
    """Return a page as text; raises SourceError."""
    path, _ = fetch_source(Source(address=address), SilentReporter())
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{address}: it is not a page of text: {error}") from error


def _addresses(source: Source | Sources) -> Iterator[str]:
    if isinstance(source, Source):
        named = [source]
    else:
        named = [
            *(each.source for each in source.archives),
            *(file.source for file in source.files),
        ]
    yield from (each.address for each in named if each.address.startswith("https://"))


def _newest(watch: Watch, address: str, version: str, read: Read) -> Release:
    page = _folder(watch.page, version, read)
    text = read(page)
    pattern = _expanded(watch.pattern)
    if watch.is_text:
        found = {match[0]: match[1] for match in re.finditer(pattern, text)}
    else:
        wanted = re.compile(pattern if pattern.startswith(".*") else re.escape(page) + pattern)
        found = _matching(_links(page, text), wanted)
    newest = _highest(found, version)
    if newest is None:
        raise SourceError(f"{page}: lists no release like {address.rpartition('/')[2]}; {_BY_HAND}")
    return Release(version=found[newest], address=newest)


def _folder(page: str, version: str, read: Read) -> str:
    """Return a page's address with its newest folder in the place of each pattern."""
    done, waiting = "", page.rstrip("/").split("/")
    for part in waiting:
        if "@ANY_VERSION@" not in part:
            done += f"{part}/"
            continue
        wanted = re.compile(f"{re.escape(done)}{_expanded(part)}/?")
        found = _matching(_links(done, read(done)), wanted)
        newest = _highest(found, version)
        if newest is None:
            raise SourceError(f"{done}: lists no folder of a release; {_BY_HAND}")
        done = newest.rstrip("/") + "/"
    return done if page.endswith("/") else done.rstrip("/")


def _expanded(pattern: str) -> str:
    for name, meaning in _MACROS.items():
        pattern = pattern.replace(name, meaning)
    return pattern


def _matching(links: Iterator[str], wanted: re.Pattern[str]) -> dict[str, str]:
    """Return the version in each link that is wanted."""
    matches = ((link, wanted.fullmatch(link)) for link in links)
    return {link: match[1] for link, match in matches if match}


def _highest(found: dict[str, str], version: str) -> str | None:
    """Return the key of the highest version, as PEP 440 orders them."""
    versions = {key: _read_version(text) for key, text in found.items()}
    with_pre = Version(version).is_prerelease
    known = {
        key: each
        for key, each in versions.items()
        if each is not None and (with_pre or not each.is_prerelease)
    }
    return max(known, key=lambda key: known[key], default=None)


def _read_version(text: str) -> Version | None:
    try:
        return Version(text) if len(text) <= _LONGEST else None
    except InvalidVersion:
        return None


def _links(page: str, text: str) -> Iterator[str]:
    """Yield the addresses that a page links to."""
    parser = _Links()
    with suppress(AssertionError):  # of Python's parser, where a declaration is none
        parser.feed(text)
    for link in parser.found:
        try:
            yield urljoin(page, link).partition("#")[0]
        except ValueError:  # such as https://[
            continue


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where an anchor leads."""
        if tag == "a" and len(self.found) < _MOST_LINKS:
            self.found += [value for name, value in attrs if name == "href" and value]
