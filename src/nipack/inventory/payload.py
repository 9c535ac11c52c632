"""What is installed beside a payload: its manifest, and what its package says of it."""

from __future__ import annotations

import os

from ..layout import (
    CONFIG_NAME,
    MANIFEST_NAME,
    METADATA_NAME,
    RECORDS,
    package_name,
    payload_directory,
)
from ..lookup.errors import DataError
from ..lookup.files import MOST_OF_MANIFESTS, folder_names, read_regular
from ..lookup.json_text import MOST_OF_JSON, json_value
from ..lookup.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

# The payload of P/share/nipy/nipy/templates has its manifest below P.
_MOST_LEVELS = 6


class Manifest(Record):
    """A payload's SHA256SUMS, with paths from the data directory, `config.ini` among them.

    Where the data is in several packages, it is that of all of them, and `packages` has the folder
    of each one's records.
    """

    __slots__ = ("digests", "directory", "file", "links", "packages")
    file: str
    packages: tuple[str, ...]
    # where the data directory is, from where the manifest's paths begin
    directory: str
    digests: Mapping[str, str]
    links: Mapping[str, str]


class Metadata(Record):
    """What a package says of itself; None, or empty, where it does not."""

    __slots__ = ("citation", "files", "license", "name", "relpath", "size")
    relpath: str | None
    name: str | None
    license: str | None
    size: int | None
    # the size of each file, by its path from the data directory
    files: Mapping[str, int]
    citation: tuple[dict[str, Any], ...]


NO_METADATA = Metadata(relpath=None, name=None, license=None, size=None, files={}, citation=())


def find_manifest(directory: str) -> Manifest | None:
    """Return the manifest of a data directory, or None; raises DataError for a malformed one.

    It is that of its package (`share/nipack/*/SHA256SUMS` in the prefix), or a SHA256SUMS in the
    directory or the one above it, as in a tarball.
    """
    for place in dict.fromkeys([os.path.abspath(directory), os.path.realpath(directory)]):
        for above, file in _manifests_near(place):
            try:
                manifest = read_manifest(file, _directory_of_part(file))
            except DataError:
                if _is_likely(file, place):
                    raise
                continue  # of some other package, which this one is not to suffer for
            if _is_of(manifest, above, place):
                return _with_parts(manifest, above)
    return None


def _with_parts(manifest: Manifest, above: str) -> Manifest:
    """Return the manifest of all packages of a data package, where it is in several parts.

    What the whole's says of a file is of no weight where the part with it is there.
    """
    [own] = manifest.packages
    about = read_json(os.path.join(own, METADATA_NAME))
    whole = about.get("part_of") or (about.get("parts") and about.get("name"))
    records = os.path.join(above, *RECORDS.split("/"))
    if not whole or os.path.normcase(os.path.dirname(own)) != os.path.normcase(records):
        return manifest
    wholes, parts = [], []
    for name in folder_names(records):
        folder = os.path.join(records, name)
        document = read_json(os.path.join(folder, METADATA_NAME))
        if document.get("part_of") == whole:
            parts.append(folder)
        elif document.get("name") == whole:
            wholes.append(folder)
    found = [
        read_manifest(os.path.join(folder, MANIFEST_NAME), manifest.directory)
        for folder in (*wholes, *parts)
    ]
    return manifest.replace(
        digests={path: digest for each in found for path, digest in each.digests.items()},
        links={path: target for each in found for path, target in each.links.items()},
        packages=tuple(package for each in found for package in each.packages),
    )


def _manifests_near(directory: str) -> Iterator[tuple[str, str]]:
    """Yield the manifests that may be of a data directory, and where their paths begin."""
    above = directory
    for level in range(_MOST_LEVELS):
        beside = os.path.join(above, MANIFEST_NAME)
        if level < 2 and os.path.isfile(beside):
            yield above, beside
        for file in _packages_manifests(above, directory):
            if os.path.isfile(file):
                yield above, file
        above = os.path.dirname(above)


def _packages_manifests(prefix: str, directory: str) -> list[str]:
    records = os.path.join(prefix, *RECORDS.split("/"))
    try:
        files = [os.path.join(records, name, MANIFEST_NAME) for name in sorted(os.listdir(records))]
    except OSError:
        return []
    # With the likely one first, no other is read.
    return sorted(files, key=lambda file: not _is_likely(file, directory))


def _is_likely(manifest: str, directory: str) -> bool:
    """Tell whether a manifest is called after its directory: nipy-templates for nipy/templates."""
    folder = os.path.dirname(manifest)
    likely = package_name("/".join(directory.split(os.path.sep)[-2:]))
    return os.path.basename(folder) == likely or directory.startswith(folder)


