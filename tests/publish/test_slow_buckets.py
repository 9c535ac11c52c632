"""Servers of buckets that drip: what is read of them ends, and says why."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter
from tests.builder.served import CONTENT, SLOW, Server, serving
from tests.publish.servers import CREDENTIALS

from nipack.builder.definition.sources import Source
from nipack.builder.source.tree import fetch_source
from nipack.publish.errors import StoreError
from nipack.publish.stores.bucket import BucketStore
from nipack.system import buckets, patience
from nipack.system.errors import SourceError

FLOOR = r"it sent fewer than 1,000 bytes a second \(set NIPACK_LIMITS=rate=NUMBER"
READS: dict[str, Callable[[BucketStore, str], object]] = {
    "read": BucketStore.read,
    "digest": BucketStore.digest,
    "files": BucketStore.files,
}


def ask_of(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let every bucket be one of this server, which is asked once."""
    top = server.base.rstrip("/")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", top)
    if (tmp_path / "ca.pem").exists():
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", top)
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(buckets, "S3FS_TRIES", 1)
    monkeypatch.setattr(buckets, "BOTOCORE_TRIES", 1)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(None) as served:
        ask_of(served, monkeypatch, tmp_path)
        yield served


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the floor of throughput over a fifth of a second."""
    monkeypatch.setattr(patience, "_LOOK", 0.02)
    monkeypatch.setattr(patience, "WINDOW", 0.2)


@pytest.mark.slow(1)
@pytest.mark.parametrize(
    ("how", "read"),
    [*((how, "read") for how in SLOW), ("silence", "digest"), ("a dripped header", "files")],
)
def test_a_bucket_that_is_too_slow_is_given_up(
    how: str, read: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    server.answers = [SLOW[how]] * 20
    with pytest.raises(StoreError, match=FLOOR if how in TOLD else "s3://lab"):
        READS[read](BucketStore("s3://lab/data"), "data.deb")


# What is against HTTP may be found before it is slow.
TOLD = SLOW.keys() - {"headers without an end", "a chunk's length without an end"}


@pytest.mark.slow(3)
@pytest.mark.parametrize("how", ["silence", "a byte now and then"])
def test_one_of_google_s_is_given_up(
    how: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    monkeypatch.setattr("gcsfs.retry.asyncio.sleep", no_pause)
    server.answers = [SLOW[how]] * 20
    with pytest.raises(StoreError, match=f"gs://lab/data/data.deb: {FLOOR}"):
        BucketStore("gs://lab/data").read("data.deb")


async def no_pause(seconds: float) -> None:
    """Go on at once."""


@pytest.mark.slow(1)
@pytest.mark.parametrize("how", ["a dripped header", "a byte now and then"])
def test_a_connection_that_is_kept_is_watched_for_each_file(
    how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serving(None, keeps=True) as server:
        ask_of(server, monkeypatch, tmp_path)
        store = BucketStore("s3://lab/data")
        assert store.read("a") == CONTENT
        hasten(monkeypatch)
        server.answers = [SLOW[how]]
        with pytest.raises(StoreError, match=FLOOR):
            store.read("b")
        # aiohttp asks once more where a kept connection has ended.
        assert server.connections <= 2


@pytest.mark.slow(1)
def test_a_read_has_an_end_however_fast_it_comes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "seconds=0")
    server.answers = [SLOW["a body without a length"]] * 20
    with pytest.raises(StoreError, match="it took more than 0 seconds"):
        BucketStore("s3://lab/data").read("data.deb")


@pytest.mark.slow(2)
def test_a_source_that_drips_is_given_up_and_gone_on_with(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nipack.builder.source.bucket._BLOCK", 1 << 16)
    monkeypatch.setattr("nipack.builder.source.bucket._READ", 1 << 16)
    served = Server.answer

    def answer(self: Server, handler: BaseHTTPRequestHandler) -> None:
        if len(self.asked) == 3:
            hasten(slow)
            self.answers = [SLOW["a byte now and then"]] * 20
        served(self, handler)

    source = Source(address="s3://lab/data.bin", sha256=hashlib.sha256(CONTENT).hexdigest())
    with monkeypatch.context() as slow:
        slow.setattr(Server, "answer", answer)
        told = f"s3://lab/data.bin: cannot be fetched: lab: {FLOOR} .*; the next run continues"
        with pytest.raises(SourceError, match=told):
            fetch_source(source, RecordingReporter())
    server.asked.clear()
    server.answers.clear()
    assert fetch_source(source, RecordingReporter())[0].read_bytes() == CONTENT
    assert re.fullmatch(r"bytes=[1-9]\d+-\d+", server.asked[0]["Range"])


@contextmanager
def tunnel(port: int) -> Iterator[int]:
    """Lead whoever asks, by CONNECT, to a port of this machine; yield that of the proxy."""

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(1 << 16):
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client = listener.accept()[0]
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):
                    asked += client.recv(4096)
                assert asked.startswith(b"CONNECT ")
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                server = socket.create_connection(("127.0.0.1", port))
                opened.extend((client, server))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pass_on, args=ends, daemon=True).start()

    opened: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            for each in opened:
                each.close()


@pytest.mark.slow(2)
@pytest.mark.parametrize("proxied", [False, True])
def test_what_comes_by_https_counts_too(
    proxied: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    came: list[int] = []
    monkeypatch.setattr(patience.Patience, "came", lambda self, count: came.append(count))
    with serving(tmp_path / "ca.pem") as server:
        ask_of(server, monkeypatch, tmp_path)
        port = int(server.base.rstrip("/").rpartition(":")[2])
        with tunnel(port) as proxy:
            if proxied:
                monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
                monkeypatch.setenv("NO_PROXY", "")
            assert BucketStore("s3://lab/data").read("a") == CONTENT
            assert sum(came) >= len(CONTENT)
            monkeypatch.undo()
            ask_of(server, monkeypatch, tmp_path)
            if proxied:
                monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
                monkeypatch.setenv("NO_PROXY", "")
            hasten(monkeypatch)
            server.answers = [SLOW["a byte now and then"]] * 4
            with pytest.raises(StoreError, match=FLOOR):
                BucketStore("s3://lab/data").read("a")
