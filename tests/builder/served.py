"""A server on this machine's loopback, by https, with an authority of its own."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

CONTENT = bytes(range(256)) * 4000


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
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)

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
        self._send(handler, self._begin(headers))

    @property
    def base(self) -> str:
        """The address of its top, with a slash."""
        return self.address.rpartition("/")[0] + "/"

    def _empty(self, handler: BaseHTTPRequestHandler, status: int) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _begin(self, headers: dict[str, str]) -> int:
        same = headers.get("If-Range") in (None, self.etag)
        wanted = headers.get("Range", "bytes=0-") if self.ranges and same else "bytes=0-"
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def _send(self, handler: BaseHTTPRequestHandler, begin: int) -> None:
        content = self.files.get(handler.path, self.content)
        if begin > len(content):
            self._empty(handler, 416)
            return
        rest = content[begin:]
        handler.send_response(206 if begin else 200)
        if begin:
            end = f"{len(content) - 1}/{len(content)}"
            handler.send_header("Content-Range", f"bytes {begin}-{end}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(rest)))
        handler.end_headers()
        handler.wfile.write(rest[: self.break_after.pop(0)] if self.break_after else rest)


@contextmanager
def serving(authority_file: Path) -> Iterator[Server]:
    """Serve one file, whatever the path; who trusts the authority of this file can fetch it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(authority_file)
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def handle(self) -> None:
            # A client may go at any time.
            with suppress(OSError):
                super().handle()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        served.address = f"https://localhost:{httpd.server_address[1]}/data-1.0.tar.gz"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield served
        httpd.shutdown()
        thread.join()
