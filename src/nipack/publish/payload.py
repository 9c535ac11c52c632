"""What an artifact says of the data that it installs: its package.json and its SHA256SUMS."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any

from nipack import layout
from nipack.libraries.table import LIBRARIES
from nipack.libraries.views import stated_views, umbrella_view
from nipack.lookup.json_text import json_value
from nipack.publish.damage import read_record
from nipack.publish.errors import RepositoryError
from nipack.publish.members import Members
from nipack.publish.records import PublishedFile, PublishedLink, PublishedPackage
from nipack.system.limits import limits

_NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]*")
_LINK = "# symlink "
RECORDS = f"{layout.RECORDS}/"


class RecordFiles:
    """Collects the two files that tell of a payload from an archive that is read once."""

    def __init__(self, prefix: str) -> None:
        """Take where the archive has its prefix: `usr/` in a .deb."""
        self._prefix = prefix
        self._found: dict[str, bytes] = {}

    def offer(self, path: str, content: IO[bytes]) -> bool:
        """Take a file of the archive if it is one of them; tell whether both are there."""
        path = path.removeprefix("./")
        name = path.rpartition("/")[2]
        if name in ("package.json", "SHA256SUMS") and path.startswith(f"{self._prefix}{RECORDS}"):
            self._found[name] = read_record(content, name)
        return len(self._found) == 2

    def package(self) -> PublishedPackage:
        """Return the package that they tell of; raises RepositoryError."""
        try:
            return package_of(self._found["package.json"], self._found["SHA256SUMS"])
        except KeyError:
            raise RepositoryError(
                f"has no {RECORDS}NAME/package.json, so nipack did not make it; "
                "make one with nipack build"
            ) from None


def package_in(members: Members) -> PublishedPackage:
    """Return the package that an artifact's members tell of; raises RepositoryError."""
    records = RecordFiles("")
    for path, content in members:
        if records.offer(path, content):
            break
    return records.package()


def parts_said(metadata: bytes) -> str:
    """Return whether a package.json is of a "whole" of several parts, of a "part", or of neither.

    It is one that `package_of` has taken.
    """
    document = json_value(metadata, limits().record)
    if "parts" in document:
        return "whole"
    return "part" if "part_of" in document else ""


def package_of(metadata: bytes, manifest: bytes) -> PublishedPackage:
    """Return a package without artifacts; raises RepositoryError where the two do not agree."""
    try:
        document = json_value(metadata, limits().record)
        package = _package(document, manifest)
    except (KeyError, TypeError, ValueError) as error:
        raise RepositoryError(
            f"its package.json is not of the form that nipack writes: {error}; build it again"
        ) from error
    found = hashlib.sha256(manifest).hexdigest()
    if found != package.payload_id:
        raise RepositoryError(
            f"its SHA256SUMS has the digest {found[:16]}, and its package.json says "
            f"{package.payload_id[:16]}; build it again"
        )
    if not _NAME.fullmatch(package.name):
        raise RepositoryError(f"'{package.name}' is not a package name; build it again")
    return package


def _package(document: Mapping[str, Any], manifest: bytes) -> PublishedPackage:
    relpath = str(document["relpath"])
    files, links = _payload(manifest.decode("utf-8", "surrogateescape"), relpath)
    sizes = document["files"]
    return PublishedPackage(
        name=str(document["name"]),
        version=str(document["version"]),
        relpath=relpath,
        payload_id=str(document["payload_id"]),
        size=int(document["size"]),
        files=tuple(
            PublishedFile(path=path, size=int(sizes[path]), sha256=digest)
            for path, digest in files.items()
        ),
        links=tuple(PublishedLink(path=path, target=target) for path, target in links.items()),
        summary=str(document.get("summary") or ""),
        description=str(document.get("description") or ""),
        homepage=document.get("homepage"),
        license=document.get("license"),
        authors=tuple(map(str, document.get("authors") or ())),
        citation=tuple(dict(each) for each in document.get("citation") or ()),
        libraries=_libraries(document, relpath),
        keywords=_words(document, "keywords"),
        species=_words(document, "species"),
        space=_words(document, "space"),
        resolution=_words(document, "resolution"),
    )


def _words(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(map(str, document.get(name) or ()))


def _libraries(document: Mapping[str, Any], relpath: str) -> tuple[str, ...]:
    """Return the libraries that the package has a view for, in the order of their table."""
    views = [*stated_views(document), umbrella_view(relpath)]
    named = {each.library for each in views if each is not None}
    return tuple(name for name in LIBRARIES if name in named)


def _payload(manifest: str, relpath: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the digest of each file and the target of each link, by path from the directory."""
    root = f"{layout.payload_directory(relpath)}/"
    files, links = {}, {}
    for line in manifest.splitlines():
        if line.startswith(_LINK):
            path, _, target = line.removeprefix(_LINK).partition(" -> ")
            links[path.removeprefix(root)] = target
        elif line:
            digest, _, path = line.partition("  ")
            if not path.startswith(root) or not re.fullmatch("[0-9a-f]{64}", digest):
                raise ValueError(f"its SHA256SUMS has '{line}'")
            files[path.removeprefix(root)] = digest
    return files, links


def joined_texts(texts: Iterable[tuple[str, bytes]]) -> str:
    """Return licence texts one behind the other, in the order of their names."""
    return "\n\n".join(
        text.decode("utf-8", "replace").strip() for _, text in sorted(texts) if text.strip()
    )
