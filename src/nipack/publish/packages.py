"""The packages of a repository by name and version, each read when somebody asks for it.

An entry of the log that has everything holds one package on a line.  Who adds one to ten thousand
looks at the names of all, and reads that one.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, overload

from nipack.lookup.json_text import MOST_OF_OWN, json_value
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedArtifact, PublishedPackage, from_json, to_json

Key = tuple[str, str]
"""A package's name and version."""

_STRING = rb'"(?:[^"\\]|\\.)*"'
_KEY = re.compile(rb'\{"name":(%b),"version":(%b)' % (_STRING, _STRING))
_ARTIFACT_START = b'{"ecosystem":"'
# To look for one takes as long as to list a few hundred.
_MOST_SOUGHT = 32
_ARTIFACT = re.compile(
    rb'\{"ecosystem":%b,"path":(%b),"version":%b,"size":\d+,"sha256":"([0-9a-f]{64})"'
    % (_STRING, _STRING, _STRING)
)


class PackageLines:
    """Packages as a text has them: one on a line, as JSON, without the licences' texts."""

    def __init__(self, content: bytes, start: int, end: int, texts: Mapping[str, str]) -> None:
        """Take a text and where its packages are; raises ValueError where a line has none.

        `texts` are the licences' texts, by what stands for them in a line.
        """
        self._content, self._start, self._end = content, start, end
        self.texts = texts
        self.spans: dict[Key, tuple[int, int]] = {}
        for line in _places(content, b"\n", start - 1, end - 1):
            match = _KEY.match(content, line + 1)
            key = (_text(match[1]), _text(match[2])) if match else None
            if key is None or key in self.spans:
                raise ValueError("a line holds no package, or one that another line has")
            stop = content.index(b"\n", line + 1)
            # All but the last end with a comma.
            self.spans[key] = line + 1, stop - (content[stop - 1 : stop] == b",")

    def line(self, key: Key) -> memoryview:
        """Return a package's JSON."""
        start, end = self.spans[key]
        return memoryview(self._content)[start:end]

    def package(self, key: Key) -> PublishedPackage:
        """Return a package; raises RepositoryError where its line is damaged."""
        try:
            document = json_value(bytes(self.line(key)), MOST_OF_OWN)
            if "license_text" in document:
                document["license_text"] = self.texts[document["license_text"]]
            return from_json(PublishedPackage, document)
        except (LookupError, TypeError, ValueError) as error:
            raise RepositoryError(
                f"{' '.join(key)}: what the log has of it is damaged ({error}); the log of a "
                "repository is never edited: restore its last file from a copy of the repository"
            ) from error

    def digests(self, paths: Collection[str]) -> dict[str, str]:
        """Return the sha256 of the artifacts at some paths, by path."""
        if len(paths) > _MOST_SOUGHT:
            return self._all_digests
        content, start, end = self._content, self._start, self._end
        # A file of a payload may be called so as well: each place is looked at.
        return self._digests_at(
            content.rfind(_ARTIFACT_START, start, place)
            for path in paths
            for place in _places(content, b'"path":' + compact_json(path), start, end)
        )

    @cached_property
    def _all_digests(self) -> dict[str, str]:
        return self._digests_at(_places(self._content, _ARTIFACT_START, self._start, self._end))

    def key_of(self, sha256: str, file_name: str, *, of: int) -> Key | None:
        """Return the package that has an artifact of a digest and a file name.

        `of` is how many are asked for, one after the other.
        """
        if of > _MOST_SOUGHT:
            place = self._holders.get((sha256, file_name))
            return None if place is None else self._key_at(place)
        content, start, end = self._content, self._start, self._end
        for place in _places(content, b'"sha256":"%b"' % sha256.encode("ascii"), start, end):
            # A file of a payload may have it as well.
            artifact = content.rfind(_ARTIFACT_START, start, place)
            match = _ARTIFACT.match(content, artifact) if artifact >= 0 else None
            if match and match.end() > place and _text(match[1]).endswith(f"/{file_name}"):
                return self._key_at(artifact)
        return None

    @cached_property
    def _holders(self) -> dict[tuple[str, str], int]:
        """Where each artifact is, by its digest and the last part of its path."""
        places = _places(self._content, _ARTIFACT_START, self._start, self._end)
        found = ((_ARTIFACT.match(self._content, each), each) for each in places)
        return {
            (match[2].decode("ascii"), _text(match[1]).rpartition("/")[2]): place
            for match, place in found
            if match
        }

    def _key_at(self, place: int) -> Key | None:
        line = self._content.rfind(b"\n", 0, place) + 1
        match = _KEY.match(self._content, line)
        return (_text(match[1]), _text(match[2])) if match else None

    def _digests_at(self, places: Iterable[int]) -> dict[str, str]:
        found = (_ARTIFACT.match(self._content, each) for each in places if each >= 0)
        return {_text(match[1]): match[2].decode("ascii") for match in found if match}


