"""A repository in an object store, by fsspec: s3://, gs://, and memory:// for trying.

An object is never seen with half of its bytes.  `create` rests on the store's own conditional
writing, which `probe` tries: some servers take the condition and do not heed it.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nipack.publish.errors import ExistsError, RepositoryError, StoreError
from nipack.publish.stores.promise import keeps_promise
from nipack.publish.stores.unfinished import own_path, tidy_unfinished
from nipack.system.buckets import file_system, reason_of, service_of
from nipack.system.extras import how_to_have
from nipack.system.hashing import CHUNK
from nipack.system.patience import Patience, patiently
from nipack.system.progress import Advance

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".xml": "application/xml",
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".asc": "text/plain; charset=utf-8",
    ".sources": "text/plain; charset=utf-8",
    ".zst": "application/zstd",
    ".provenance": "application/vnd.pypi.integrity.v1+json",
}


class BucketStore:
    """Objects below a prefix."""

    def __init__(self, address: str, **options: Any) -> None:
        """Take s3://BUCKET/PREFIX; `options` are the file system's own, as fsspec has them."""
        self.folder: Path | None = None
        self.address = address.rstrip("/")
        self._service = service = service_of(address)
        try:
            self._system, self._top = file_system(self.address, **options)
        except ImportError as error:
            why = f"{address}: a bucket"
            raise RepositoryError(how_to_have(service.library, why, error)) from error

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes, or None where there is none."""
        with self._reading(path):
            try:
                content: bytes = self._system.cat_file(self._at(path), **self._service.one_request)
            except FileNotFoundError:
                return None
        return content

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return an object's size in bytes and its sha256, or None where there is none."""
        digest, size = hashlib.sha256(), 0
        with self._reading(path):
            try:
                with self._system.open(self._at(path), "rb") as stream:
                    while chunk := stream.read(CHUNK):
                        digest.update(chunk)
                        size += len(chunk)
            except FileNotFoundError:
                return None
        return size, digest.hexdigest()

    def write(self, path: str, content: bytes) -> None:
        """Write an object, in place of one that is there."""
        with self._errors(path):
            self._system.pipe_file(self._at(path), content, **self._kind(path))
            folder, _, name = path.rpartition("/")
            if self._service.content_type and name == "index.html" and folder.startswith("simple"):
                # A private bucket behind a CDN has no index of a directory: pip asks for this one.
                self._system.pipe_file(self._at(f"{folder}/"), content, **self._kind(path))

    def create(self, path: str, content: bytes) -> None:
        """Write an object; raises ExistsError where there is one, with whatever bytes."""
        with self._errors(path):
            try:
                self._system.pipe_file(self._at(path), content, mode="create", **self._kind(path))
            except (FileExistsError, OSError) as error:
                if not _is_there(error):
                    raise
                # A request that was repeated, for its answer was lost, finds what it has written.
                if self.read(path) == content:
                    return
                raise ExistsError(f"{self.address}/{path}: is there already") from error

    def create_from(self, path: str, source: Path, advance: Advance) -> None:
        """Write an object with the bytes of a local file, as `create` does."""
        with self._errors(path):
            try:
                self._system.put_file(
                    str(source), self._at(path), mode="create", **self._kind(path)
                )
            except (FileExistsError, OSError) as error:
                if _is_there(error):
                    raise ExistsError(f"{self.address}/{path}: is there already") from error
                raise
        advance(source.stat().st_size)

    def files(self, folder: str) -> Mapping[str, int]:
        """Return the size in bytes of each object below a folder, by its path from the top."""
        with self._reading(folder):
            self._system.invalidate_cache()
            try:
                found = self._system.find(self._at(folder), detail=True)
            except FileNotFoundError:
                return {}
        top = self._top.rstrip("/") + "/"
        return {
            name.removeprefix(top): int(each["size"])
            for name, each in found.items()
            # Of an empty folder some servers say that it is there.
            if not name.endswith("/") and each["type"] != "directory"
        }

    def age(self, path: str) -> float:
        """Return how many seconds ago an object was written; 0 where it is not known."""
        with self._reading(path):
            try:
                known = self._system.modified(self._at(path))
            except (FileNotFoundError, NotImplementedError):
                return 0.0
        return time.time() - known.timestamp() if isinstance(known, datetime) else 0.0

    def delete(self, path: str) -> None:
        """Delete an object, if it is there."""
        with self._errors(path):
            try:
                self._system.rm_file(self._at(path))
            except FileNotFoundError:
                return

    def tidy(self) -> None:
        """Delete what a publisher that is no more has left of its probe.

        What was not sent whole is no object.
        """
        tidy_unfinished(self.files, self.age, self.delete)

    def probe(self) -> None:
        """Raise RepositoryError where it cannot be written, or does not keep `create`'s promise."""
        if not keeps_promise(self.create, self.delete, own_path()):
            raise RepositoryError(
                f"{self.address}: this server does not heed {self._service.condition}, so two "
                "publishers at once could lose packages; use one that does, or publish in a folder "
                "and copy it"
            )

    def _at(self, path: str) -> str:
        return f"{self._top}/{path}" if path else self._top

    def _kind(self, path: str) -> dict[str, str]:
        name = self._service.content_type
        return {name: content_type(path)} if name else {}

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Raise what the store or the network says, or that it takes too long, as our own."""
        with patiently() as patience:
            try:
                with self._errors(path):
                    yield
            except StoreError as error:
                self._refuse_impatiently(path, patience, error)
                raise
            # What has no length ends wherever its connection does.
            self._refuse_impatiently(path, patience)

    def _refuse_impatiently(
        self, path: str, patience: Patience, error: Exception | None = None
    ) -> None:
        if patience.reason:
            raise StoreError(
                f"{self.address}/{path}: {patience.reason}; check the network"
            ) from error

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        """Raise what the store or the network says as our own."""
        try:
            yield
        except (RepositoryError, FileNotFoundError, FileExistsError):
            raise
        except Exception as error:
            raise StoreError(
                f"{self.address}/{path}: {reason_of(error)}; check the address, your "
                f"permissions{self._service.login} and the network"
            ) from error


def content_type(path: str) -> str:
    """Return how a file of a repository is to be served."""
    name = path.rpartition("/")[2]
    if path.startswith("simple/") and name == "index.json":
        return "application/vnd.pypi.simple.v1+json"  # pip refuses plain JSON
    if ".conda.sigs" in name:
        return "application/json"
    if name == "InRelease":
        return "text/plain"
    return _KINDS.get(Path(path).suffix, "application/octet-stream")


def _is_there(error: OSError) -> bool:
    # gcsfs then ends an upload in parts, of which the server may know nothing any more.
    if isinstance(error, FileExistsError) or isinstance(error.__context__, FileExistsError):
        return True
    # SeaweedFS's answer comes out of s3fs as this.
    return "pre-condition" in str(error).lower()
