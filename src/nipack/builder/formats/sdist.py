"""The source tarball: the documented layout of a NIPY data package, for today's pip and setuptools.

Sources: the NIPY design of data packages; "Source distribution format" of Python's packaging
specifications (PEP 517, 621, 639, 643).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from string import Template
from typing import IO

from nipack import layout
from nipack.builder.archive.compression import gzip_reader, gzip_writer
from nipack.builder.archive.growing import Part
from nipack.builder.archive.installed import InstalledFile, Tree, sorted_tree, text_file
from nipack.builder.archive.members import Content, write_tar
from nipack.builder.archive.packed import NOTHING, PackedTar, ReadBack
from nipack.builder.definition.model import Definition, Person
from nipack.builder.dialects import python_metadata
from nipack.builder.formats import Format
from nipack.builder.manifest import installed_tree
from nipack.builder.package import DataPackage
from nipack.system.progress import Advance

# PEP 639's licence expressions came with 77.
_SETUPTOOLS = "setuptools>=77"
_TAR = PackedTar(reader=gzip_reader, base="", directories=False)

_SETUP = Template('''\
#!/usr/bin/env python3
"""Install the data package $relpath: pip install --prefix=/my/prefix .

For a new version, change the version in $data/config.ini, then run python -m build --sdist
"""

import configparser
import hashlib
import os

from setuptools import setup

DATA = "$data"
CONFIG = DATA + "/config.ini"
# Below the prefix
TARGET = "$target"
RECORDS = "$records"
INI = "$ini"


def version():
    """Return the version that the data states."""
    config = configparser.ConfigParser()
    with open(CONFIG, encoding="utf-8") as stream:
        config.read_file(stream)
    return config.get("DEFAULT", "version")


def data_files():
    """Yield each folder below the prefix, and the files that it gets."""
    for folder, _, names in sorted(os.walk(DATA)):
        target = TARGET + folder.replace(os.sep, "/")[len(DATA) :]
        yield target, [os.path.join(folder, name) for name in sorted(names)]
    yield os.path.dirname(INI), [os.path.basename(INI)]
    if is_as_released():
        yield RECORDS, ["SHA256SUMS", "package.json"]


def is_as_released():
    """Tell whether SHA256SUMS is of this version; a changed version has no record yet."""
    with open(CONFIG, "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    with open("SHA256SUMS", encoding="utf-8") as lines:
        return digest + "  " + TARGET + "/config.ini\\n" in lines


setup(version=version(), data_files=list(data_files()))
''')


class SdistFormat(Format):
    """NAME-VERSION/{setup.py,README.txt,MANIFEST.in,DATA/...}, and what pip needs beside them.

    It holds no links, since pip makes a wheel of it.
    """

    name = "sdist"
    why_no_parts = (
        "pip makes one package of a source tarball, whose version is that of the config.ini in it, "
        "and only one of the parts has that"
    )
    index_limit = python_metadata.INDEX_LIMIT

    def file_name(self, package: DataPackage) -> str:
        """Return NAME-VERSION.tar.gz, as NIPY's data packages have always been named."""
        return f"{_top(package)}.tar.gz"

    def payload_root(self, package: DataPackage) -> str:
        """Return the data directory."""
        return f"{_top(package)}/{_data_directory(package.definition)}"

    def tree(self, package: DataPackage) -> Tree:
        """Return everything in it."""
        name = package.definition.name
        installed_root = layout.payload_directory(package.definition.relpath)
        folders = {
            installed_root: self.payload_root(package),
            layout.manifest_path(name): f"{_top(package)}/SHA256SUMS",
            layout.metadata_path(name): f"{_top(package)}/package.json",
            layout.ini_path(name): f"{_top(package)}/{layout.ini_name(name)}",
        }
        installed = [
            replace(each, path=_moved(each.path, folders))
            for each in installed_tree(package, None)
            if isinstance(each, InstalledFile)
        ]
        return sorted_tree([*installed, *_texts(package)])

    def assemble(
        self, package: DataPackage, tree: Tree, output: IO[bytes], advance: Advance
    ) -> None:
        """Write the tarball in one pass."""
        with _TAR.read_back(output), gzip_writer(output) as stream:
            write_tar(stream, tree, time=package.time, advance=advance)

    def contents(
        self,
        artifact: Path,
        advance: Advance,
        found: ReadBack = NOTHING,
        algorithm: str = "sha256",
    ) -> Iterator[Content]:
        """Yield every member."""
        with artifact.open("rb") as raw:
            part = Part(0, artifact.stat().st_size)
            yield from _TAR.contents_of_part(raw, part, advance, found, algorithm)


