"""Metadata of a package for machines: Croissant 1.0, which is a schema.org Dataset as well.

Source: the Croissant format specification 1.0, and what dataset search engines ask of a Dataset.
"""

import re
from typing import Any

from nipack.publish.catalogue.entries import Entry
from nipack.publish.catalogue.html import json_lines, path_text, visible, web_address
from nipack.publish.ecosystems import ecosystems
from nipack.publish.records import PublishedArtifact, PublishedPackage, PublishedRepository
from nipack.system.words import counted

NAME = "croissant.json"
# Search engines read no more of a description, and none that is shorter than fifty characters.
_LONGEST = 5000
_MOST_FILES = 5000
_LICENCE = re.compile(r"(?!LicenseRef-)[A-Za-z0-9.+-]+")

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_CONTENTS = {
    ".nii.gz": "application/gzip",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".tsv": "text/tab-separated-values",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".ini": "text/plain",
    ".gii": "application/xml",
}
_UNKNOWN = "application/octet-stream"


def document(repository: PublishedRepository, entry: Entry, *, files: bool) -> dict[str, Any]:
    """Return the metadata of a package's latest version, with the files in it or without."""
    package = entry.latest
    page = f"{entry.folder}/index.html"
    optional = {
        "creator": [{"@type": "Person", "name": visible(name)} for name in package.authors],
        "keywords": [visible(word) for word in _search_terms(package)],
        "sameAs": web_address(package.homepage),
        "datePublished": package.date[:10],
        "citeAs": "\n".join(visible(str(each.get("text") or "")) for each in package.citation),
        "license": _licence(package),
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": visible(entry.name),
        "description": _description(package),
        "url": _address(repository, page),
        "version": package.version,
        "identifier": f"sha256:{package.payload_id}",
        "isAccessibleForFree": True,
        "includedInDataCatalog": {
            "@type": "DataCatalog",
            "name": visible(repository.title),
            "url": _address(repository, "index.html"),
        },
        **{name: value for name, value in optional.items() if value},
        "distribution": _distribution(repository, package, files=files),
    }


def _search_terms(package: PublishedPackage) -> tuple[str, ...]:
    return (*package.keywords, *package.species, *package.space, *package.resolution)


def content(repository: PublishedRepository, entry: Entry) -> bytes:
    """Return the whole metadata as the file that the page names."""
    return f"{json_lines(document(repository, entry, files=True))}\n".encode()


def _address(repository: PublishedRepository, path: str) -> str:
    return f"{repository.address}/{path}" if repository.address else path


def _description(package: PublishedPackage) -> str:
    facts = (
        f"Version {package.version} of a data package for neuroimaging, {package.relpath}: "
        f"{counted(len(package.files), 'file')}, {package.size} bytes."
    )
    parts = (package.summary, package.description, facts)
    return visible("\n\n".join(part for part in parts if part))[:_LONGEST]


def _licence(package: PublishedPackage) -> str:
    if package.license and _LICENCE.fullmatch(package.license):
        return f"https://spdx.org/licenses/{package.license}"
    return visible(package.license or "")


def _distribution(
    repository: PublishedRepository, package: PublishedPackage, *, files: bool
) -> list[dict[str, Any]]:
    """Return the artifacts, and the files of the payload as parts of the first of them."""
    found = [
        _artifact(repository, number, each) for number, each in enumerate(package.artifacts, 1)
    ]
    if files and found:
        found += [
            {
                "@type": "cr:FileObject",
                # Croissant takes no space in it, and paths may have some.
                "@id": f"payload/{number}",
                "name": visible(each.path),
                "containedIn": {"@id": found[0]["@id"]},
                "contentUrl": visible(each.path),
                "contentSize": f"{each.size} B",
                "encodingFormat": _kind(each.path),
                "sha256": each.sha256,
            }
            for number, each in enumerate(package.files[:_MOST_FILES], 1)
        ]
    return found


def _artifact(
    repository: PublishedRepository, number: int, artifact: PublishedArtifact
) -> dict[str, Any]:
    ecosystem = ecosystems().get(artifact.ecosystem)
    return {
        "@type": "cr:FileObject",
        "@id": f"artifact/{number}",
        "name": visible(artifact.file_name),
        "contentUrl": _address(repository, path_text(artifact.path)),
        "contentSize": f"{artifact.size} B",
        "encodingFormat": ecosystem.media_type if ecosystem else _UNKNOWN,
        "sha256": artifact.sha256,
    }


def _kind(path: str) -> str:
    return next((kind for suffix, kind in _CONTENTS.items() if path.endswith(suffix)), _UNKNOWN)
