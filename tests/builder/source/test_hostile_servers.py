"""Servers that lie, stall, never end or lead elsewhere: a download ends in time, with a reason."""

import gc
import os
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.builder.samples import RecordingReporter
from tests.builder.served import CONTENT, SLOW, Server, dripped, sent, serving

from nipack.builder.definition.sources import Source
from nipack.builder.source import download as module
from nipack.builder.source.tree import fetch_source
from nipack.cli.app import nipack
from nipack.system import patience
from nipack.system.errors import SourceError


@pytest.fixture(scope="module", autouse=True)
def what_was_there_before() -> Iterator[None]:
    """Leave out, of what is collected after each test, the million things of the process."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setattr(patience, "_LOOK", 0.05)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    with serving(tmp_path / "ca.pem") as served:
        yield served
    # http.client leaves a socket to the collector where there was no status line.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the floor of throughput over half a second, not over a minute."""
    monkeypatch.setattr(patience, "WINDOW", 0.5)


def fetch(address: str) -> bytes:
    path, _ = fetch_source(Source(address=address), RecordingReporter())
    return path.read_bytes()


def refusal(address: str, seconds: float = 60) -> str:
    start = time.monotonic()
    with pytest.raises(SourceError) as caught:
        fetch(address)
    assert time.monotonic() - start < seconds
    assert threading.active_count() < 20
    return str(caught.value)


QUICK = ("silence", "a dripped header", "a byte now and then")


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=[] if how in QUICK else pytest.mark.slow) for how in SLOW]
)
@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_too_slow_is_given_up(how: str, server: Server) -> None:
    server.answers = [SLOW[how]] * 9
    said = refusal(server.address)
    if how not in ("headers without an end", "a chunk's length without an end"):
        assert "it sent fewer than 1,000 bytes a second (set NIPACK_LIMITS=rate=NUMBER" in said


@pytest.mark.slow(1)
def test_a_download_has_an_end_however_fast_it_is(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "seconds=1")
    server.answers = [dripped(b"HTTP/1.1 200 OK\r\n\r\n", bytes(10_000))]
    assert "it took more than 1 seconds" in refusal(server.address)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_the_floor_can_be_lowered(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "rate=0 seconds=2")
    server.answers = [SLOW["a byte now and then"]]
    assert "it took more than 2 seconds" in refusal(server.address)


