"""The page of one package: its versions, files, licence and words for a paper."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nipack.difference.words import Section, sections, verdict
from nipack.inventory.citations import bibtex
from nipack.publish.catalogue import croissant, viewer
from nipack.publish.catalogue.changes import MOST_BYTES, Changes
from nipack.publish.catalogue.commands import ways
from nipack.publish.catalogue.entries import Entry
from nipack.publish.catalogue.front import hue
from nipack.publish.catalogue.html import fill, json_block, size_text, web_address
from nipack.publish.catalogue.licences import plain_words
from nipack.publish.catalogue.previews import Facts
from nipack.publish.catalogue.snippets import snippets
from nipack.publish.records import PublishedPackage, PublishedRepository

# More than this makes a page slow; the rest is in the metadata for machines.
FILES = 1000
_DOI = re.compile(r"10\.[0-9.]+/\S+")


@dataclass(frozen=True, slots=True)
class Work:
    """Something to cite: its text, the address of its DOI or empty, and its BibTeX."""

    text: str
    address: str
    bibtex: str


@dataclass(frozen=True, slots=True)
class Release:
    """A version, and what changed in it since the one before; None where it is the first."""

    package: PublishedPackage
    changes: Changes | None

    @property
    def verdict(self) -> str:
        """Return whether results of an analysis stay as they are."""
        return verdict(self.changes.difference) if self.changes else ""

    @property
    def count(self) -> str:
        """Return how many files changed: `2 changed, 1 added`."""
        found = self.changes.difference if self.changes else None
        words = ("changed", "added", "removed", "moved") if found else ()
        counts = [(len(getattr(found, word)), word) for word in words]
        return ", ".join(f"{number} {word}" for number, word in counts if number)

    @property
    def sections(self) -> tuple[Section, ...]:
        """Return what changed, of each kind."""
        return sections(self.changes.difference, size_text) if self.changes else ()

    @property
    def note(self) -> str:
        """Return what was not compared by voxel, and why; empty where all was."""
        if self.changes is None or not self.changes.unread:
            return ""
        count, large = len(self.changes.unread), len(self.changes.too_large)
        if large:
            limit = f"at most {size_text(MOST_BYTES)} of images is compared by voxel"
            return f"{_images(count)} compared by digest alone: {limit}."
        why = "the data of both versions, or a library that reads it, was not at hand"
        reason = "" if self.changes.answer else f": {why} when this version was published"
        return f"{_images(count)} compared by digest alone{reason}."


def _images(count: int) -> str:
    return "1 image was" if count == 1 else f"{count} images were"


def page(
    repository: PublishedRepository, entry: Entry, facts: Facts, releases: Sequence[Release]
) -> bytes:
    """Return the page of a package; the facts are those of its latest version's payload."""
    latest = entry.latest
    served = {each.ecosystem for each in latest.artifacts}
    values = {
        "repository": repository,
        "entry": entry,
        "package": latest,
        "hue": hue(entry.name),
        "ways": ways(repository, entry.name, served),
        "metadata": json_block(croissant.document(repository, entry, files=False)),
        "snippets": snippets(latest),
        "images": facts.get("images", []),
        "volumes": facts.get("volumes", {}),
        "viewer": viewer.program_path(repository.viewer),
        "viewer_licence": viewer.licence_path(repository.viewer),
        "tables": facts.get("tables", []),
        "texts": facts.get("texts", []),
        "files": latest.files[:FILES],
        "more": max(0, len(latest.files) - FILES),
        "releases": releases,
        "plain_words": plain_words(latest.license),
        "works": works(repository, entry),
        "homepage": web_address(latest.homepage),
        "top": "../../",
    }
    return fill("package.html.j2", values)


def works(repository: PublishedRepository, entry: Entry) -> list[Work]:
    """Return what to cite: what the package names, else the package itself."""
    package = entry.latest
    named = [_work(each, package) for each in package.citation]
    return [each for each in named if each.text or each.address] or [_itself(repository, package)]


def _work(citation: Mapping[str, Any], package: PublishedPackage) -> Work:
    doi = str(citation.get("doi") or "").strip()
    address = f"https://doi.org/{doi}" if _DOI.fullmatch(doi) else ""
    metadata = citation.get("metadata")
    text = str(citation.get("text") or "").strip()
    known = metadata if isinstance(metadata, Mapping) else {"title": text or package.summary}
    return Work(text or (doi if address else ""), address, bibtex({"DOI": doi, **known}))


def _itself(repository: PublishedRepository, package: PublishedPackage) -> Work:
    authors = ", ".join(package.authors)
    year = package.date[:4]
    who = f"{authors} ({year}). " if authors and year else f"{authors}. " if authors else ""
    title = package.summary or package.name
    text = f"{who}{title} ({package.name} {package.version}) [Data set]. {repository.title}."
    metadata: dict[str, Any] = {
        "title": f"{title} ({package.name} {package.version})",
        "author": [{"literal": author} for author in package.authors],
        "publisher": repository.title,
    }
    if year.isdigit():
        metadata["issued"] = {"date-parts": [[int(year)]]}
    return Work(text, "", bibtex(metadata))
