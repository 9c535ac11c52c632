"""Files of a repository: what is read, where a download goes on, and what is thrown away."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.publish.serving import serving

from nipack.publish.client import transfer
from nipack.publish.errors import RepositoryError

CONTENT = bytes(range(256)) * 300
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a lab"
    made.mkdir()
    (made / "a b").write_bytes(CONTENT)
    return made


@pytest.fixture(params=["folder", "file", "http"])
def address(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "http":
        with serving(folder) as found:
            yield found
    else:
        yield folder.as_uri() if request.param == "file" else str(folder)


def downloaded(address: str, target: Path, sha256: str = DIGEST) -> list[int]:
    counts: list[int] = []
    transfer.download(address, "a b", target, sha256, counts.append)
    return counts


def test_what_is_there_is_read_and_what_is_not_is_none(address: str) -> None:
    assert transfer.read(address, "a b") == CONTENT
    assert transfer.read(address, "away") is None


def test_a_download_goes_on_with_what_is_there(address: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file"
    counts = downloaded(address, target)
    assert target.read_bytes() == CONTENT
    assert (counts[0], sum(counts)) == (0, len(CONTENT))
    for there in (0, 1, 70_000, len(CONTENT)):
        target.write_bytes(CONTENT[:there])
        counts = downloaded(address, target)
        assert (counts[0], sum(counts)) == (there, len(CONTENT))
        assert target.read_bytes() == CONTENT


def test_what_was_of_another_file_is_fetched_anew(address: str, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"another")
    downloaded(address, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("there", [b"", b"another"])
def test_what_does_not_match_is_not_kept(there: bytes, address: str, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(there)
    with pytest.raises(RepositoryError) as caught:
        downloaded(address, target, "0" * 64)
    assert str(caught.value) == (
        f"{address}/a b: does not match the repository's signature; try again later, and tell "
        "whoever runs the repository if this persists"
    )
    assert not target.exists()


def test_what_is_not_there_is_said(address: str, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError) as caught:
        transfer.download(address, "away", tmp_path / "x", DIGEST, lambda count: None)
    assert str(caught.value) == (
        f"{address}/away: is not there, though the repository's list has it; run nipack repository "
        f"add {address} again"
    )


def test_a_list_has_a_bound(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", f"record={len(CONTENT)}")
    assert transfer.read(address, "a b") == CONTENT
    monkeypatch.setenv("NIPACK_LIMITS", f"record={len(CONTENT) - 1}")
    with pytest.raises(RepositoryError) as caught:
        transfer.read(address, "a b")
    said = f"{address}/a b: has more than {len(CONTENT) - 1:,} bytes; if that is meant, "
    assert str(caught.value).startswith(said)


class Answer:
    """A server's answer, of so many chunks."""

    def __init__(self, status: int, *chunks: bytes, length: object = None) -> None:
        self.status_code = status
        self.headers = {} if length is None else {"Content-Length": str(length)}
        self.chunks = chunks

    def iter_content(self, size: int) -> Iterator[bytes]:
        yield from self.chunks


def body(answer: Answer, start: int = 0) -> bytes:
    came: list[int] = []
    patience: Any = SimpleNamespace(came=came.append)
    found = b"".join(transfer._body(answer, "https://x.example/a", start, patience))  # type: ignore[arg-type]
    assert came == [len(chunk) for chunk in answer.chunks]
    return found


def test_the_start_is_passed_over_where_a_server_sends_it_again() -> None:
    chunks = (b"0123", b"4567", b"89")
    assert body(Answer(200, *chunks, length=10)) == b"0123456789"
    for start in (1, 4, 5, 8, 10):
        assert body(Answer(200, *chunks, length=10), start) == b"0123456789"[start:]
        assert body(Answer(206, *chunks, length=10), start) == b"0123456789"


def test_what_a_server_says_of_a_file() -> None:
    for status in (403, 404, 410):
        with pytest.raises(FileNotFoundError):
            body(Answer(status))
    assert body(Answer(416), start=3) == b"", "all of it is there"
    for status in (416, 429, 500, 201, 304):
        with pytest.raises(transfer._Transient, match=f"the server answers {status}"):
            body(Answer(status))


def test_a_body_is_as_long_as_was_said() -> None:
    with pytest.raises(transfer._Transient, match="the connection ended before the file did"):
        body(Answer(200, b"012", length=4))
    for length in (3, None, "", "-1", "1e9", "9" * 19, "²"):
        assert body(Answer(200, b"012", length=length)) == b"012"
    assert body(Answer(200, b"012", length=2)) == b"012"
    assert body(Answer(200, length=0)) == b""


def test_a_server_is_asked_four_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=pauses.append), raising=True)
    monkeypatch.setattr(transfer, "_PAUSE", 0.25)
    address = "http://127.0.0.1:9"
    asks: list[Callable[[], object]] = [
        lambda: transfer.read(address, "x"),
        lambda: transfer.download(address, "x", tmp_path / "x", DIGEST, lambda count: None),
    ]
    for ask in asks:
        pauses.clear()
        with pytest.raises(RepositoryError) as caught:
            ask()
        assert str(caught.value) == (
            "http://127.0.0.1:9/x: the connection was refused or cut off; check the address and "
            "the network, and try again"
        )
        assert pauses == [0.25, 0.5, 1.0]
