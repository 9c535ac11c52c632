"""Servers of a repository that are too slow, or never end: a get ends in time, with a reason."""

import hashlib
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.builder.served import CONTENT, SLOW, Server, dripped, serving

from nipack.publish.client import transfer
from nipack.publish.errors import RepositoryError
from nipack.system import patience

SHA256 = hashlib.sha256(CONTENT).hexdigest()
FLOOR = "it sent fewer than 1,000 bytes a second (set NIPACK_LIMITS=rate=NUMBER"
# A part that comes as it should, and then nearly nothing.
STOPPING = b"HTTP/1.1 200 OK\r\nContent-Length: 1024000\r\n\r\n" + CONTENT[:100_000]


@pytest.fixture(params=["http", pytest.param("https", marks=pytest.mark.slow(1))])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Serve one file; the floor of throughput is measured over a fifth of a second."""
    monkeypatch.setattr(transfer, "_PAUSE", 0.0)
    monkeypatch.setattr(patience, "_LOOK", 0.02)
    monkeypatch.setattr(patience, "WINDOW", 0.2)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with serving(tmp_path / "ca.pem" if request.param == "https" else None) as served:
        yield served


def download(server: Server, target: Path) -> None:
    transfer.download(server.base[:-1], "data-1.0.tar.gz", target, SHA256, lambda count: None)


def refusal(server: Server, target: Path) -> str:
    with pytest.raises(RepositoryError) as caught:
        download(server, target)
    assert f"{server.address}: cannot be fetched: " in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("how", SLOW)
def test_a_server_that_is_too_slow_is_given_up_and_gone_on_with_later(
    how: str, server: Server, tmp_path: Path
) -> None:
    server.answers = [SLOW[how]]
    assert FLOOR in refusal(server, tmp_path / "part")


@pytest.mark.slow(1)
def test_what_came_before_a_server_slept_is_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(STOPPING)
        time.sleep(0.3)
        # Not before, so that a busy machine is not taken for a slow server.
        monkeypatch.setattr(patience, "WINDOW", 0.2)
        dripped(b"", b"")(handler)

    monkeypatch.setattr(patience, "WINDOW", 60.0)
    server.answers = [sleep]
    refusal(server, tmp_path / "part")
    monkeypatch.setattr(patience, "WINDOW", 60.0)
    there = (tmp_path / "part").stat().st_size
    assert 0 < there <= 100_000
    download(server, tmp_path / "part")
    assert server.asked[-1]["Range"] == f"bytes={there}-"
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_a_download_has_an_end_however_fast_it_is(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "seconds=0")
    server.answers = [dripped(b"HTTP/1.1 200 OK\r\n\r\n", bytes(10_000))]
    assert "it took more than 0 seconds (set NIPACK_LIMITS=seconds" in refusal(
        server, tmp_path / "part"
    )


@pytest.mark.slow(1)
def test_the_floor_can_be_lowered(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "rate=0 seconds=1")
    server.answers = [SLOW["a byte now and then"]]
    assert "it took more than 1 seconds" in refusal(server, tmp_path / "part")


def test_a_list_that_drips_is_given_up(server: Server) -> None:
    server.answers = [SLOW["a byte now and then"]]
    with pytest.raises(RepositoryError, match="cannot be fetched: it sent fewer than"):
        transfer.read(server.base[:-1], "packages.json")


def test_each_byte_that_comes_counts(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[int] = []
    monkeypatch.setattr(patience.Patience, "came", lambda self, count: came.append(count))
    monkeypatch.setattr(patience, "WINDOW", 60.0)
    download(server, tmp_path / "part")
    assert sum(came) == len(CONTENT)
    # Less than the floor lets through in a minute, or what is slow would be seen too late.
    assert max(came) < 60_000
