"""A server on this machine's loopback, by https, with an authority of its own."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

CONTENT = bytes(range(256)) * 4000
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """A server that breaks off, is busy and changes its mind when it is told to.

    With `files` it has those, by path, and nothing else; `paths` are those that were asked for.
    """

    address: str = ""
    content: bytes = CONTENT
    etag: str = '"1"'
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    connections: int = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        headers = dict(handler.headers)
        self.asked.append(headers)
        self.paths.append(handler.path)
        if self.answers:
            self.answers.pop(0)(handler)
            return
        if self.statuses:
            self._empty(handler, self.statuses.pop(0))
            return
        if self.files and handler.path not in self.files:
            self._empty(handler, 404)
            return
        if self.etag and headers.get("If-None-Match") == self.etag:
            handler.send_response(304)
            handler.end_headers()
            return
        self._send(handler, *self._wanted(headers))

    @property
    def base(self) -> str:
        """The address of its top, with a slash."""
        return self.address.rpartition("/")[0] + "/"

    def _empty(self, handler: BaseHTTPRequestHandler, status: int) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _wanted(self, headers: dict[str, str]) -> tuple[int, int | None]:
        """Return where the wanted part begins, and its last byte where one is named."""
        same = headers.get("If-Range") in (None, self.etag)
        wanted = headers.get("Range", "bytes=0-") if self.ranges and same else "bytes=0-"
        begin, _, last = wanted.removeprefix("bytes=").partition("-")
        return int(begin), int(last) if last else None

    def _send(self, handler: BaseHTTPRequestHandler, begin: int, last: int | None) -> None:
        content = self.files.get(handler.path, self.content)
        if begin > len(content):
            self._empty(handler, 416)
            return
        rest = content[begin:] if last is None else content[begin : last + 1]
        is_part = bool(begin) or last is not None
        handler.send_response(206 if is_part else 200)
        if is_part:
            end = f"{begin + len(rest) - 1}/{len(content)}"
            handler.send_header("Content-Range", f"bytes {begin}-{end}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest[: self.break_after.pop(0)] if self.break_after else rest)


def sent(*lines: str, body: bytes = b"", status: int = 200) -> Answer:
    """An answer of these headers, as they are."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status} So", *lines, "", ""])
        handler.wfile.write(head.encode("latin-1") + body)
        handler.close_connection = True

    return answer


def dripped(start: bytes, drop: bytes) -> Answer:
    """An answer that begins, and then goes on by a drop now and then, without an end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        with suppress(OSError):
            while True:
                handler.wfile.write(drop)
                time.sleep(0.02)

    return answer


SLOW = {
    "silence": dripped(b"", b""),
    "a dripped header": dripped(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "headers without an end": dripped(b"HTTP/1.1 200 OK\r\n", b"X-Slow: a\r\n"),
    "a byte now and then": dripped(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"a"),
    "a body without a length": dripped(b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    "dripped chunks": dripped(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"
    ),
    "a chunk's length without an end": dripped(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"
    ),
}


@contextmanager
def serving(authority_file: Path | None, *, keeps: bool = False) -> Iterator[Server]:
    """Serve one file, whatever the path; who trusts the authority of this file can fetch it.

    Without such a file it is plain http.  One that `keeps` leaves a connection open for the next.
    """
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps else "HTTP/1.0"

        def do_GET(self) -> None:
            served.answer(self)

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("ETag", served.etag)
            self.send_header("Content-Length", str(len(served.content)))
            self.end_headers()

        def handle(self) -> None:
            served.connections += 1
            # A client may go at any time.
            with suppress(OSError):
                super().handle()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        scheme = "http" if authority_file is None else "https"
        if authority_file is not None:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(authority_file)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
            httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        served.address = f"{scheme}://localhost:{httpd.server_address[1]}/data-1.0.tar.gz"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield served
        finally:
            httpd.shutdown()
            thread.join()
