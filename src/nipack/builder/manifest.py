"""What is installed of a data package: payload, ini file, manifest and metadata."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nipack import layout
from nipack.builder.archive.installed import (
    Installed,
    InstalledFile,
    InstalledLink,
    sorted_tree,
    text_file,
)
from nipack.builder.definition.model import Citation
from nipack.builder.package import DataFile, DataLink, DataPackage


def installed_tree(package: DataPackage, prefix: str | None) -> tuple[Installed, ...]:
    """Return everything that is installed in every format, for a prefix, sorted by path.

    Where no prefix is known there is no ini: its data root is searched all the same.
    """
    definition = package.definition
    root = layout.payload_directory(definition.relpath)
    manifest = manifest_text(package)
    tree: list[Installed] = [_payload_link(link, root) for link in package.links]
    tree += [_payload_file(file, root, package.directory) for file in package.files]
    if prefix is not None:
        tree.append(text_file(layout.ini_path(definition.name), layout.ini_text(prefix)))
    tree += [
        text_file(layout.manifest_path(definition.name), manifest),
        text_file(layout.metadata_path(definition.name), metadata_text(package)),
    ]
    return sorted_tree(tree)


def _payload_file(file: DataFile, root: str, directory: Path) -> InstalledFile:
    return InstalledFile(
        path=f"{root}/{file.path}",
        size=file.size,
        sha256=file.sha256,
        md5=file.md5,
        content=directory / file.path if file.content is None else file.content,
    )


def _payload_link(link: DataLink, root: str) -> InstalledLink:
    leads_to = f"{root}/{link.leads_to}" if link.leads_to is not None else None
    return InstalledLink(path=f"{root}/{link.path}", target=link.target, leads_to=leads_to)


def manifest_text(package: DataPackage) -> str:
    """Return the payload's SHA256SUMS, in GNU coreutils' format, with paths from the prefix.

    Links stand in comments, which `sha256sum -c` passes over, so that the payload id covers them.
    """
    root = layout.payload_directory(package.definition.relpath)
    files = [(f"{root}/{file.path}", file.sha256) for file in package.files]
    links = [(f"{root}/{link.path}", link.target) for link in package.links]
    return manifest_of(files, links)


def manifest_of(files: Iterable[tuple[str, str]], links: Iterable[tuple[str, str]]) -> str:
    """Return a manifest of (path, sha256) and (path, target) pairs, each in order of the paths."""

    def in_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return sorted(pairs, key=lambda pair: os.fsencode(pair[0]))

    lines = [f"{digest}  {path}\n" for path, digest in in_order(files)]
    lines += [f"# symlink {path} -> {target}\n" for path, target in in_order(links)]
    return "".join(lines)


def payload_id(package: DataPackage) -> str:
    """Return the sha256 of the manifest: what names a payload in every format, on every machine."""
    return hashlib.sha256(manifest_text(package).encode("utf-8")).hexdigest()


def metadata_text(package: DataPackage) -> str:
    """Return package.json: what the data is, from where, and under which licence."""
    definition = package.definition
    metadata: dict[str, Any] = {
        "name": definition.name,
        "relpath": definition.relpath,
        "version": package.version,
        "summary": definition.summary,
        "homepage": definition.homepage,
        "license": definition.license,
        "redistribution": definition.redistribution,
        "requires_nonfree": list(definition.requires_nonfree),
        "authors": [str(person) for person in definition.authors],
        "citation": [_citation(each) for each in definition.citation],
        "source": asdict(package.source) if package.source else None,
        "payload_id": payload_id(package),
        "size": package.size,
        # So that a truncated file is known without reading it.
        "files": {file.path: file.size for file in package.files},
    }
    return json.dumps(metadata, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _citation(citation: Citation) -> dict[str, Any]:
    return {name: value for name, value in asdict(citation).items() if value is not None}
