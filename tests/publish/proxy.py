"""A network that breaks: a proxy on loopback that ends every connection after so many bytes."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Proxy:
    """Passes bytes on to a server until it has passed so many, and from then on nothing."""

    def __init__(self, port: int, server_port: int) -> None:
        """Take its own port, and that of the server."""
        self.port = port
        self.passed = 0
        self.refused = 0
        self._server_port = server_port
        self._limit: int | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def cut_after(self, count: int | None) -> None:
        """Break after so many more bytes of a client; None for a network that holds."""
        with self._lock:
            self._limit = None if count is None else self.passed + count
            self.refused = 0

    def accept(self, client: socket.socket) -> None:
        """Serve a connection, in threads of its own."""
        with self._lock:
            broken = self._limit is not None and self.passed >= self._limit
            self.refused += broken
        if broken:
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self._server_port))
        for each in (client, server):
            # Else what is short waits until the other end has answered what came before.
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open |= {client, server}
        threading.Thread(target=self._up, args=[client, server], daemon=True).start()
        threading.Thread(target=self._down, args=[client, server], daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(16384):
                with self._lock:
                    left = len(chunk) if self._limit is None else self._limit - self.passed
                    self.passed += max(0, min(len(chunk), left))
                server.sendall(chunk[: max(0, left)])
                if left < len(chunk):
                    self.close()
                    return
        self._end(client, server)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := server.recv(65536):
                client.sendall(chunk)
        self._end(client, server)

    def _end(self, *ends: socket.socket) -> None:
        for each in ends:
            self._open.discard(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        """End every connection."""
        self._end(*self._open)


@contextmanager
def proxy_to(server_port: int) -> Iterator[Proxy]:
    """Give a proxy before a port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = Proxy(listening.getsockname()[1], server_port)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    proxy.accept(listening.accept()[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            proxy.close()
    thread.join()
