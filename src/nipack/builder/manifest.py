"""What is installed of a data package: payload, ini file, manifest and metadata."""

from dataclasses import asdict, replace
from typing import Any

from nipack import __version__, layout
from nipack.builder.archive.installed import (
    FILE_MODE,
    Installed,
    InstalledFile,
    InstalledLink,
    Role,
    Tree,
    sorted_tree,
    text_file,
)
from nipack.builder.definition.model import Citation
from nipack.builder.json_text import json_text
from nipack.builder.package import DataFile, DataLink, DataPackage


def installed_tree(package: DataPackage, prefix: str | None, *, data_mode: int = FILE_MODE) -> Tree:
    """Return everything that is installed in every format, for a prefix, sorted by path.

    Where no prefix is known, the ini's path is relative to the one that it is installed into.  The
    payload's files have `data_mode`.
    """
    definition = package.definition
    root = layout.payload_directory(definition.relpath)
    directory = str(package.directory)
    tree: list[Installed] = [_payload_link(link, root) for link in package.links]
    tree += [_payload_file(file, root, directory, data_mode) for file in package.files]
    if package.has_ini:
        ini = layout.ini_path(package.whole)
        tree.append(text_file(ini, layout.ini_text(prefix), Role.CONFIGURATION))
    tree += [
        text_file(layout.manifest_path(definition.name), package.manifest),
        text_file(layout.metadata_path(definition.name), metadata_text(package)),
    ]
    return sorted_tree(tree)


def system_tree(package: DataPackage) -> Tree:
    """Return everything that is installed where the prefix is /usr, with paths from / itself."""
    tree = installed_tree(package, "/usr")
    return sorted_tree(replace(each, path=path_from_root(each.path)) for each in tree)


def path_from_root(path: str) -> str:
    """Return a path from /, without the slash, in place of that from /usr."""
    return layout.in_file_system(path).lstrip("/")


def _payload_file(file: DataFile, root: str, directory: str, mode: int) -> InstalledFile:
    return InstalledFile(
        path=f"{root}/{file.path}",
        size=file.size,
        digests=file.digests,
        content=directory if file.content is None else file.content,
        below=file.path if file.content is None else None,
        role=Role.PAYLOAD,
        mode=mode,
    )


def _payload_link(link: DataLink, root: str) -> InstalledLink:
    leads_to = f"{root}/{link.leads_to}" if link.leads_to is not None else None
    return InstalledLink(path=f"{root}/{link.path}", target=link.target, leads_to=leads_to)


def metadata_text(package: DataPackage) -> str:
    """Return package.json: what the data is, from where, and under which licence."""
    definition, files = package.definition, package.recorded_files
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
        "payload_id": package.payload_id,
        "made_by": f"nipack {__version__}",
        "size": sum(file.size for file in files),
        # So that a truncated file is known without reading it.
        "files": {file.path: file.size for file in files},
    }
    if package.part_of:
        metadata["part_of"] = package.part_of
    if package.pulls:
        metadata["parts"] = {
            part.definition.name: {"version": part.version, "payload_id": part.payload_id}
            for part in package.pulls
        }
    searched = {
        "description": definition.description,
        "keywords": list(definition.keywords),
        "species": list(definition.species),
        "space": list(definition.space),
        "resolution": list(definition.resolution),
    }
    metadata |= {name: value for name, value in searched.items() if value}
    if package.parts:
        metadata["sources"] = [asdict(part.record) for part in package.parts]
    if definition.views:
        metadata["views"] = [view.document() for view in definition.views]
    return f"{json_text(metadata)}\n"


def _citation(citation: Citation) -> dict[str, Any]:
    return {name: value for name, value in asdict(citation).items() if value is not None}
