"""What an artifact says of the data that it installs: its package.json and its SHA256SUMS."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any

from nipack import layout
from nipack.libraries.table import LIBRARIES
from nipack.libraries.views import stated_views, umbrella_view
from nipack.lookup.json_text import json_value
from nipack.publish.artifacts.damage import read_record
from nipack.publish.artifacts.members import Members
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedFile, PublishedLink, PublishedPackage
from nipack.system.hashing import digest_stream
from nipack.system.limits import limits

_NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]*")
_LINK = "# symlink "
RECORDS = f"{layout.RECORDS}/"
_DATA = f"{layout.DATA_ROOT}/"
_RECORDS = (layout.METADATA_NAME, layout.MANIFEST_NAME)


class Contents:
    """What an artifact holds, from its files as they pass: its records, and digests of its data."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._records: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}

    def take(self, path: str, content: IO[bytes]) -> None:
        """Read a file by its path from the prefix; raises RepositoryError where it was there."""
        if path.startswith(_DATA):
            self._add(self._digests, path, digest_of(content))
        else:
            self.take_record(path, content)

    def take_record(self, path: str, content: IO[bytes]) -> bool:
        """Read a file that is one of the two records; tell whether both are there."""
        name = path.rpartition("/")[2]
        if name in _RECORDS and path.startswith(RECORDS):
            self._add(self._records, name, read_record(content, name))
        return len(self._records) == len(_RECORDS)

    def _add(self, known: dict[str, Any], path: str, content: bytes | str) -> None:
        if path in known:
            raise RepositoryError(f"has two files {path}; build it again")
        known[path] = content

    def package(self) -> PublishedPackage:
        """Return the package that the records tell of; raises RepositoryError."""
        try:
            return package_of(*(self._records[name] for name in _RECORDS))
        except KeyError:
            raise RepositoryError(
                f"has no {RECORDS}NAME/package.json, so nipack did not make it; "
                "make one with nipack build"
            ) from None

    def checked_package(self) -> PublishedPackage:
        """Return the package, whose data was seen; raises RepositoryError where it is not so."""
        package = self.package()
        top = f"{layout.payload_directory(package.relpath)}/"
        digests = {path.removeprefix(top): each for path, each in self._digests.items()}
        check_digests(package, digests, self._records[layout.METADATA_NAME])
        return package


def digest_of(content: IO[bytes]) -> str:
    """Return the sha256 of a file's content."""
    return digest_stream(content, ["sha256"]).by_algorithm["sha256"]


def check_digests(package: PublishedPackage, found: Mapping[str, str], metadata: bytes) -> None:
    """Compare the data that an artifact has, by path, with the package that its records tell of.

    Raises RepositoryError for the first file that is not there, or is not what they say.
    """
    there = 0
    for each in package.files:
        digest = found.get(each.path)
        there += digest is not None
        if digest not in (None, each.sha256):
            raise RepositoryError(
                f"its {each.path} has the digest {digest[:16]}, which its SHA256SUMS does not say; "
                "build it again"
            )
    # The whole of several parts names the files that they have, and has none itself.
    if there < len(package.files) and not (there == 0 and parts_said(metadata) == "whole"):
        missing = min(each.path for each in package.files if each.path not in found)
        raise RepositoryError(f"has no {missing}, which its SHA256SUMS names; build it again")


def package_in(members: Members) -> PublishedPackage:
    """Return the package that an artifact's members tell of; raises RepositoryError."""
    contents = Contents()
    for path, content in members:
        if contents.take_record(path, content):
            break
    return contents.package()


def checked_package_in(members: Members) -> PublishedPackage:
    """Return the package that an artifact's members are, all of which are read.

    Raises RepositoryError where its data is not what its records say.
    """
    contents = Contents()
    for path, content in members:
        contents.take(path, content)
    return contents.checked_package()


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
        part_of=_whole(document),
    )


def _whole(document: Mapping[str, Any]) -> str | None:
    """Return the name of the whole that a part is of; raises ValueError for what is no name."""
    whole = document.get("part_of")
    if whole is not None and not _NAME.fullmatch(str(whole)):
        raise ValueError(f"'{whole}' is not a package name")
    return None if whole is None else str(whole)


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
