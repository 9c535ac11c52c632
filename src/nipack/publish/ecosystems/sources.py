"""Source tarballs, which recipes name and no package manager's client installs.

They are what `nipack build -f sdist` makes; their digests stand in repository.json.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import IO

from nipack import layout
from nipack.lookup.json_text import json_value
from nipack.publish.artifacts.contents import check_digests, digest_of, joined_texts, package_of
from nipack.publish.artifacts.damage import damage_as_error, read_record, read_text
from nipack.publish.artifacts.members import Members, tar_members
from nipack.publish.ecosystems import Ecosystem, IndexFile, Reading, Snapshot
from nipack.publish.errors import RepositoryError
from nipack.publish.records import PublishedRepository

_TOP = "sources"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_RECORDS = ("package.json", "SHA256SUMS", "PKG-INFO")


class SourceTarballs(Ecosystem):
    """A folder of tarballs, without an index."""

    name = "sources"
    title = "source"
    suffix = ".tar.gz"
    folder = _TOP
    rank = 50
    media_type = "application/gzip"

    def read(self, artifact: Path) -> Reading:
        """Return what its PKG-INFO says, and which data is in it."""
        if not _NAME.fullmatch(artifact.name):
            raise RepositoryError("no recipe can have this name in it; build it again")
        found, licenses, digests = dict[str, bytes](), [], dict[str, str]()
        with damage_as_error("a source tarball"), artifact.open("rb") as stream:
            for path, content in _files(stream):
                if path in _RECORDS:
                    found[path] = read_record(content, path)
                elif path.startswith("LICENSES/"):
                    licenses.append((path, read_text(content, path)))
                else:
                    digests[path] = digest_of(content)
        if missing := [name for name in _RECORDS if name not in found]:
            raise RepositoryError(
                f"has no {missing[0]}, so nipack did not make it; make one with "
                "nipack build -f sdist"
            )
        package = package_of(found["package.json"], found["SHA256SUMS"])
        data = _data(package.relpath)
        digests = {path.removeprefix(data): each for path, each in digests.items()}
        check_digests(package, digests, found["package.json"])
        fields = message_from_bytes(found["PKG-INFO"])
        body = fields.get_payload(decode=True)
        return Reading(
            package=replace(
                package,
                description=body.decode("utf-8", "replace").strip()
                if isinstance(body, bytes)
                else "",
                license_text=joined_texts(licenses),
            ),
            place=f"{_TOP}/{artifact.name}",
            version=str(fields["Version"]),
            checked=True,
        )

    def members(self, artifact: IO[bytes]) -> Members:
        """Yield the data and the records, by where the package that is built of it has them."""
        about = next(
            (
                json_value(read_record(content, path))
                for path, content in _files(artifact)
                if path == _RECORDS[0]
            ),
            None,
        )
        if about is None:
            raise ValueError(f"it has no {_RECORDS[0]}")
        relpath = str(about["relpath"])
        data = _data(relpath)
        artifact.seek(0)
        for path, content in _files(artifact):
            if path == _RECORDS[0]:
                yield layout.metadata_path(str(about["name"])), content
            elif path == _RECORDS[1]:
                yield layout.manifest_path(str(about["name"])), content
            elif path.startswith(data):
                yield f"{layout.payload_directory(relpath)}/{path.removeprefix(data)}", content

    def indexes(self, snapshot: Snapshot) -> Iterator[IndexFile]:
        """Yield nothing: who wants a tarball has its address from a recipe."""
        yield from ()

    def lines(self, repository: PublishedRepository, name: str) -> tuple[str, ...]:
        """Return nothing: it is built, not installed."""
        return ()


def _data(relpath: str) -> str:
    """Return where a tarball has the data below its top: without the umbrella."""
    return f"{relpath.partition('/')[2]}/"


def _files(artifact: IO[bytes]) -> Members:
    """Yield each file by its path below NAME-VERSION/."""
    for path, content in tar_members("source.tar.gz", artifact):
        yield path.partition("/")[2], content


ECOSYSTEM: Ecosystem = SourceTarballs()
