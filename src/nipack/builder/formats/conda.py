"""The .conda package: a stored zip of two zstd tars (conda package format 2).

Sources: "Conda package specification" of the conda-build documentation, and CEP 34.
"""

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from nipack import layout
from nipack.builder.archive.compression import ZSTD_THREADS, zstd_reader, zstd_writer
from nipack.builder.archive.installed import (
    Installed,
    InstalledFile,
    InstalledLink,
    Role,
    Tree,
    sorted_tree,
    text_file,
)
from nipack.builder.archive.members import Content, write_tar
from nipack.builder.archive.packed import NOTHING, PackedTar, ReadBack
from nipack.builder.archive.sampling import tuning_for
from nipack.builder.archive.zipped import known_member
from nipack.builder.archive.zips import zip_writer
from nipack.builder.definition.licenses import license_texts
from nipack.builder.definition.model import Definition
from nipack.builder.dialects import conda
from nipack.builder.formats import Format
from nipack.builder.json_text import json_bytes
from nipack.builder.manifest import installed_tree
from nipack.builder.package import DataPackage
from nipack.system.errors import ArtifactError
from nipack.system.progress import Advance

# What conda took for the placeholder before has_prefix could name one: every client knows it.
# It never stands in one piece in a file of nipack: conda-build would have conda replace it there.
PREFIX_PLACEHOLDER = "/opt/" + "".join(f"anaconda{number}" for number in (1, 2, 3))
# How much of the payload id is in a build string, as conda-build's hash is.
_PAYLOAD_DIGITS = 7
# The one way in which formats differ: in a .deb and an .rpm data has 0644, as only root can write
# there. conda-build gives every file 0664, rattler-build 0644, whatever a recipe's script has set.
DATA_MODE = 0o444
_TAR = PackedTar(reader=zstd_reader, base="", directories=False)


class CondaFormat(Format):
    """noarch: generic, so one package serves every platform and no Python is needed."""

    name = "conda"
    ending = ".conda"
    default = True
    holds_links = True
    holds_parts = True

    def file_name(self, package: DataPackage) -> str:
        """Return NAME-VERSION-BUILD.conda."""
        return f"{_stem(package)}{self.ending}"

    def edition_pattern(self, package: DataPackage) -> str:
        """Return the names with any part of a payload id."""
        definition = package.definition
        return f"{definition.name}-{package.version}-h*_{definition.revision}{self.ending}"

    def payload_root(self, package: DataPackage) -> str:
        """Return its folder from the prefix."""
        return layout.payload_directory(package.definition.relpath)

    def tree(self, package: DataPackage) -> Tree:
        """Return the installed tree, the placeholder standing for the prefix.

        The prefix is its user's own, and hard-linked with the package cache and every other prefix:
        data is read-only, for some libraries write into the files that they find.
        """
        return installed_tree(package, PREFIX_PLACEHOLDER, data_mode=DATA_MODE)

    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the package in one pass; `info` comes last, as readers of streams want it."""
        tuning = tuning_for(tree)
        with zip_writer(output, package.time) as archive:
            with archive.member("metadata.json") as member:
                member.write(json_bytes({"conda_pkg_format_version": 2}))

            def write(part: str, content: Tree, threads: int) -> None:
                name = f"{part}-{_stem(package)}.tar.zst"
                with (
                    archive.member(name, is_large=True) as member,
                    _TAR.read_back(output),
                    zstd_writer(cast("IO[bytes]", member), tuning, threads=threads) as stream,
                ):
                    write_tar(stream, content, time=package.time, advance=advance)

            write("pkg", tree, ZSTD_THREADS)
            # The tables of many files are large, and so is what each thread has.
            write("info", _info(package, tree), 1)

    def contents(
        self,
        artifact: Path,
        advance: Advance,
        found: ReadBack = NOTHING,
        algorithm: str = "sha256",
    ) -> Iterator[Content]:
        """Yield what is in the part that is installed."""
        with zipfile.ZipFile(artifact) as archive:
            parts = [name for name in archive.namelist() if name.startswith("pkg-")]
            if parts != [f"pkg-{artifact_stem(archive)}.tar.zst"]:
                raise ArtifactError(f"{artifact.name}: parts {parts}; report this bug")
            known = known_member(artifact, archive.getinfo(parts[0]), found)
            if known is not None:
                yield from known
                return
            with archive.open(parts[0]) as member:
                yield from _TAR.contents(member, advance, algorithm)


def artifact_stem(archive: zipfile.ZipFile) -> str:
    """Return NAME-VERSION-BUILD as the info part's name has it."""
    names = [re.fullmatch(r"info-(.+)\.tar\.zst", name) for name in archive.namelist()]
    return next((match[1] for match in names if match), "")


