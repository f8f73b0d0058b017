"""A transcript's stage on real connections, through the driver that serves everything."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from posthouse.protocols.engine import Engine
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.connection import Connection
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Peer, Service
from posthouse.runtime.tls import certificate_files, server_context

from .transcript import Stage, Transcript, play_on_sockets


class StageAgent:
    """Lets the stage answer."""

    def __init__(self, stage: Stage, connection: int) -> None:
        self._stage = stage
        self._connection = connection

    def ask(self, question: object) -> object:
        return self._stage.answer(self._connection, question, None)

    def show(self, event: object) -> None:
        self._stage.show(self._connection, event)

    def closed(self) -> None:
        """Nothing is kept."""


def contexts(directory: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server, and for a client that trusts it."""
    files = certificate_files(directory, "", "", ["localhost", "127.0.0.1"])
    return server_context(files), ssl.create_default_context(cafile=str(files.certificate))


def play_served(
    transcript: Transcript,
    stage: Stage,
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
    tls_from_start: bool = False,
) -> None:
    """Play a transcript on the stage's engines behind real sockets."""
    server_tls, client_tls = tls
    numbers = itertools.count(1)

    def begin(_peer: Peer, _notify: Callable[[object], None]) -> tuple[Engine, StageAgent]:
        number = next(numbers)
        return stage.open(number), StageAgent(stage, number)

    service = Service("stage", begin, server_tls, tls_from_start)

    async def main() -> None:
        census = Census(Limits(), open_log(write=lambda _: None))
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(service, census),
            "127.0.0.1",
            0,
            ssl=server_tls if tls_from_start else None,
        )
        address = server.sockets[0].getsockname()

        def connect() -> socket.socket:
            wire = socket.create_connection(address, 10)
            if not tls_from_start:
                return wire
            return client_tls.wrap_socket(wire, server_hostname="localhost")

        try:
            await asyncio.to_thread(play_on_sockets, transcript, connect, client_tls)
        finally:
            server.close()
            await census.finish(5)

    asyncio.run(main())
