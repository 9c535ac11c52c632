"""Fixtures of the builder's tests."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.builder.samples import RecordingReporter
from tests.builder.served import Server, serving

from nipack.builder.source import download

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def reporter() -> RecordingReporter:
    return RecordingReporter()


@pytest.fixture
def trusted_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of this machine that nipack trusts, and an empty cache; no attempt is waited for."""
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NIPACK_CACHE_DIR", str(tmp_path / "cache"))
    with serving(tmp_path / "ca.pem") as served:
        yield served


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """Hold a test to ending what it starts; other tests of the process may have left a thread."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the golden file of a name; --update-golden writes it anew."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden", False):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return compare