class Packages(Mapping[Key, PublishedPackage]):
    """Packages by name and version: those of lines, and others in front of them."""

    def __init__(
        self, own: Mapping[Key, PublishedPackage] | None = None, lines: PackageLines | None = None
    ) -> None:
        """Take packages that were read, and lines of which any may be."""
        self._own = dict(own or {})
        self._lines = lines
        self._keys = {**dict.fromkeys(lines.spans if lines else ()), **dict.fromkeys(self._own)}

    def __getitem__(self, key: Key) -> PublishedPackage:
        """Return a package."""
        if key in self._own or key not in self._keys or self._lines is None:
            return self._own[key]
        return self._lines.package(key)

    def __contains__(self, key: object) -> bool:
        """Tell whether it is there, without reading it."""
        return key in self._keys

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys."""
        return iter(self._keys)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._keys)

    def updated(self, packages: Mapping[Key, PublishedPackage]) -> "Packages":
        """Return these with some in the place of those of the same keys."""
        return Packages({**self._own, **packages}, self._lines)

    def with_added(self, packages: Iterable[PublishedPackage]) -> "Packages":
        """Return these with some more; one whose key is there gives it its artifacts."""
        touched: dict[Key, PublishedPackage] = {}
        for package in packages:
            known = touched.get(package.key) or self.get(package.key)
            touched[package.key] = _joined(known, package) if known else package
        return self.updated(touched)

    def named(self, names: Collection[str]) -> tuple[PublishedPackage, ...]:
        """Return all versions of some names, in order."""
        return tuple(self[key] for key in sorted(self._keys) if key[0] in names)

    def ordered(self) -> "OrderedPackages":
        """Return all by name and version, read at the first time."""
        return OrderedPackages(self)

    def digests(self, paths: Collection[str]) -> dict[str, str]:
        """Return the sha256 of the artifacts at some paths, by path; it may have others, too."""
        found = dict(self._lines.digests(paths)) if self._lines else {}
        for package in self._own.values():
            found |= {each.path: each.sha256 for each in package.artifacts}
        return found

    def holding(
        self, sha256: str, file_name: str, *, of: int
    ) -> tuple[PublishedPackage, PublishedArtifact] | None:
        """Return the artifact of a digest and a file name, with its package; None for none.

        `of` is how many are asked for, one after the other.
        """
        wanted = sha256, file_name
        if wanted in self._own_holders:
            return self._own_holders[wanted]
        key = self._lines.key_of(sha256, file_name, of=of) if self._lines else None
        artifacts = self[key].artifacts if key is not None else ()
        found = (each for each in artifacts if (each.sha256, each.file_name) == wanted)
        return next(((self[key], each) for each in found if key is not None), None)

    @cached_property
    def _own_holders(self) -> dict[tuple[str, str], tuple[PublishedPackage, PublishedArtifact]]:
        return {
            (each.sha256, each.file_name): (package, each)
            for package in self._own.values()
            for each in package.artifacts
        }

    def written(self) -> tuple[list[bytes | memoryview], dict[str, str]]:
        """Return the lines of all in order, and the licences' texts that they name."""
        texts = dict(self._lines.texts) if self._lines else {}
        lines: list[bytes | memoryview] = []
        for key in sorted(self._keys):
            if key in self._own or self._lines is None:
                lines.append(_line(self._own[key], texts))
            else:
                lines.append(self._lines.line(key))
        return lines, texts


def _joined(known: PublishedPackage, more: PublishedPackage) -> PublishedPackage:
    """Return a package with more artifacts, and with what only the new ones say of it."""
    artifacts = {each.path: each for each in [*more.artifacts, *known.artifacts]}
    return replace(
        known,
        artifacts=tuple(artifacts[path] for path in sorted(artifacts)),
        description=known.description or more.description,
        license_text=known.license_text or more.license_text,
    )


class OrderedPackages(Sequence[PublishedPackage]):
    """All packages of a repository by name and version; they are read where one is wanted."""

    def __init__(self, packages: Packages) -> None:
        """Take them as they are."""
        self._packages = packages

    @cached_property
    def _read(self) -> tuple[PublishedPackage, ...]:
        return tuple(self._packages[key] for key in sorted(self._packages))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._packages)

    @overload
    def __getitem__(self, index: int) -> PublishedPackage: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[PublishedPackage]: ...

    def __getitem__(self, index: int | slice) -> PublishedPackage | Sequence[PublishedPackage]:
        """Return one, or some."""
        return self._read[index]


def _line(package: PublishedPackage, texts: dict[str, str]) -> bytes:
    """Return a package's line, and put its licence's text among the others."""
    document: dict[str, Any] = to_json(package)
    if text := document.get("license_text"):
        key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        texts[key] = text
        document["license_text"] = key
    return compact_json(document)


def compact_json(document: Any) -> bytes:
    """Return JSON on one line, without blanks."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _places(content: bytes, part: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where a part begins that begins from `start` on and ends before `end`."""
    while (start := content.find(part, start, end)) >= 0:
        yield start
        start += 1


def _text(string: bytes) -> str:
    inner = string[1:-1]
    return str(json_value(string)) if b"\\" in inner else inner.decode("ascii")
