#!/usr/bin/env python3
"""Report the links within a site that lead nowhere: site_links.py FOLDER.

Looks at each page of HTML below the folder: links, pictures, styles and scripts, and the place
in a page that a link names.  Addresses of other sites are not asked.
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The places that a page has, and the addresses that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag names."""
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.places.add(value or "")
            elif name in ("href", "src") and value:
                self.addresses.append(value)
            elif name == "srcset" and value:
                self.addresses += [each.split()[0] for each in value.split(",") if each.strip()]


@cache
def page(path: Path) -> Page:
    """Return a page, which is read once."""
    return Page(path.read_text("utf-8"))


def faults(site: Path) -> list[str]:
    """Return each link that leads nowhere: the page, the address and why, sorted."""
    found = set()
    # What the theme lays there for itself is no page.
    pages = (path for path in site.rglob("*.html") if "_static" not in path.parts)
    for path in pages:
        for address in page(path).addresses:
            if fault := fault_of(site, path, address):
                found.add(f"{path.relative_to(site).as_posix()}: {address}: {fault}")
    return sorted(found)


def fault_of(site: Path, path: Path, address: str) -> str:
    """Return why an address of a page leads nowhere; empty where it leads somewhere."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    target = path
    if parts.path:
        target = (path.parent / unquote(parts.path)).resolve()
        if not target.is_relative_to(site.resolve()):
            return "it leaves the site"
        if target.is_dir():
            target /= "index.html"
    if not target.is_file():
        return "there is no such file"
    place = unquote(parts.fragment)
    if place and target.suffix == ".html" and place not in page(target).places:
        return "the page has no such place"
    return ""


def main() -> None:
    """Run from the shell."""
    found = faults(Path(sys.argv[1]))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
