"""Read the payload's files out of an artifact, one after the other, without unpacking it."""

from collections.abc import Callable
from pathlib import Path
from typing import IO

from nipack import layout
from nipack.publish.damage import damage_as_error, read_record
from nipack.publish.ecosystems import ecosystem_of
from nipack.publish.errors import RepositoryError
from nipack.publish.members import Members
from nipack.publish.payload import parts_said
from nipack.publish.records import PublishedPackage
from nipack.system.hashing import digest_stream


def payload_files(
    package: PublishedPackage,
    file_name: str,
    artifact: IO[bytes],
    *,
    take_record: Callable[[bytes], object] = lambda content: None,
) -> Members:
    """Yield each file of a payload: its path from the data directory, and its content.

    The content is to be read before the next is asked for.  An artifact of an unknown kind has
    none; one that is damaged raises what its ecosystem's `members` does.  `take_record` is given
    the package.json that is passed on the way.
    """
    ecosystem = ecosystem_of(file_name)
    if ecosystem is None:
        return
    record = layout.metadata_path(package.name)
    top = f"{layout.payload_directory(package.relpath)}/"
    known = {each.path for each in package.files}
    for name, content in ecosystem.members(artifact):
        path = name.removeprefix(top)
        if path != name and path in known:
            yield path, content
        elif name == record:
            take_record(read_record(content, "package.json"))


def check_payload(package: PublishedPackage, artifact: Path) -> None:
    """Read all of an artifact's payload; raises RepositoryError where it is not the package's.

    What is cut off or changed behind an artifact's records is met here.  One that cannot be
    unpacked is believed.
    """
    ecosystem = ecosystem_of(artifact.name)
    if ecosystem is None or not ecosystem.unpacks:
        return
    left = {each.path: each.sha256 for each in package.files}
    records: list[bytes] = []
    with damage_as_error(f"a {ecosystem.suffix}"), artifact.open("rb") as stream:
        for path, content in payload_files(
            package, artifact.name, stream, take_record=records.append
        ):
            found = digest_stream(content, ["sha256"]).by_algorithm["sha256"]
            if found != left.pop(path, None):
                raise RepositoryError(
                    f"its {path} has the digest {found[:16]}, which its SHA256SUMS does not say; "
                    "build it again"
                )
    # The whole of several parts names the files that they have, and has none itself.
    is_whole = [parts_said(each) for each in records] == ["whole"]
    if left and not (is_whole and len(left) == len(package.files)):
        raise RepositoryError(f"has no {min(left)}, which its SHA256SUMS names; build it again")
