"""A repository behind sftp, of an SSH server on loopback."""

import asyncio
import multiprocessing
import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest
from fsspec.registry import _registry
from tests.publish.promises import check_promises
from tests.publish.test_at_once import pointed_at, publish_rounds

from nipack.publish import flow, log
from nipack.publish.errors import RepositoryError
from nipack.publish.signing import signer_of
from nipack.publish.stores import store_at
from nipack.publish.verification import check_repository

ROUNDS = 1
Artifacts = dict[str, dict[str, Path]]


@dataclass
class Server:
    """An SSH server: its address, the folder that it shows, and what ends its connections."""

    address: str
    folder: Path
    home: Path
    loop: asyncio.AbstractEventLoop
    connections: list[asyncssh.SSHServerConnection]

    def cut(self) -> None:
        for each in self.connections:
            self.loop.call_soon_threadsafe(each.abort)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One that knows this user's key, and that this user's ssh knows."""
    home, folder = tmp_path / "home", tmp_path / "served"
    (home / ".ssh").mkdir(parents=True)
    folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    mine, its = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    mine.write_private_key(home / ".ssh" / "id_ed25519")
    mine.write_public_key(home / "authorized")
    loop, connections = asyncio.new_event_loop(), []
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    class Served(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[its], server_factory=Served,
            authorized_client_keys=str(home / "authorized"),
            sftp_factory=lambda chan: asyncssh.SFTPServer(chan, chroot=os.fsencode(folder)),
        )  # fmt: skip

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    port = acceptor.get_port()
    known = its.export_public_key().decode("ascii")
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}", "ascii")
    yield Server(f"sftp://ada@127.0.0.1:{port}/data/lab", folder, home, loop, connections)

    async def end() -> None:
        acceptor.close()
        await acceptor.wait_closed()
        for each in connections:
            each.abort()
        await asyncio.gather(*(each.wait_closed() for each in connections))

    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_it_keeps_every_promise_of_a_store(server: Server, tmp_path: Path) -> None:
    store = store_at(server.address)
    check_promises(store, tmp_path, size=3_000_000)
    assert store.age("a/b") == 0


def test_what_a_publisher_has_left_is_deleted(server: Server) -> None:
    store = store_at(server.address)
    store.write(f".nipack/unfinished/{socket.gethostname()}.{2**22 + 1}.aa", b"")
    store.write(f".nipack/unfinished/{socket.gethostname()}.{os.getpid()}.bb", b"")
    store.write(".nipack/unfinished/elsewhere.1.cc", b"")
    store.tidy()
    left = {path.rpartition(".")[2] for path in store.files("")}
    assert left == {"bb", "cc"}


def test_a_host_that_is_not_known_is_not_told_who_asks(server: Server) -> None:
    (server.home / ".ssh" / "known_hosts").write_text("", "ascii")
    with pytest.raises(RepositoryError, match=r"127\.0\.0\.1.*(?i:host key)"):
        store_at(server.address).read("a")


@pytest.mark.parametrize(
    ("address", "module"), [("sftp://ada@host/lab", "asyncssh"), ("s3://lab/data", "s3fs")]
)
def test_what_is_missing_for_an_address_is_named(
    address: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    # What another test has loaded is kept here.
    monkeypatch.delitem(_registry, "s3", raising=False)
    with pytest.raises(RepositoryError, match=rf"needs {module}; install it: .*install {module}$"):
        store_at(address)


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(RepositoryError) as caught:
        store_at("sftp://ada:secret@127.0.0.1:1/lab").read("a")
    assert "secret" not in str(caught.value)


@pytest.mark.slow
def test_a_connection_that_is_lost_leaves_the_old_generation_whole(
    server: Server, artifacts: Artifacts, key: Path
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


@pytest.mark.slow
def test_publishers_at_once_lose_nothing(server: Server, many: list[list[Path]], key: Path) -> None:
    some = many[:3]  # the server is one thread of Python
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(some))
    workers = [
        context.Process(target=publish_rounds, args=(barrier, server.address, mine, key, ROUNDS))
        for mine in some
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    for number in range(ROUNDS):
        folder = server.folder / "data" / "lab" / str(number)
        assert pointed_at(folder) == {path.name for mine in some for path in mine}
        assert check_repository(str(folder)).problems == ()
        assert log.generations(store_at(str(folder))) == list(range(1, len(some) + 1))
