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
)
# What LaTeX would take for its own, by how it is written there.
_LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "{": "",
        "}": "",
    }
)
_TYPES = {"article-journal": "article", "journal-article": "article", "book": "book"}


def citations(packages: Iterable[InstalledPackage]) -> Iterator[str]:
    """Yield what to cite for each package that is visible; what has no citation is said so."""
    for package in packages:
        if not package.visible:
            continue
        title = f"{package.relpath} {package.version}"
        blocks = [_citation(each) for each in package.citation]
        yield "\n".join([f"{title}:", *(blocks or ["  its package does not say what to cite"])])


def _citation(citation: Mapping[str, Any]) -> str:
    lines = str(citation.get("text") or "").splitlines()
    if citation.get("doi"):
        lines.append(f"https://doi.org/{citation['doi']}")
    metadata = citation.get("metadata")
    if isinstance(metadata, dict):
        lines += bibtex({"DOI": citation.get("doi"), **metadata}).splitlines()
    # A terminal would take the rest for commands.
    shown = ("".join(filter(str.isprintable, line)) for line in lines)
    return "\n".join(f"  {line}" for line in shown)


def bibtex(metadata: Mapping[str, Any]) -> str:
    """Return the BibTeX entry of a work, from its metadata in CSL-JSON."""
    year = _year(metadata)
    people = _people(metadata.get("author"))
    fields = {"author": " and ".join(map(_name, people))}
    fields |= {theirs: _latex(_text(metadata.get(ours))) for ours, theirs in _FIELDS}
    # Styles print it as it is, as part of an address.
    fields["doi"] = re.sub("[{}]", "", _text(metadata.get("DOI")))
    fields["year"] = year
    someone = people[0] if people else {}
    first = re.sub(r"\W", "", str(someone.get("family") or someone.get("literal") or "data"))
    kind = _TYPES.get(str(metadata.get("type")), "misc")
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{first.lower()}{year},", *lines, "}"])


def _people(authors: object) -> list[dict[str, Any]]:
    return [each for each in authors if isinstance(each, dict)] if isinstance(authors, list) else []


def _name(person: Mapping[str, object]) -> str:
    if "literal" in person:
        return f"{{{_latex(str(person['literal']))}}}"
    family = (person.get(part) for part in ("non-dropping-particle", "family"))
    parts = (" ".join(str(each) for each in family if each), person.get("given"))
    return ", ".join(_latex(str(part)) for part in parts if part)


def _year(metadata: Mapping[str, Any]) -> str:
    try:
        return str(metadata["issued"]["date-parts"][0][0])
    except (KeyError, IndexError, TypeError):
        return ""


def _text(value: object) -> str:
    # Some sources give a list of one.
    return str(value[0] if isinstance(value, list) and value else value or "")


def _latex(text: str) -> str:
    return text.translate(_LATEX)
