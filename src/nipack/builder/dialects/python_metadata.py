"""How Python's packages spell what a definition says: names, versions, core metadata.

Sources: the core metadata specification 2.4 (PEP 639 for licences), PEP 440, PEP 503, PEP 625.
"""

import re
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name
from packaging.version import Version

from nipack.builder.definition.licenses import license_texts
from nipack.builder.definition.model import Definition, Person
from nipack.builder.package import DataPackage

_CLASSIFIERS = (
    "Intended Audience :: Science/Research",
    "Topic :: Scientific/Engineering :: Medical Science Apps.",
)
# The Python package index takes no larger file, unless it is asked for more.
INDEX_LIMIT = 100 * 1024 * 1024
# An index of packages refuses what has this.
_PRIVATE = "Private :: Do Not Upload"


def python_version(package: DataPackage) -> str:
    """Return the version as PEP 440 spells it: 2009.03 is 2009.3."""
    return str(Version(package.version))


def file_stem(package: DataPackage) -> str:
    """Return NAME-VERSION as files are named after it: nipy_templates-0.3."""
    name = canonicalize_name(package.definition.name).replace("-", "_")
    return f"{name}-{python_version(package)}"


def core_metadata(package: DataPackage) -> str:
    """Return METADATA, which is PKG-INFO too."""
    headers = "".join(f"{name}: {value}\n" for name, value in _headers(package))
    return f"{headers}\n{long_description(package)}"


def _headers(package: DataPackage) -> Iterator[tuple[str, str]]:
    definition = package.definition
    yield "Metadata-Version", "2.4"
    yield "Name", definition.name
    yield "Version", python_version(package)
    yield "Summary", summary(definition)
    yield from _people("Author", definition.authors)
    yield from _people("Maintainer", filter(None, [definition.maintainer]))
    if definition.license:
        yield "License-Expression", definition.license
    for path in license_files(definition):
        yield "License-File", path
    yield "Keywords", ",".join(keywords(definition))
    for classifier in classifiers(definition):
        yield "Classifier", classifier
    for requirement in requirements(package):
        yield "Requires-Dist", requirement
    if definition.homepage:
        yield "Project-URL", f"Homepage, {definition.homepage}"
    yield "Description-Content-Type", "text/plain; charset=UTF-8"


def requirements(package: DataPackage) -> Iterator[str]:
    """Yield what is installed with a package: the parts of a whole, what a part needs.

    pip updates one package after the other, what is needed first: a part that has taken files waits
    for the one that had them, which would remove them.
    """
    for part in package.pulls:
        yield f"{part.definition.name}=={python_version(part)}"
    if package.needs and package.needs not in {each.name for each in package.replaces}:
        yield package.needs
    for each in package.replaces:
        yield f"{each.name}>={Version(each.before)}"


def summary(definition: Definition) -> str:
    """Return the one line on the package."""
    return definition.summary or f"neuroimaging data {definition.relpath}"


def keywords(definition: Definition) -> tuple[str, ...]:
    """Return the keywords, each without a comma."""
    return ("neuroimaging", "data", *(each.replace(",", " ") for each in definition.search_terms))


def classifiers(definition: Definition) -> tuple[str, ...]:
    """Return the classifiers; what nobody verified may be passed on is marked as private."""
    return (*_CLASSIFIERS, *(() if definition.redistribution == "verified" else (_PRIVATE,)))


def _people(role: str, people: Iterable[Person]) -> Iterator[tuple[str, str]]:
    """Yield the two fields of a role: names alone, and names with their addresses."""
    names, addresses = [], []
    for person in people:
        if person.email:
            addresses.append(f"{_quoted(person.name)} <{person.email}>")
        else:
            names.append(person.name)
    if names:
        yield role, ", ".join(names)
    if addresses:
        yield f"{role}-email", ", ".join(addresses)


def _quoted(name: str) -> str:
    """Return a name as an address of RFC 5322 has it."""
    if not re.search(r'[()<>\[\]:;@\\,."]', name):
        return name
    escaped = re.sub(r'([\\"])', r"\\\1", name)
    return f'"{escaped}"'


def license_files(definition: Definition) -> dict[str, str]:
    """Return the path and the text of each licence of which the definition has the text."""
    return {f"LICENSES/{name}": text for name, text in license_texts(definition)}


def long_description(package: DataPackage) -> str:
    """Return the text that an index shows, and that README.txt is."""
    definition = package.definition
    where = (
        f"It is data package {definition.relpath} {package.version}, and is installed below\n"
        "share/nipy of an environment, where nibabel.data and nipack find it."
    )
    parts = [
        definition.described(f"{summary(definition)}."),
        where,
        "\n\n".join(["Please cite:", *_references(definition)]) if definition.citation else "",
        f"License: {definition.license or 'not stated'}",
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _references(definition: Definition) -> Iterator[str]:
    for each in definition.citation:
        lines = [*(each.text or "").strip().splitlines(), f"https://doi.org/{each.doi}"]
        yield "\n".join(f"    {line}" for line in lines)
