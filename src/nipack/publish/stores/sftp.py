"""A repository on a machine that one reaches by SSH: sftp://USER@HOST/PATH.

It does what a folder's store does, over there: a file is written aside and gets its name by a
rename, which replaces, or by a link, which does not.  Source: OpenSSH's PROTOCOL, for the
extensions posix-rename, hardlink and fsync.
"""

import asyncio
import contextlib
import hashlib
import posixpath
import stat
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from nipack.publish.errors import ExistsError, RepositoryError, StoreError
from nipack.publish.stores.promise import keeps_promise
from nipack.publish.stores.unfinished import own_path, tidy_unfinished
from nipack.system.extras import how_to_have
from nipack.system.hashing import CHUNK
from nipack.system.limits import how_to_raise, limits
from nipack.system.progress import Advance

Answer = TypeVar("Answer")
_CLOSING = 3  # seconds for a farewell


class SftpStore:
    """Files get their name when all of their bytes are there.

    Who it is, its keys and the hosts that are known are those of the user's ssh.
    """

    def __init__(self, address: str) -> None:
        """Take sftp://USER@HOST:PORT/PATH; it is reached when something is asked of it."""
        try:
            import asyncssh  # noqa: F401
        except ImportError as error:
            raise RepositoryError(how_to_have("asyncssh", f"{address}: sftp", error)) from error
        parts = urlsplit(address.rstrip("/"))
        if not parts.hostname or not parts.path:
            raise RepositoryError(
                f"{address}: is not an address; write it as sftp://ada@host/srv/data"
            )
        self.folder: Path | None = None
        # Without a password.
        self.address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._top = unquote(parts.path)
        self._session = _Session(parts)
        self._folders: set[str] = set()

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        content = bytearray()
        found = self._received(path, content.extend)
        return bytes(content) if found else None

    def digest(self, path: str) -> tuple[int, str] | None:
        """Return a file's size in bytes and its sha256, or None where there is none."""
        digest, size = hashlib.sha256(), 0

        def take(chunk: bytes) -> None:
            nonlocal size
            digest.update(chunk)
            size += len(chunk)

        return (size, digest.hexdigest()) if self._received(path, take) else None

    def _received(self, path: str, take: Callable[[bytes], None]) -> bool:
        """Give a file's bytes to a function; tell whether there is one."""

        async def receive(client: Any) -> None:
            async with client.open(self._at(path), "rb") as stream:
                while chunk := await stream.read(CHUNK):
                    take(chunk)
                    self._session.has_answered()

        with self._errors(path):
            try:
                self._session.do(receive)
            except FileNotFoundError:
                return False
        return True

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of one that is there."""

        async def send(client: Any) -> None:
            async with self._unfinished(client, path) as (stream, temporary):
                await stream.write(content)
                await _flush(stream)
                await client.posix_rename(temporary, self._at(path))

        with self._errors(path):
            self._session.do(send)

    def create(self, path: str, content: bytes) -> None:
        """Write a file; raises ExistsError where there is one, with whatever bytes."""

        async def send(client: Any) -> None:
            async with self._unfinished(client, path) as (stream, temporary):
                await stream.write(content)
                await _flush(stream)
                await self._link(client, temporary, path)

        with self._errors(path):
            self._session.do(send)

    def create_from(self, path: str, source: Path, advance: Advance) -> None:
        """Write a file with the bytes of a local one, as `create` does."""

        async def send(client: Any) -> None:
            async with self._unfinished(client, path) as (stream, temporary):
                with source.open("rb", buffering=0) as local:
                    while chunk := local.read(CHUNK):
                        await stream.write(chunk)
                        advance(len(chunk))
                        self._session.has_answered()
                await _flush(stream)
                await self._link(client, temporary, path)

        with self._errors(path):
            self._session.do(send)

    async def _link(self, client: Any, temporary: str, path: str) -> None:
        # A rename would replace what is there; a link refuses to, and does not say that it was why.
        import asyncssh

        try:
            await client.link(temporary, self._at(path))
        except asyncssh.SFTPError as error:
            if await client.exists(self._at(path)):
                raise ExistsError(f"{self.address}/{path}: is there already") from error
            raise

    @asynccontextmanager
    async def _unfinished(self, client: Any, path: str) -> AsyncIterator[tuple[Any, str]]:
        """Open a file that nobody sees, and delete it at the end."""
        import asyncssh

        temporary = self._at(own_path())
        for folder in {posixpath.dirname(self._at(path)), posixpath.dirname(temporary)}:
            if folder not in self._folders:
                await client.makedirs(folder, exist_ok=True)
                self._folders.add(folder)
        try:
            async with client.open(temporary, "xb") as stream:
                yield stream, temporary
        finally:
            # It has another name by now, or the connection is gone: then `tidy` finds it.
            with contextlib.suppress(asyncssh.Error, OSError):
                await client.unlink(temporary)

    def files(self, folder: str) -> Mapping[str, int]:
        """Return the size in bytes of each file below a folder, by its path from the top."""

        import asyncssh

        async def walk(client: Any) -> dict[str, int]:
            found: dict[str, int] = {}
            folders = [folder]
            while folders:
                here = folders.pop()
                try:
                    entries = await client.readdir(self._at(here))
                    self._session.has_answered()
                except asyncssh.SFTPNoSuchFile:
                    continue
                for entry in entries:
                    path = posixpath.join(here, str(entry.filename))
                    if entry.filename in (".", ".."):
                        continue
                    if stat.S_ISDIR(entry.attrs.permissions):
                        folders.append(path)
                    else:
                        found[path] = int(entry.attrs.size)
            return found

        with self._errors(folder):
            return self._session.do(walk)

    def age(self, path: str) -> float:
        """Return how many seconds ago a file was written; 0 where it is not known."""

        async def written(client: Any) -> float:
            return float((await client.stat(self._at(path))).mtime or time.time())

        with self._errors(path):
            try:
                return time.time() - self._session.do(written)
            except FileNotFoundError:
                return 0.0

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""

        async def unlink(client: Any) -> None:
            await client.unlink(self._at(path))

        with self._errors(path), contextlib.suppress(FileNotFoundError):
            self._session.do(unlink)

    def tidy(self) -> None:
        """Delete what a publisher has left that is no more, or was not seen for a day."""
        tidy_unfinished(self.files, self.age, self.delete)

    def probe(self) -> None:
        """Raise RepositoryError where it cannot be written, or does not keep `create`'s promise."""
        if not keeps_promise(self.create, self.delete, own_path()):
            raise RepositoryError(
                f"{self.address}: this server makes a link over a file that is there, so two "
                "publishers at once could lose packages; use OpenSSH's"
            )

    def _at(self, path: str) -> str:
        return posixpath.join(self._top, path) if path else self._top

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        """Raise what the server or the network says as our own."""
        import asyncssh

        try:
            yield
        except (asyncssh.Error, OSError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise StoreError(
                f"{self.address}/{path}: {reason}; check the connection, your permissions and the "
                "free space on its disk"
            ) from error


async def _flush(stream: Any) -> None:
    import asyncssh

    # Not every server has the extension.
    with contextlib.suppress(asyncssh.SFTPOpUnsupported):
        await stream.fsync()


class _Session:
    """A connection, and the thread that its coroutines run in."""

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Any = None
        self._alive = 0.0

    def do(self, action: Callable[[Any], Coroutine[Any, Any, Answer]]) -> Answer:
        """Return what an action answers that is given the client."""
        import asyncssh

        async def acted() -> Answer:
            try:
                return await action(self._client)
            except asyncssh.SFTPNoSuchFile as error:
                raise FileNotFoundError(str(error)) from error

        with self._lock:
            loop = self._loop or self._started()
            if self._client is None:
                self._client = self._wait(loop, self._watched(self._connected()))
        return self._wait(loop, self._watched(acted()))

    def has_answered(self) -> None:
        """Note that the server has just answered."""
        self._alive = time.monotonic()

    async def _watched(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for work; raises TimeoutError where the server has answered nobody for too long.

        A connection may stand, and its other end say no more than that it does.
        """
        self.has_answered()
        task, most = asyncio.ensure_future(work), limits().silence
        while not (await asyncio.wait({task}, timeout=most))[0]:
            if time.monotonic() - self._alive >= most:
                for each in self._connections:
                    each.abort()
                task.cancel()
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                raise TimeoutError(
                    f"has not answered for {most} seconds; {how_to_raise('silence')}"
                )
        self.has_answered()
        return task.result()

    def _started(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=[loop], daemon=True)
        thread.start()
        self._connections: list[Any] = []
        weakref.finalize(self, _end, loop, thread, self._connections)
        return loop

    @staticmethod
    def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def _connected(self) -> Any:
        import asyncssh

        more: dict[str, Any] = {
            name: value
            for name, value in (
                ("port", self._parts.port),
                ("username", self._parts.username and unquote(self._parts.username)),
                ("password", self._parts.password and unquote(self._parts.password)),
            )
            if value is not None
        }
        connection = await asyncssh.connect(
            self._parts.hostname,
            connect_timeout=limits().silence,
            keepalive_interval=limits().silence,
            **more,
        )
        self._connections.append(connection)
        return await connection.start_sftp_client()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread, connections: list[Any]) -> None:
    """Close a session's connections, and end its thread."""

    async def closed() -> None:
        for each in connections:
            each.close()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(each.wait_closed(), _CLOSING)
        loop.stop()

    asyncio.run_coroutine_threadsafe(closed(), loop)
    if thread is not threading.current_thread():
        thread.join(2 * _CLOSING)
