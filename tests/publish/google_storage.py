"""Google Cloud Storage on loopback: as much of its JSON API as gcsfs asks for, with conditions.

Source: the reference of the JSON API, objects insert, get, list and delete, and its guides to
preconditions and resumable uploads.  An upload with ifGenerationMatch=0 of what is there gets 412;
asking and writing are one step.
"""

import functools
import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.publish.servers import Place

_OBJECTS, _UPLOADS, _DOWNLOADS = (
    f"{top}/storage/v1/b/lab/o" for top in ("", "/upload", "/download")
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: its bytes, the number of the write that made it, its type and its time."""

    content: bytes
    generation: int
    kind: str
    updated: str


@dataclass(slots=True)
class Bucket:
    """What is in the bucket `lab`; one that does not heed conditions writes whatever it is told.

    With `forbidden` it answers everything as it does to whom nothing is allowed.
    """

    heeds: bool = True
    forbidden: bool = False
    objects: dict[str, Stored] = field(default_factory=dict)
    begun: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, name: str, content: bytes, kind: str, condition: str | None) -> Stored | None:
        """Write an object; return None where its condition is not met."""
        with self._lock:
            there = self.objects.get(name)
            known = str(there.generation if there else 0)
            if self.heeds and condition not in (None, known):
                return None
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            self.objects[name] = Stored(content, next(self._numbers), kind, now)
            return self.objects[name]

    def begin(self, name: str, kind: str, condition: str | None) -> str:
        """Begin a resumable upload; return its number."""
        with self._lock:
            number = str(next(self._numbers))
            self.begun[number] = name, kind, condition
            return number


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *words: Any, bucket: Bucket) -> None:
        self._bucket = bucket
        super().__init__(*words)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        path, asked = self._asked()
        if self._bucket.forbidden or path != _UPLOADS:
            self._refuse(path)
        elif "upload_id" in asked:
            name, kind, condition = self._bucket.begun[asked["upload_id"]]
            self._put(name, content, kind, condition)
        elif asked["uploadType"] == "resumable":
            name = json.loads(content)["name"]
            kind = self.headers["X-Upload-Content-Type"]
            number = self._bucket.begin(name, kind, asked.get("ifGenerationMatch"))
            place = f"http://{self.headers['Host']}{path}?uploadType=resumable&upload_id={number}"
            self._answer(200, b"", Location=place)
        else:
            border = self.headers["Content-Type"].partition('boundary="')[2].rstrip('"').encode()
            name, kind, content = _parts(content, border)
            self._put(name, content, kind, asked.get("ifGenerationMatch"))

    def do_GET(self) -> None:
        path, asked = self._asked()
        top, name = path[: path.find("/o") + 2], path[path.find("/o") + 3 :]
        found = self._bucket.objects.get(name)
        if self._bucket.forbidden or (found is None and name):
            self._refuse(path)
        elif found is None:
            self._list(asked.get("prefix", ""))
        elif top == _DOWNLOADS or asked.get("alt") == "media":
            start, _, end = (
                self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            )
            part = found.content[int(start) : int(end or len(found.content)) + 1]
            self._answer(206 if "Range" in self.headers else 200, part, found.kind)
        else:
            self._json(_about(name, found))

    def do_DELETE(self) -> None:
        path, _ = self._asked()
        name = path.removeprefix(f"{_OBJECTS}/")
        if self._bucket.forbidden or name not in self._bucket.objects:
            self._refuse(path)
        else:
            del self._bucket.objects[name]
            self._answer(204, b"")

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return unquote(parts.path), dict(parse_qsl(parts.query))

    def _put(self, name: str, content: bytes, kind: str, condition: str | None) -> None:
        stored = self._bucket.put(name, content, kind, condition)
        if stored is None:
            self._json({"error": {"code": 412, "message": "conditionNotMet"}}, 412)
        else:
            self._json(_about(name, stored))

    def _list(self, prefix: str) -> None:
        found = sorted(self._bucket.objects.items())
        self._json(
            {"items": [_about(name, each) for name, each in found if name.startswith(prefix)]}
        )

    def _refuse(self, path: str) -> None:
        code = 403 if self._bucket.forbidden else 404
        message = "ada does not have storage.objects access" if code == 403 else f"no {path}"
        self._json({"error": {"code": code, "message": message}}, code)

    def _json(self, document: dict[str, Any], status: int = 200) -> None:
        self._answer(status, json.dumps(document).encode(), "application/json")

    def _answer(self, status: int, content: bytes, kind: str = "text/plain", **more: str) -> None:
        self.send_response(status)
        for name, value in {
            **more,
            "Content-Type": kind,
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        pass


def _parts(body: bytes, border: bytes) -> tuple[str, str, bytes]:
    """Return the name, the type and the bytes of a multipart upload."""
    body = body[: body.rindex(b"\n--" + border + b"--")]
    _, about, rest = body.split(b"--" + border + b"\n", 2)
    head, _, content = rest.partition(b"\n\n")
    return (
        json.loads(about.partition(b"\n\n")[2])["name"],
        head.decode().partition(": ")[2],
        content,
    )


def _about(name: str, stored: Stored) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "name": name,
        "bucket": "lab",
        "size": str(len(stored.content)),
        "generation": str(stored.generation),
        "contentType": stored.kind,
        "updated": stored.updated,
        "timeCreated": stored.updated,
    }


@contextmanager
def google(work: Path, bucket: Bucket) -> Iterator[Place]:
    """Give a bucket, and the variables with which gcsfs gets there and asks nobody else."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Answers, bucket=bucket)
    )
    server.daemon_threads = True  # A client keeps its connections open.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Place(
            "gs://lab/data",
            {
                "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{server.server_address[1]}",
                "NO_GCE_CHECK": "true",
                "CLOUDSDK_CONFIG": str(work / "no-credentials"),
                "GOOGLE_APPLICATION_CREDENTIALS": "",
            },
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