def _top(package: DataPackage) -> str:
    return f"{package.definition.name}-{python_metadata.python_version(package)}"


def _data_directory(definition: Definition) -> str:
    """Return the relpath below its umbrella, which setup.py adds again."""
    return definition.relpath.partition("/")[2]


def _moved(path: str, folders: dict[str, str]) -> str:
    """Return a path with the folder, or the whole, that is mapped to another replaced."""
    for each in (PurePosixPath(path), *PurePosixPath(path).parents):
        if each.as_posix() in folders:
            return folders[each.as_posix()] + path[len(each.as_posix()) :]
    raise AssertionError(f"{path} has no place in a source tarball")


def _texts(package: DataPackage) -> list[InstalledFile]:
    definition = package.definition
    licenses = python_metadata.license_files(definition)
    data = _data_directory(definition)
    setup = _SETUP.substitute(
        relpath=definition.relpath,
        data=data,
        target=layout.payload_directory(definition.relpath),
        records=PurePosixPath(layout.manifest_path(definition.name)).parent,
        ini=layout.ini_path(definition.name),
    )
    ini = layout.ini_name(definition.name)
    manifest = f"include MANIFEST.in SHA256SUMS package.json {ini}\ngraft {data}\n"
    files = {
        "MANIFEST.in": f"{manifest}graft LICENSES\n" if licenses else manifest,
        "PKG-INFO": python_metadata.core_metadata(package),
        "README.txt": python_metadata.long_description(package),
        "pyproject.toml": _pyproject(definition),
        "setup.py": setup,
        **licenses,
    }
    return [text_file(f"{_top(package)}/{name}", text) for name, text in files.items()]


def _pyproject(definition: Definition) -> str:
    """Return pyproject.toml, which says what PKG-INFO says."""
    project: dict[str, str] = {
        "name": _toml(definition.name),
        "dynamic": _toml(["version"]),
        "description": _toml(python_metadata.summary(definition)),
        "readme": '{ file = "README.txt", content-type = "text/plain" }',
        "keywords": _toml(list(python_metadata.keywords(definition))),
        "classifiers": _toml(python_metadata.classifiers(definition)),
        "license-files": _toml(list(python_metadata.license_files(definition))),
    }
    if definition.license:
        project["license"] = _toml(definition.license)
    if definition.authors:
        project["authors"] = _people(definition.authors)
    if definition.maintainer:
        project["maintainers"] = _people([definition.maintainer])
    if definition.homepage:
        project["urls"] = f"{{ Homepage = {_toml(definition.homepage)} }}"
    lines = "".join(f"{name} = {value}\n" for name, value in project.items())
    return (
        f'[build-system]\nrequires = ["{_SETUPTOOLS}"]\n'
        f'build-backend = "setuptools.build_meta"\n\n[project]\n{lines}\n'
        "[tool.setuptools]\npackages = []\npy-modules = []\n"
    )


def _people(people: "tuple[Person, ...] | list[Person]") -> str:
    each = [
        f"{{ name = {_toml(one.name)}" + (f", email = {_toml(one.email)} }}" if one.email else " }")
        for one in people
    ]
    return f"[{', '.join(each)}]"


def _toml(value: "str | list[str] | tuple[str, ...]") -> str:
    """Return text or a list as TOML 1.0 spells it; JSON's spelling is also that."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


FORMAT: Format = SdistFormat()
