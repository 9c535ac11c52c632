"""What a user types to install a package, as each ecosystem says it."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from nipack.publish.ecosystems import ecosystems
from nipack.publish.records import PublishedRepository

UNKNOWN_ADDRESS = "https://ADDRESS"
"""What stands in the place of an address that nobody has stated; the page puts its own there."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one ecosystem installs a package: its name, what people call it, and the lines."""

    ecosystem: str
    title: str
    lines: tuple[str, ...]


def ways(repository: PublishedRepository, package: str, served: Collection[str]) -> list[Way]:
    """Return how a package is installed, for each of some ecosystems."""
    stated = replace(repository, address=repository.address or UNKNOWN_ADDRESS)
    found = [
        Way(name, each.title, each.lines(stated, package))
        for name, each in ecosystems().items()
        if name in served
    ]
    return [each for each in found if each.lines]
