"""A repository behind sftp, of an SSH server on loopback."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.registry import _registry
from tests.publish.promises import check_promises
from tests.publish.reading import pointed_at
from tests.publish.servers import SshServer, ssh_server

from nipack.publish import flow
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

Artifacts = dict[str, dict[str, Path]]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    """One that knows this user's key, and that this user's ssh knows."""
    with ssh_server(tmp_path) as started:
        monkeypatch.setenv("HOME", str(started.home))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        yield started


@pytest.mark.parametrize("size", [1000, pytest.param(3_000_000, marks=pytest.mark.slow(1))])
def test_it_keeps_every_promise_of_a_store(server: SshServer, tmp_path: Path, size: int) -> None:
    store = store_at(server.address)
    check_promises(store, tmp_path, size=size)
    assert store.age("a/b") == 0
    store.write(".nipack/unfinished/x", b"")
    assert store.files("") == {"c d/e": size, ".nipack/unfinished/x": 0}, "nothing else is left"


def test_what_a_publisher_has_left_is_deleted(server: SshServer) -> None:
    store = store_at(server.address)
    store.write(f".nipack/unfinished/{socket.gethostname()}.{2**22 + 1}.aa", b"")
    store.write(f".nipack/unfinished/{socket.gethostname()}.{os.getpid()}.bb", b"")
    store.write(".nipack/unfinished/elsewhere.1.cc", b"")
    store.tidy()
    left = {path.rpartition(".")[2] for path in store.files("")}
    assert left == {"bb", "cc"}


def test_a_host_that_is_not_known_is_not_told_who_asks(server: SshServer) -> None:
    (server.home / ".ssh" / "known_hosts").write_text("", "ascii")
    with pytest.raises(RepositoryError, match=r"127\.0\.0\.1.*(?i:host key)"):
        store_at(server.address).read("a")


@pytest.mark.parametrize(
    ("address", "module"),
    [("sftp://ada@host/lab", "asyncssh"), ("s3://lab/data", "s3fs"), ("gs://lab/data", "gcsfs")],
)
def test_what_is_missing_for_an_address_is_named(
    address: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    # What another test has loaded is kept here.
    for protocol in ("s3", "gs"):
        monkeypatch.delitem(_registry, protocol, raising=False)
    with pytest.raises(RepositoryError, match=rf"needs {module}; install it: .*install {module}$"):
        store_at(address)


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(RepositoryError) as caught:
        store_at("sftp://ada:secret@127.0.0.1:1/lab").read("a")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_connection_that_is_lost_leaves_the_old_generation_whole(
    server: SshServer, artifacts: Artifacts, key: Path
) -> None:
    signer, settings = signer_of(str(key)), flow.Settings(name="lab", address="https://lab.example")
    flow.publish([artifacts["0.1"][".whl"]], store_at(server.address), signer, settings)
    store = store_at(server.address)
    send = store.create_from

    def cut_off(path: str, source: Path, advance: object) -> None:
        send(path, source, lambda count: server.cut())

    store.create_from = cut_off  # type: ignore[method-assign]
    with pytest.raises(RepositoryError, match="the repository is as it was"):
        flow.publish([artifacts["0.2"][".whl"]], store, signer, settings)
    folder = server.folder / "data" / "lab"
    assert pointed_at(folder) == {artifacts["0.1"][".whl"].name}
    assert check_repository(str(folder)).problems == ()
    flow.publish([artifacts["0.2"][".whl"]], store_at(server.address), signer, settings)
    assert len(pointed_at(folder)) == 2
    assert check_repository(server.address).problems == ()


@pytest.mark.slow(3)
def test_a_server_that_answers_no_more_is_left(
    server: SshServer, artifacts: Artifacts, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, settings = signer_of(str(key)), flow.Settings(name="lab", address="https://lab.example")
    flow.publish([artifacts["0.1"][".whl"]], store_at(server.address), signer, settings)
    server.silent.set()
    monkeypatch.setenv("NIPACK_LIMITS", "silence=1")
    with pytest.raises(RepositoryError, match="has not answered for 1 seconds") as caught:
        flow.publish([artifacts["0.2"][".whl"]], store_at(server.address), signer, settings)
    assert str(caught.value).endswith("the repository is as it was")
    assert "set NIPACK_LIMITS=silence=NUMBER to more than 1" in str(caught.value)
    server.silent.clear()
    monkeypatch.delenv("NIPACK_LIMITS")
    assert check_repository(str(server.folder / "data" / "lab")).problems == ()
    flow.publish([artifacts["0.2"][".whl"]], store_at(server.address), signer, settings)
    assert len(pointed_at(server.folder / "data" / "lab")) == 2


@pytest.mark.slow(1)
def test_a_server_that_never_greets_is_left(
    server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIPACK_LIMITS", "silence=1")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(RepositoryError, match=f":{port}/lab/a: has not answered for 1 sec"):
            store_at(f"sftp://ada@127.0.0.1:{port}/lab").read("a")
