"""The loop in which file systems of buckets work: what a server sends there is watched, too.

Their libraries have a timeout of a single read, and no other; each is asked through a connection of
asyncio, which this loop makes.  Who waits is known by the context of what is written: a connection
is kept for the next file, and then watched for that.
"""

import asyncio
import os
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

from nipack.system.patience import Patience, who_waits

_LOOPS: dict[int, "PatientLoop"] = {}
_LOCK = threading.Lock()


def patient_loop() -> "PatientLoop":
    """Return the loop of this process, which a thread of its own runs."""
    with _LOCK:
        # What was forked has the loop, and not its thread.
        if os.getpid() not in _LOOPS:
            _LOOPS.clear()
            _LOOPS[os.getpid()] = loop = PatientLoop()
            threading.Thread(target=loop.run_forever, name="nipack-buckets", daemon=True).start()
        return _LOOPS[os.getpid()]


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop whose connections belong to the patience of whoever writes to them."""

    async def create_connection(
        self, protocol_factory: Callable[[], Any], *words: Any, **options: Any
    ) -> Any:
        """Connect as any loop does, and watch the handshake, too."""
        patience, sock = who_waits(), options.get("sock")
        if patience is not None and sock is not None:
            patience.watch(sock)
        return await super().create_connection(
            lambda: _watched(protocol_factory()), *words, **options
        )

    async def start_tls(
        self,
        transport: asyncio.BaseTransport,
        protocol: asyncio.BaseProtocol,
        sslcontext: ssl.SSLContext,
        **options: Any,
    ) -> asyncio.Transport | None:
        """Begin TLS in the tunnel of a proxy."""
        return await super().start_tls(transport, _watched(protocol), sslcontext, **options)


def _watched(protocol: Any) -> Any:
    """Return a protocol whose bytes count for who asked last."""
    made, received = protocol.connection_made, protocol.data_received
    asking: Patience | None = None

    def connection_made(transport: Any) -> None:
        write, writelines = transport.write, transport.writelines

        def asked() -> None:
            nonlocal asking
            now = who_waits()
            if now is not asking and now is not None:
                now.watch(transport.get_extra_info("socket"))
            asking = now

        def written(data: Any) -> None:
            asked()
            write(data)

        def lines_written(lines: Iterable[Any]) -> None:
            asked()
            writelines(lines)

        transport.write, transport.writelines = written, lines_written
        made(transport)

    def data_received(data: bytes) -> None:
        if asking is not None:
            asking.came(len(data))
        received(data)

    protocol.connection_made, protocol.data_received = connection_made, data_received
    return protocol
