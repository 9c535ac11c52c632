"""Web servers of a repository that drip, seen by `nipack verify ADDRESS`: it ends, and says why."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.builder.served import CONTENT, SLOW, Server, serving

from nipack.publish.errors import RepositoryError
from nipack.publish.stores.web import WebReader
from nipack.publish.verification import check_repository
from nipack.system import patience

FLOOR = r"cannot be fetched: it sent fewer than 1,000 bytes a second \(set NIPACK_LIMITS=rate="
READS: dict[str, Callable[[WebReader, str], object]] = {
    "read": WebReader.read,
    "digest": WebReader.digest,
}


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve whatever is asked for."""
    with serving(None) as served:
        yield served


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the floor of throughput over a fifth of a second."""
    monkeypatch.setattr(patience, "_LOOK", 0.02)
    monkeypatch.setattr(patience, "WINDOW", 0.2)


@pytest.mark.slow(0.3)
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("how", SLOW)
def test_a_server_that_is_too_slow_is_given_up(how: str, read: str, server: Server) -> None:
    server.answers = [SLOW[how]]
    with pytest.raises(RepositoryError, match=f"data.deb: {FLOOR}"):
        READS[read](WebReader(server.base), "data.deb")


@pytest.mark.slow(0.3)
@pytest.mark.usefixtures("hasty")
def test_a_check_of_a_repository_that_drips_ends(server: Server) -> None:
    server.answers = [SLOW["a byte now and then"]]
    with pytest.raises(RepositoryError, match=f"{server.base}repository.json: {FLOOR}"):
        check_repository(server.base)


@pytest.mark.slow(0.3)
def test_a_file_has_an_end_however_fast_it_comes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "seconds=0")
    server.answers = [SLOW["a body without a length"]]
    with pytest.raises(RepositoryError, match="it took more than 0 seconds"):
        WebReader(server.base).digest("data.deb")


@pytest.mark.slow(0.3)
@pytest.mark.parametrize("drips", ["headers", "body"])
def test_a_connection_that_is_kept_is_watched_for_each_file(
    drips: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first file comes well, on the connection that the second then drips on."""
    slow = {"headers": "a dripped header", "body": "a byte now and then"}[drips]
    with serving(None, keeps=True) as server:
        reader = WebReader(server.base)
        assert reader.read("a") == CONTENT
        monkeypatch.setattr(patience, "_LOOK", 0.02)
        monkeypatch.setattr(patience, "WINDOW", 0.2)
        server.answers = [SLOW[slow]]
        with pytest.raises(RepositoryError, match=FLOOR):
            reader.read("b")
        assert server.connections == 1


def test_each_byte_of_several_threads_counts_for_its_own_file(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: dict[patience.Patience, int] = {}

    def count(self: patience.Patience, number: int) -> None:
        came[self] = came.get(self, 0) + number

    monkeypatch.setattr(patience.Patience, "came", count)
    reader = WebReader(server.base)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(reader.digest, "abcdefgh"))
    assert found == [(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())] * 8
    assert list(came.values()) == [len(CONTENT)] * 8
