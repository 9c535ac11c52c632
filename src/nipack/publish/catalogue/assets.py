"""The style and the program of every page, as files of the catalogue's own."""

from collections.abc import Iterator
from functools import cache
from importlib import resources

ASSETS = ("style.css", "theme.js", "catalogue.js", "icon.svg")
VIEWER = "viewer.js"
FOLDER = "catalogue"


def files(*, viewer: bool = False) -> Iterator[tuple[str, bytes]]:
    """Yield the files that every page asks for; with `viewer`, what lets a page show a volume."""
    for name in (*ASSETS, VIEWER) if viewer else ASSETS:
        yield f"{FOLDER}/{name}", _read(name)


@cache
def _read(name: str) -> bytes:
    return resources.files("nipack.publish.catalogue").joinpath("assets", name).read_bytes()
