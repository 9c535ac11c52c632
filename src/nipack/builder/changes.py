"""What changed in the data from one version to the next."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nipack.builder.package import DataPackage

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The paths, relative to the data directory, that differ between two versions, sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    dropped: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the changes as people read them in a changelog."""
        kinds = {"added": self.added, "changed": self.changed, "dropped": self.dropped}
        lines = [f"{word}: {_listed(paths)}" for word, paths in kinds.items() if paths]
        return lines or ["the data is the same"]


def compare(package: DataPackage, previous: DataPackage) -> Changes:
    """Compare two versions of a data package, by digests and link targets.

    `config.ini` always differs, by the version in it, and is left out.
    """
    new, old = _contents(package), _contents(previous)
    return Changes(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(path for path in new.keys() & old.keys() if new[path] != old[path])),
        dropped=tuple(sorted(old.keys() - new.keys())),
    )


def _contents(package: DataPackage) -> dict[str, str]:
    files = {file.path: file.sha256 for file in package.files if file.path != "config.ini"}
    return files | {link.path: f"-> {link.target}" for link in package.links}


def _listed(paths: Iterable[str]) -> str:
    every = list(paths)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(map(_shown, every[:_SHOWN])) + more


def _shown(path: str) -> str:
    """Return a path as a changelog tells of it, as `ls -q` does: SHA256SUMS has it to the letter.

    A name may be made to look like a section of a spec or like a bug that an entry closes.
    """
    return re.sub(r"[^\w ./+,=@()~-]", "?", path)


def new_links(package: DataPackage, previous: DataPackage) -> list[tuple[str, str]]:
    """Return (path, target) of every folder of the previous version that is a link now."""
    folders = directories(previous)
    return [(link.path, link.target) for link in package.links if link.path in folders]


def new_directories(package: DataPackage, previous: DataPackage) -> list[tuple[str, str]]:
    """Return (path, old target) of every link of the previous version that is a folder now."""
    folders = directories(package)
    return [(link.path, link.target) for link in previous.links if link.path in folders]


def directories(package: DataPackage) -> set[str]:
    """Return every folder below the data directory."""
    return {path[:i] for path in package.paths for i, letter in enumerate(path) if letter == "/"}
