"""Read the payload's files out of an artifact, one after the other, without unpacking it."""

from collections.abc import Callable

from nipack import layout
from nipack.publish.artifacts.damage import read_record
from nipack.publish.artifacts.members import Members
from nipack.publish.records import PublishedPackage


def payload_files(
    package: PublishedPackage,
    members: Members,
    *,
    take_record: Callable[[bytes], object] = lambda content: None,
) -> Members:
    """Yield each file of a payload: its path from the data directory, and its content.

    `members` are those of an artifact, whose errors are raised.  The content is to be read before
    the next is asked for.  `take_record` is given the package.json that is passed on the way.
    """
    record = layout.metadata_path(package.name)
    top = f"{layout.payload_directory(package.relpath)}/"
    known = {each.path for each in package.files}
    for name, content in members:
        path = name.removeprefix(top)
        if path != name and path in known:
            yield path, content
        elif name == record:
            take_record(read_record(content, "package.json"))
