"""Artifacts, keys, and a web server on loopback."""

import functools
import http.server
import io
import json
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from click.testing import CliRunner, Result
from tests.conftest import REPOSITORY

from nipack.cli.app import nipack
from nipack.publish.keys import make_key

EXAMPLE = REPOSITORY / "recipes" / "nipy-examplepkg"
PUBLISHERS = 8  # at once


def run(*words: object) -> Result:
    """Run nipack in this process."""
    return CliRunner().invoke(nipack, [str(word) for word in words])


def publish(*words: object) -> dict[str, Any]:
    """Publish, and return what is printed as JSON."""
    done = run("publish", *words, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def made_artifacts(folder: Path) -> dict[str, dict[str, Path]]:
    """Build the example in two versions; return the artifacts by version and suffix."""
    for version in ("0.1", "0.2"):
        shutil.copytree(EXAMPLE, folder / version)
        for name in ("package.yaml", "examplepkg/config.ini"):
            file = folder / version / name
            file.write_text(file.read_text("utf-8").replace("0.1", version), "utf-8")
    words = ["-f", "conda", "-f", "deb", "-f", "wheel", "-q", "--json", "-o", str(folder / "dist")]
    sources = [str(folder / version) for version in ("0.1", "0.2")]
    command = [sys.executable, "-m", "nipack", "build", *sources, *words]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, dict[str, Path]] = {"0.1": {}, "0.2": {}}
    for each in json.loads(done.stdout)["artifacts"]:
        path = Path(each["path"])
        version = "0.2" if "0.2" in path.name else "0.1"
        found[version][path.suffix] = path
    return found


def made_by_each(top: Path) -> list[list[Path]]:
    """Build as many packages as there are publishers; return the artifacts of each."""
    for number in range(PUBLISHERS):
        shutil.copytree(EXAMPLE, top / "recipes" / str(number))
        definition = top / "recipes" / str(number) / "package.yaml"
        text = definition.read_text("utf-8").replace("examplepkg\n", f"example{number}\n")
        definition.write_text(text.replace(f"data: example{number}", "data: examplepkg"), "utf-8")
    words = ["-f", "conda", "-f", "deb", "-f", "wheel", "-q", "-o", str(top / "dist")]
    subprocess.run([sys.executable, "-m", "nipack", "build", str(top / "recipes"), *words],
                   check=True, capture_output=True)  # fmt: skip
    built = sorted((top / "dist").iterdir())
    return [[path for path in built if f"example{n}" in path.name] for n in range(PUBLISHERS)]


def made_key(path: Path) -> Path:
    make_key("Ada's lab <data@lab.example>", path, years=5)
    return path


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def send_head(self) -> "io.BytesIO | BinaryIO | None":
        # It compares whole seconds, and a test publishes twice in one.
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def serving(
    folder: Path, handler: Callable[..., http.server.SimpleHTTPRequestHandler] = _Quiet
) -> Iterator[str]:
    """Serve a folder, which need not be there yet, and give its address."""
    with _served(functools.partial(handler, directory=str(folder))) as address:
        yield address


class _BeforeBucket(http.server.BaseHTTPRequestHandler):
    """Answers with what a bucket has, and with index.html for what ends with a slash."""

    def __init__(self, *words: Any, bucket: str) -> None:
        self._bucket = bucket
        super().__init__(*words)

    def do_GET(self) -> None:
        path = f"{self.path}index.html" if self.path.endswith("/") else self.path
        try:
            with urllib.request.urlopen(self._bucket + path) as found:
                self._answer(200, found.headers["Content-Type"], found.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, "text/plain", b"")

    do_HEAD = do_GET

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def serving_bucket(address: str) -> Iterator[str]:
    """Serve what a bucket gives to anybody over HTTP, and give its address."""
    with _served(functools.partial(_BeforeBucket, bucket=address)) as served:
        yield served


@contextmanager
def _served(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