def _stem(package: DataPackage) -> str:
    return f"{package.definition.name}-{package.version}-{_build_string(package)}"


def _build_string(package: DataPackage) -> str:
    """Return h, some of the payload id, and the revision: conda keeps packages by file name."""
    return f"h{package.payload_id[:_PAYLOAD_DIGITS]}_{package.definition.revision}"


def _pin(part: DataPackage) -> str:
    """Return the specification that just one payload of a part meets."""
    return f"{part.definition.name} {part.version} {_build_string(part)}"


def _info(package: DataPackage, tree: Tree) -> Tree:
    definition = package.definition
    sorted_by_path = _by_path(tree)
    configuration = (each.path for each in tree if each.role is Role.CONFIGURATION)
    files = {
        "index.json": json_bytes(_index(package)),
        "about.json": json_bytes(_about(definition)),
        "paths.json": json_bytes({"paths": _paths(sorted_by_path), "paths_version": 1}),
        "link.json": json_bytes({"noarch": {"type": "generic"}, "package_metadata_version": 1}),
        "files": "".join(f"{each.path}\n" for each in sorted_by_path).encode(),
        "has_prefix": "".join(
            f"{PREFIX_PLACEHOLDER} text {path}\n" for path in configuration
        ).encode(),
        **{f"licenses/{name}": text.encode() for name, text in license_texts(definition)},
    }
    if definition.text:
        files["recipe/package.yaml"] = definition.text
    return sorted_tree(text_file(f"info/{name}", content) for name, content in files.items())


def _index(package: DataPackage) -> dict[str, Any]:
    definition = package.definition
    index = {
        "arch": None,
        "build": _build_string(package),
        "build_number": definition.revision,
        "constrains": conda.constrains(package),
        "depends": [*conda.depends(package), *map(_pin, package.pulls)],
        "name": definition.name,
        "noarch": "generic",
        "platform": None,
        "subdir": "noarch",
        "timestamp": package.time * 1000,  # milliseconds
        "version": package.version,
    }
    return index | ({"license": definition.license} if definition.license else {})


def _about(definition: Definition) -> dict[str, Any]:
    texts = [f"licenses/{name}" for name, _ in license_texts(definition)]
    about = {
        "home": definition.homepage,
        "license": definition.license,
        "license_file": texts,
        "summary": definition.summary,
        "description": definition.described(),
        "keywords": list(definition.search_terms),
        "extra": {
            "citation": [each.doi for each in definition.citation],
            "redistribution": definition.redistribution,
        },
    }
    return {key: value for key, value in about.items() if value}


def _paths(tree: Tree) -> Iterator[dict[str, Any]]:
    led_to = {each.leads_to for each in tree if isinstance(each, InstalledLink)}
    found = (each for each in tree if isinstance(each, InstalledFile) and each.path in led_to)
    files = {each.path: each for each in found}
    return (_path_entry(each, files) for each in tree)


def _by_path(tree: Tree) -> Tree:
    """Return a tree in the order in which conda-build lists one."""
    return tuple(sorted(tree, key=lambda each: os.fsencode(each.path)))


def _path_entry(installed: Installed, files: dict[str, InstalledFile]) -> dict[str, Any]:
    """Return an entry of paths.json; a link has the digest of the file that it leads to.

    A link to a directory has that of an empty file, as conda-build writes it.
    """
    if isinstance(installed, InstalledLink):
        file = files.get(installed.leads_to or "", text_file("", b""))
        kind = "softlink"
    else:
        file, kind = installed, "hardlink"
    entry = {
        "_path": installed.path,
        "path_type": kind,
        "sha256": file.sha256,
        "size_in_bytes": file.size,
    }
    if installed.role is Role.CONFIGURATION:
        entry |= {"file_mode": "text", "prefix_placeholder": PREFIX_PLACEHOLDER}
    return entry


FORMAT: Format = CondaFormat()
