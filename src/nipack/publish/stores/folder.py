"""A repository in a folder: of a web server's machine, or of a disk that several share."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nipack.publish.errors import ExistsError, RepositoryError, StoreError
from nipack.publish.stores.promise import keeps_promise
from nipack.publish.stores.unfinished import UNFINISHED, is_abandoned, own_path
from nipack.system.errors import system_errors_as
from nipack.system.hashing import CHUNK, digest_file
from nipack.system.progress import Advance

_REMEDY = "check the folder's permissions and the free space on its disk"


class FolderStore:
    """Files get their name when all of their bytes are on the disk."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, which need not be there; raises RepositoryError where a file is."""
        if folder.is_file():
            raise RepositoryError(
                f"{folder}: is a file, and not the folder of a repository; the repository is named "
                "last"
            )
        self.folder: Path | None = folder
        self._top = folder
        self.address = str(folder)

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        with system_errors_as(StoreError, _REMEDY):
            try:
                return (self._top / path).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return a file's size in bytes and its sha256, or None where there is none."""
        with system_errors_as(StoreError, _REMEDY):
            try:
                found = digest_file(self._top / path, ["sha256"])
            except (FileNotFoundError, NotADirectoryError):
                return None
        return found.size, found.by_algorithm["sha256"]

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of one that is there."""
        if self._has(path, content):
            return
        with self._unfinished(path) as (output, temporary):
            output.write(content)
            _flush(output)
            self._put(temporary.replace, path)

    def _has(self, path: str, content: bytes) -> bool:
        """Tell whether a file is there with these bytes: to write it again takes its time."""
        file = self._top / path
        try:
            return file.stat().st_size == len(content) and file.read_bytes() == content
        except OSError:
            return False

    def create(self, path: str, content: bytes) -> None:
        """Write a file; raises ExistsError where there is one, with whatever bytes."""
        with self._unfinished(path) as (output, temporary):
            output.write(content)
            _flush(output)
            self._link(temporary, path)

    def create_from(self, path: str, source: Path, advance: Advance) -> None:
        """Write a file with the bytes of a local one, as `create` does."""
        with self._unfinished(path) as (output, temporary):
            with source.open("rb", buffering=0) as stream:
                while chunk := stream.read(CHUNK):
                    output.write(chunk)
                    advance(len(chunk))
            _flush(output)
            self._link(temporary, path)

    def _link(self, temporary: Path, path: str) -> None:
        # rename(2) would replace what is there; link(2) refuses to.
        try:
            self._put(lambda target: os.link(temporary, target), path)
        except FileExistsError as error:
            raise ExistsError(f"{self._top / path}: is there already") from error

    def _put(self, give: Callable[[Path], object], path: str) -> None:
        """Give a file its name; its folder is made where there is none."""
        target = self._top / path
        try:
            give(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            give(target)

    @contextmanager
    def _unfinished(self, path: str) -> Iterator[tuple[IO[bytes], Path]]:
        """Open a file that nobody sees, and delete it at the end."""
        temporary = self._top / own_path()
        with system_errors_as(StoreError, _REMEDY, place=self.address):
            try:
                with self._new(temporary) as output:
                    yield output, temporary
            except OSError as error:
                error.filename = str(self._top / path)
                raise
            finally:
                temporary.unlink(missing_ok=True)

    def _new(self, file: Path) -> IO[bytes]:
        """Open a new file; its folder is nearly always there, and to ask takes its time."""
        try:
            return file.open("xb")
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            return file.open("xb")

    def files(self, folder: str) -> Mapping[str, int]:
        """Return the size in bytes of each file below a folder, by its path from the top."""
        found = {}
        for directory, _, names in os.walk(self._top / folder):
            for name in names:
                file = Path(directory, name)
                found[file.relative_to(self._top).as_posix()] = file.stat().st_size
        return found

    def age(self, path: str) -> float:
        """Return how many seconds ago a file was written; 0 where it is not known."""
        return _age(self._top / path)

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        with system_errors_as(StoreError, _REMEDY):
            (self._top / path).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete what a publisher has left that is no more, or was not seen for a day."""
        unfinished = self._top / UNFINISHED
        with system_errors_as(StoreError, _REMEDY):
            for file in sorted(unfinished.iterdir()) if unfinished.is_dir() else ():
                if is_abandoned(file.name, _age(file)):
                    file.unlink(missing_ok=True)

    def probe(self) -> None:
        """Raise RepositoryError where it cannot be written, or does not keep `create`'s promise."""
        if not keeps_promise(self.create, self.delete, own_path()):
            raise RepositoryError(
                f"{self.address}: two could create the same file here, so two publishers at once "
                "could lose packages; use a folder on another file system"
            )


def _flush(output: IO[bytes]) -> None:
    output.flush()
    os.fsync(output.fileno())


def _age(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
