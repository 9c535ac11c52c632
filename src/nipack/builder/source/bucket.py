"""A source in a bucket: one object, read from where an earlier call ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nipack.system.buckets import file_system, reason_of, service_of
from nipack.system.errors import SourceError
from nipack.system.extras import how_to_have

_READ = 1 << 20
# What is asked for at once: of it nothing is kept until all has come.
_BLOCK = 8 << 20


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object as it is now: `tag` is another one where the object is."""

    system: Any
    path: str
    public: str
    size: int
    tag: str

    def chunks(self, begin: int) -> Iterator[bytes]:
        """Yield its bytes from a place on; raises SourceError."""
        with (
            _told(self.public),
            self.system.open(self.path, "rb", block_size=_BLOCK) as stream,
        ):
            stream.seek(begin)
            while chunk := stream.read(_READ):
                yield chunk


def object_at(address: str, public: str) -> BucketObject:
    """Return the object at an address, which messages call `public`; raises SourceError."""
    try:
        with _told(public):
            system, path = file_system(address)
            found = system.info(path)
    except ImportError as error:
        library = service_of(address).library
        raise SourceError(how_to_have(library, f"{public}: a bucket", error)) from error
    if found["type"] != "file":
        raise SourceError(f"{public}: a folder of a bucket; name an archive in it")
    names = ("ETag", "generation", "LastModified", "created")
    tag = next((found[name] for name in names if found.get(name)), "")
    return BucketObject(system, path, public, int(found["size"]), str(tag))


@contextmanager
def _told(public: str) -> Iterator[None]:
    """Raise what the store or the network says as our own."""
    try:
        yield
    except (SourceError, ImportError):
        raise
    except FileNotFoundError as error:
        raise SourceError(f"{public}: the bucket does not have it; check the spelling") from error
    except Exception as error:
        raise SourceError(
            f"{public}: cannot be fetched: {reason_of(error)}; check the address, your permissions "
            "and the network, or download the file and name its path"
        ) from error
