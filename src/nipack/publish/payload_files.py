"""Read the payload's files out of an artifact, one after the other, without unpacking it."""

from collections.abc import Callable
from typing import IO

from nipack import layout
from nipack.publish.damage import read_record
from nipack.publish.ecosystems import ecosystem_of
from nipack.publish.members import Members
from nipack.publish.records import PublishedPackage


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
