"""Connections that are encrypted from their start, on both loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from posthouse.protocols.dialogue import Dialogue, read_line, send
from posthouse.protocols.engine import Engine
from posthouse.runtime.accepting import TlsServer
from posthouse.runtime.census import Census, Counted, Limits
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Peer, Service
from tests.protocols.sockets import contexts

from .test_connection import PATIENCE, Agent, Runs, run, until

__all__ = ["run"]


def greets() -> Dialogue[None]:
    yield from send(b"hello\r\n")
    yield from read_line()


class Stand:
    def __init__(self, census: Census, client: ssl.SSLContext, port: int) -> None:
        self.census = census
        self.client = client
        self.port = port
        self.agents: list[Agent] = []

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    async def greeting(self) -> bytes:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.client, server_hostname="localhost"
        )
        line = await reader.readline()
        writer.close()
        return line


@asynccontextmanager
async def standing(directory: Path, limits: Limits) -> AsyncIterator[Stand]:
    server_tls, client_tls = contexts(directory)
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    census = Census(limits, open_log(write=lambda _: None))
    stand = Stand(census, client_tls, bound.getsockname()[1])

    def begin(peer: Peer, _notify: Callable[[object], None]) -> tuple[Engine, Agent]:
        assert peer.tls is not None
        stand.agents.append(Agent())
        return Engine(greets()), stand.agents[-1]

    server = TlsServer(Service("stand", begin, server_tls, True), census, bound)
    try:
        yield stand
    finally:
        server.close()
        await census.finish(0.1)
        await until(lambda: not census.connections)


def test_who_does_not_shake_hands_is_counted(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        async with standing(tmp_path, Limits(connections_per_network=2)) as stand:
            silent = [stand.connect() for _ in range(2)]
            await until(lambda: len(stand.census.connections) == 2)
            with pytest.raises(OSError):  # noqa: PT011  closed, or reset
                await stand.greeting()
            silent.pop().close()
            await until(lambda: len(stand.census.connections) == 1)
            for _ in range(3):  # the last one that there is room for
                assert await stand.greeting() == b"hello\r\n"
                await until(lambda: len(stand.census.connections) == 1)
            silent.pop().close()
            assert len(stand.agents) == 3

    run(main())


def test_nonsense(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        async with standing(tmp_path, Limits()) as stand:
            with closing(stand.connect()) as wire:
                wire.sendall(b"GET / HTTP/1.0\r\n\r\n")
                await asyncio.to_thread(lambda: list(iter(lambda: wire.recv(4096), b"")))
                await until(lambda: not stand.census.connections)
            assert await stand.greeting() == b"hello\r\n"

    run(main())


def test_a_handshake_has_its_time(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        async with standing(tmp_path, Limits(handshake=0.1)) as stand:
            with closing(stand.connect()):
                await until(lambda: bool(stand.census.connections))
                await until(lambda: not stand.census.connections)

    run(main())


def test_the_end_does_not_wait_for_handshakes(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        async with standing(tmp_path, Limits()) as stand:
            with closing(stand.connect()):
                await until(lambda: bool(stand.census.connections))
                await stand.census.finish(PATIENCE)
                assert not stand.census.connections

    run(main())


def test_the_end_comes_before_a_handshake_has_begun(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        async with standing(tmp_path, Limits()) as stand:
            admit = stand.census.admit

            def admit_and_end(connection: Counted, network: str) -> bool:
                admitted = admit(connection, network)
                asyncio.get_running_loop().call_soon(connection.finish)
                return admitted

            stand.census.admit = admit_and_end  # type: ignore[method-assign]
            with closing(stand.connect()) as wire:
                assert await asyncio.to_thread(wire.recv, 1) == b""
            await until(lambda: not stand.census.connections)

    run(main())
