"""Artifacts, keys, and a web server on loopback."""

import functools
import http.server
import io
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
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
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder, which need not be there yet, and give its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
