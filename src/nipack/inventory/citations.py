"""What to cite for installed data: as text, and as BibTeX where the DOI's metadata is there."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .installed import InstalledPackage

# CSL-JSON's names, in which DOIs have their metadata, and BibTeX's.
_FIELDS = (
    ("title", "title"),
    ("container-title", "journal"),
    ("volume", "volume"),
    ("issue", "number"),
    ("page", "pages"),
    ("publisher", "publisher"),
    ("DOI", "doi"),
)
_TYPES = {"article-journal": "article", "journal-article": "article", "book": "book"}


def citations(packages: Iterable[InstalledPackage]) -> Iterator[str]:
    """Yield what to cite for each package that is visible; what has no citation is said so."""
    for package in packages:
        if not package.visible:
            continue
        title = f"{package.relpath} {package.version}"
        blocks = [_citation(each) for each in package.citation]
        yield "\n".join([f"{title}:", *(blocks or ["  its package names nothing to cite"])])


def _citation(citation: Mapping[str, Any]) -> str:
    lines = [citation["text"]] if citation.get("text") else []
    if citation.get("doi"):
        lines.append(f"https://doi.org/{citation['doi']}")
    metadata = citation.get("metadata")
    if isinstance(metadata, dict):
        lines += bibtex({"DOI": citation.get("doi"), **metadata}).splitlines()
    return "\n".join(f"  {line}" for line in lines)


def bibtex(metadata: Mapping[str, Any]) -> str:
    """Return the BibTeX entry of a work, from its metadata in CSL-JSON."""
    year = _year(metadata)
    fields = {"author": " and ".join(map(_name, metadata.get("author", ())))}
    fields |= {theirs: _braced(metadata.get(ours)) for ours, theirs in _FIELDS}
    fields["year"] = year
    people = metadata.get("author") or [{}]
    first = re.sub(r"\W", "", str(people[0].get("family") or people[0].get("literal") or "data"))
    kind = _TYPES.get(str(metadata.get("type")), "misc")
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{first.lower()}{year},", *lines, "}"])


def _name(person: Mapping[str, str]) -> str:
    if "literal" in person:
        return f"{{{person['literal']}}}"
    return ", ".join(filter(None, (person.get("family"), person.get("given"))))


def _year(metadata: Mapping[str, Any]) -> str:
    try:
        return str(metadata["issued"]["date-parts"][0][0])
    except (KeyError, IndexError, TypeError):
        return ""


def _braced(value: object) -> str:
    # Some sources give a list of one.
    text = value[0] if isinstance(value, list) and value else value or ""
    return str(text).replace("{", "").replace("}", "").replace("&", r"\&").replace("%", r"\%")