def _directory_of_part(manifest: str) -> str | None:
    """Return the data directory of a part, whose manifest need not name a config.ini."""
    about = read_json(os.path.join(os.path.dirname(manifest), METADATA_NAME))
    if "part_of" not in about or not _is_relpath(about.get("relpath")):
        return None
    return payload_directory(about["relpath"])


def _is_of(manifest: Manifest, above: str, directory: str) -> bool:
    if os.path.normpath(os.path.join(above, manifest.directory)) == directory:
        return True
    # A copy: share/nipy/nipy/templates of the manifest may be `templates` of a tarball.
    beside = os.path.dirname(manifest.file) == above
    return beside and os.path.basename(manifest.directory) == os.path.basename(directory)


def read_manifest(file: str, directory: str | None = None) -> Manifest:
    """Read a SHA256SUMS in GNU format, with links in comments, or raise DataError.

    It names a config.ini in the data directory, unless that is given.
    """
    digests: dict[str, str] = {}
    links: dict[str, str] = {}
    for number, line in enumerate(_text(file).split("\n"), start=1):
        path, arrow, target = line.removeprefix("# symlink ").partition(" -> ")
        if line.startswith("# symlink ") and arrow:
            links[path] = target
        elif line and not line.startswith("#"):
            digest, _, path = line.partition(" ")
            if len(digest) != 64 or not path[1:]:
                problem = "this is not of the form 'sha256  path'; install the package again"
                raise DataError(f"{file}:{number}: {problem}")
            # The second character tells text from binary, which are the same here.
            digests[path[1:]] = digest.lower()
    if directory is None:
        directory = _data_directory(file, digests)
    top = "" if directory == "." else f"{directory}/"

    def inner(paths: dict[str, str]) -> dict[str, str]:
        return {path.removeprefix(top): value for path, value in paths.items()}

    return Manifest(
        file=file,
        directory=directory,
        digests=inner(digests),
        links=inner(links),
        packages=(os.path.dirname(file),),
    )


def _text(file: str) -> str:
    try:
        return read_regular(file, MOST_OF_MANIFESTS).decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); name another, or make it readable"
        raise DataError(f"{file}: {reason}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: is not UTF-8; install the package again") from error


def _data_directory(file: str, digests: dict[str, str]) -> str:
    configs = [path for path in digests if path.rpartition("/")[2] == CONFIG_NAME]
    if not configs:
        raise DataError(f"{file}: names no config.ini, so it does not belong to a data package")
    directory = min(configs, key=lambda path: path.count("/")).removesuffix(CONFIG_NAME)
    return directory.rstrip("/") or "."


def metadata_of(manifest: Manifest | None) -> Metadata:
    """Return what package.json beside a manifest says, or what those of all its packages say."""
    if manifest is None:
        return NO_METADATA
    found = [read_metadata(folder) for folder in manifest.packages]
    if len(found) == 1:
        return found[0]
    files = {path: size for each in found for path, size in each.files.items()}
    return found[0].replace(files=files, size=sum(files.values()))


def read_metadata(folder: str) -> Metadata:
    """Return what package.json in a folder says; of what is not of its form, nothing."""
    document = read_json(os.path.join(folder, METADATA_NAME))
    relpath, size, files = (document.get(name) for name in ("relpath", "size", "files"))
    citation = document.get("citation")
    return Metadata(
        relpath=relpath if _is_relpath(relpath) else None,
        # A part is found as the data package that it is of.
        name=_text_or_none(document.get("part_of") or document.get("name")),
        license=_text_or_none(document.get("license")),
        size=size if _is_size(size) else None,
        files={path: each for path, each in files.items() if _is_size(each)}
        if isinstance(files, dict)
        else {},
        citation=tuple(each for each in citation if isinstance(each, dict))
        if isinstance(citation, list)
        else (),
    )


def read_json(file: str) -> dict[str, Any]:
    """Return the object that a file holds; an empty one where it is not there, or holds none."""
    try:
        return parse_json(read_regular(file, MOST_OF_JSON))
    except OSError:
        return {}


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the object that these bytes are, or an empty one."""
    try:
        document = json_value(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text_or_none(value: object) -> str | None:
    # What is not printable is a terminal's commands, or half a character.
    return value if isinstance(value, str) and value.isprintable() else None


def _is_relpath(value: object) -> bool:
    names = (_text_or_none(value) or "").split("/")
    return not any(name in ("", ".", "..") for name in names)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 63
