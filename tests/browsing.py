"""A real browser for tests of pages: Debian's chromium, which asks no other host for anything."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Page]
"""Opens an address in a context of its own, with the options of one."""


@contextmanager
def launched(more: Sequence[str] = ()) -> Iterator[Browser]:
    """Start the browser with some more options, and end it afterwards."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*OPTIONS, *more]
        )
        yield found
        found.close()


@contextmanager
def opening(browser: Browser, *, may_log: bool = False) -> Iterator[Open]:
    """Open pages, and fail at the end where a console said something or another host was asked.

    With `may_log` the console may have what is neither an error nor a warning.
    """
    contexts = []
    wrong: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if "GL Driver Message (OpenGL, Performance" in message.text:
            return  # that drawing without a graphics card is slow
        if not may_log or message.type in ("error", "warning"):
            wrong.append(f"{message.type}: {message.text}")

    def asked(request: Request) -> None:
        if not request.url.startswith(("file:", "http://127.0.0.1", "data:")):
            wrong.append(request.url)

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # not one that leaving the page ended
            wrong.append(f"no {request.url}: {request.failure}")

    def opened(address: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", said)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", failed)
        page.on("request", asked)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong, wrong


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder without an index of any, as a bucket has none; yield its address."""

    class Bucket(http.server.SimpleHTTPRequestHandler):
        index_pages = ()

        def list_directory(self, path: Any) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Bucket, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
