"""How long a server may take: a floor of throughput and a ceiling of time, for every byte of it.

A timeout of requests' is of a single read, so a server that sends a byte a minute, of its headers
or of the TLS handshake, would keep a download for ever.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nipack.system.limits import VARIABLE, limits

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

_BUSY = (429, 500, 502, 503, 504)
WINDOW = 60.0  # seconds, over which the floor is measured
_LOOK = 0.25  # seconds from one look at the clock to the next


class Patience:
    """Watches a download, and closes its connections where a server takes too long.

    `reason` says then why; what reads from the connection meets its end.
    """

    def __init__(self) -> None:
        """Begin to count with the first `with`."""
        self.reason = ""
        self._limits = limits()
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._waiting = False
        self._bytes, self._since = 0, time.monotonic()
        self._begin = self._since
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Patience":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        for each in self._sockets:
            each.close()

    def came(self, count: int) -> None:
        """Count bytes of the file."""
        self._bytes += count

    def watch(self, connection: socket.socket) -> None:
        """Watch a connection, from before its handshake on."""
        with self._lock:
            # An SSLSocket has no dup().
            same = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
            self._sockets.append(same)
            if self.reason:
                self._close()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count nothing while the server has asked to wait."""
        self._waiting = True
        try:
            yield
        finally:
            self._bytes, self._since = 0, time.monotonic()
            self._waiting = False

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            now = time.monotonic()
            if now - self._begin > self._limits.seconds:
                self._end(f"it took more than {self._limits.seconds:,} seconds", "seconds")
            elif now - self._since > WINDOW and not self._waiting:
                if self._bytes < self._limits.rate * WINDOW:
                    self._end(f"it sent fewer than {self._limits.rate:,} bytes a second", "rate")
                self._bytes, self._since = 0, now

    def _end(self, reason: str, name: str) -> None:
        with self._lock:
            self.reason = (
                self.reason or f"{reason} (set {VARIABLE}={name}=NUMBER for another limit)"
            )
            self._close()

    def _close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


_WAITING: ContextVar[Patience | None] = ContextVar("_WAITING", default=None)


@contextmanager
def patiently() -> Iterator[Patience]:
    """Watch what this thread asks of file systems whose loop is `patient_loop`."""
    with Patience() as patience:
        token = _WAITING.set(patience)
        try:
            yield patience
        finally:
            _WAITING.reset(token)


def who_waits() -> Patience | None:
    """Return the patience of whoever asks now, within `patiently`."""
    return _WAITING.get()


def patient_adapter(
    patience_now: Callable[[], Patience], *, attempts: int, pause: float
) -> "HTTPAdapter":
    """Return an adapter for http and https whose every connection is watched.

    Who watches is asked for each request, so that a connection may be kept for the next file.
    Where a server is busy or not reached it tries again, after what the server asks for, but for
    no longer than the limit.
    """
    import requests.adapters
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Response(http.client.HTTPResponse):
        def _safe_read(self, amt: int) -> bytes:
            if amt < 0:  # a chunk of a negative length: all that comes would be read at once
                raise http.client.IncompleteRead(b"")
            read: Any = super()._safe_read  # type: ignore[misc]
            return bytes(read(amt))

    class Plain(HTTPConnection):
        response_class = Response

        def _new_conn(self) -> socket.socket:
            return _watched(super()._new_conn())

        def request(self, *arguments: Any, **options: Any) -> None:
            _watch_kept(self)
            super().request(*arguments, **options)

    class Secure(HTTPSConnection):
        response_class = Response

        def _new_conn(self) -> socket.socket:
            return _watched(super()._new_conn())

        def request(self, *arguments: Any, **options: Any) -> None:
            _watch_kept(self)
            super().request(*arguments, **options)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    class Retry(urllib3.Retry):
        def sleep_for_retry(self, response: Any) -> bool:
            with patience_now().waiting():
                return bool(super().sleep_for_retry(response))

        def parse_retry_after(self, retry_after: str) -> float:
            try:
                seconds = float(super().parse_retry_after(retry_after))
            except (ValueError, OverflowError, TypeError, urllib3.exceptions.HTTPError):
                seconds = 0.0
            return min(seconds, float(limits().wait))

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options)
            _use(self.poolmanager)

        def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
            manager = super().proxy_manager_for(*arguments, **options)
            _use(manager)
            return manager

    def _watched(connection: socket.socket) -> socket.socket:
        patience_now().watch(connection)
        return connection

    def _watch_kept(connection: HTTPConnection) -> None:
        if connection.sock is not None:  # one of another file before, or of a proxy's tunnel
            patience_now().watch(connection.sock)

    def _use(manager: Any) -> None:
        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    return Adapter(
        max_retries=Retry(
            total=attempts - 1, backoff_factor=pause, status_forcelist=_BUSY,
            allowed_methods=["GET"], redirect=False, raise_on_status=False,
        )
    )  # fmt: skip
