"""The packages of a repository as its catalogue has them: all versions of a name together."""

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from nipack.publish.records import PublishedPackage, order_of

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+_-]*(\.[A-Za-z0-9+_-]+)*")


@dataclass(frozen=True)
class Entry:
    """A package by its name, with its versions from the newest to the oldest."""

    name: str
    versions: tuple[PublishedPackage, ...]

    @cached_property
    def latest(self) -> PublishedPackage:
        """Return the newest version that is not retracted, or the newest where all are."""
        living = [each for each in self.versions if each.retracted is None]
        return (living or self.versions)[0]

    @property
    def steps(self) -> list[tuple[PublishedPackage, PublishedPackage]]:
        """Return each version with the one before it, the newest first."""
        return list(itertools.pairwise(self.versions))

    @property
    def date(self) -> str:
        """Return when its latest version was published."""
        return self.latest.date

    @property
    def umbrella(self) -> str:
        """Return the code package that the data belongs to."""
        return self.latest.relpath.partition("/")[0]

    @property
    def folder(self) -> str:
        """Return the folder of its pages, a name that is safe in a path and in an address."""
        return f"packages/{folder_name(self.name)}"


def folder_name(name: str) -> str:
    """Return a name as a folder's: as it is, or a digest where a path could be made of it."""
    if _SAFE_NAME.fullmatch(name) and len(name) < 200:
        return name
    return "x-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def entries_of(packages: Iterable[PublishedPackage]) -> list[Entry]:
    """Return the entries of packages, sorted by name."""
    found = defaultdict[str, list[PublishedPackage]](list)
    for package in packages:
        found[package.name].append(package)
    return [Entry(name, _newest_first(found[name])) for name in sorted(found)]


def _newest_first(packages: list[PublishedPackage]) -> tuple[PublishedPackage, ...]:
    return (
        tuple(sorted(packages, key=order_of, reverse=True)) if len(packages) > 1 else (*packages,)
    )