@pytest.mark.slow(1)
@pytest.mark.usefixtures("impatient")
def test_a_server_that_speaks_no_tls(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"https://localhost:{listener.getsockname()[1]}/a.tar.gz"
        assert "it sent fewer than" in refusal(address)


LIES = {
    "a length of 4,500 digits": sent("Content-Length: " + "9" * 4500, body=b"x"),
    "a length that is a power": sent("Content-Length: \xb2", body=b"x"),
    "a negative length": sent("Content-Length: -5", body=b"x"),
    "two lengths": sent("Content-Length: 1", "Content-Length: 2", body=b"xy"),
    "a negative chunk": sent("Transfer-Encoding: chunked", body=b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk to the end": sent("Transfer-Encoding: chunked", body=b"-1\r\nhello"),
    "a chunk of no number": sent("Transfer-Encoding: chunked", body=b"xyz\r\nhello"),
    "a chunk of 4,500 digits": sent("Transfer-Encoding: chunked", body=b"1" * 4500 + b"\r\nhello"),
    "a part that nobody asked for": sent("Content-Range: bytes 5-9/10", body=b"x", status=206),
    "no content": sent(status=204),
    "another scheme": sent("Location: ftp://localhost/a", status=302),
    "http": sent("Location: http://localhost:1/a", status=302),
    "a file": sent("Location: file:///etc/passwd", status=302),
    "a bracket": sent("Location: https://[", status=302),
    "two brackets": sent("Location: https://[::1]]:x/", status=302),
    "a port": sent("Location: https://localhost:99999/", status=302),
    "a dot": sent("Location: https://.localhost/", status=302),
    "a long label": sent(f"Location: https://{'a' * 70}.localhost/", status=302),
    "itself": sent("Location: /again", status=302),
    "an odd byte": sent("Location: https://\xff\xfe/", status=302),
    "no status": lambda handler: handler.wfile.write(b"HTTP/1.1 abc OK\r\n\r\n") and None,
    "no http": lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n") and None,
    "a line without an end": lambda handler: handler.wfile.write(b"H" * 100_000) and None,
    "a header too many": sent(*(f"X-{n}: x" for n in range(500))),
}
TAKEN = {"a length of 4,500 digits", "a length that is a power", "a negative length"}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_is_an_error_with_a_reason(lie: str, server: Server) -> None:
    server.answers = [LIES[lie]] * 40
    if lie in TAKEN:
        assert fetch(server.address) == b"x"
    else:
        assert ": cannot be fetched: " in refusal(server.address)


@pytest.mark.parametrize(
    "wait", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "9" * 4500, "\xb2", "-5"]
)
def test_a_busy_server_is_waited_for_no_longer_than_the_limit(
    wait: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "wait=0")
    busy = sent(f"Retry-After: {wait}", "Content-Length: 0", status=503)
    server.answers = [busy, busy]
    assert fetch(server.address) == CONTENT
    server.answers = [busy] * 9
    assert "cannot be fetched: 503" in refusal(server.address.replace("data", "other"))


@pytest.mark.slow(1)
@pytest.mark.usefixtures("impatient")
def test_what_a_busy_server_asks_for_is_not_slowness(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "wait=1")
    server.answers = [sent("Retry-After: 9", "Content-Length: 0", status=503)]
    start = time.monotonic()
    assert fetch(server.address) == CONTENT
    assert time.monotonic() - start >= 1  # twice the window of the floor


@pytest.mark.parametrize(
    "address", ["https://[", "https://[::1", "https://a:b/c", "https://a:99999/", "https:///x"]
)
def test_an_address_that_is_none(address: str, tmp_path: Path) -> None:
    for command in ("check", "build", "recipe"):
        result = CliRunner().invoke(nipack, [command, f"{address}x.tar.gz"])
        assert result.exit_code == 1
        assert "not a valid address" in result.output
    (tmp_path / "package.yaml").write_text(
        f"name: a-b\nrelpath: a/b\nversion: '1.0'\nsource:\n  address: '{address}'\n"
        f"  sha256: {'0' * 64}\n"
    )
    result = CliRunner().invoke(nipack, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "bug in nipack" not in result.output


@pytest.mark.parametrize(
    "said", ["bytes 500-{end}/{size}", "bytes 1000-1500/{size}", "bytes 1000-{end}/*", "x", ""]
)
def test_another_part_than_was_asked_for_is_not_taken(said: str, server: Server) -> None:
    server.break_after = [1000, 0, 0, 0, 0]
    refusal(server.address)
    size = len(CONTENT)
    line = f"Content-Range: {said.format(end=size - 1, size=size)}"
    server.break_after = []
    server.answers = [sent('ETag: "1"', line, body=b"of another place", status=206)]
    assert fetch(server.address) == CONTENT


def test_another_file_is_not_gone_on_with(server: Server) -> None:
    server.break_after = [1000, 0, 0, 0, 0]
    refusal(server.address)
    size = len(CONTENT)
    line = f"Content-Range: bytes 1000-{size - 1}/{size}"
    server.break_after = []
    server.answers = [sent('ETag: "2"', line, body=CONTENT[1000:], status=206)]
    assert fetch(server.address) == CONTENT
    assert "Range" not in server.asked[-1]


def test_a_weak_validator_says_nothing_of_the_bytes(server: Server) -> None:
    server.etag, server.break_after = 'W/"1"', [1000]
    assert fetch(server.address) == CONTENT
    assert [each.get("Range") for each in server.asked] == [None, None]
    assert all("If-None-Match" not in each for each in server.asked)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes of POSIX")
@pytest.mark.parametrize("folder", ["", "downloads", "partial"])
def test_a_cache_that_others_may_write_is_not_used(
    folder: str, server: Server, tmp_path: Path
) -> None:
    assert fetch(server.address) == CONTENT
    cache = tmp_path / "cache"
    assert cache.stat().st_mode & 0o777 == 0o700
    (cache / folder).chmod(0o777)
    said = refusal(server.address)
    assert f"{cache / folder}: the cache may be written by other users" in said
    (cache / folder).chmod(0o755)
    assert fetch(server.address) == CONTENT


@pytest.mark.root
def test_a_cache_of_another_user_is_not_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(server.address) == CONTENT
    os.chown(tmp_path / "cache", 1234, 1234)
    assert "the cache belongs to another user" in refusal(server.address)


def test_no_link_in_the_cache_is_followed(server: Server, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    assert fetch(server.address) == CONTENT
    for path in sorted((tmp_path / "cache").rglob("*")):
        if path.is_file():
            path.unlink()
            path.symlink_to(victim)
    server.etag = '"2"'
    assert fetch(server.address) == CONTENT
    assert victim.read_bytes() == b"precious"
