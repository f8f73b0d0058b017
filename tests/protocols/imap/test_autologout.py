"""A client that says nothing is logged out, however much it is told (RFC 9051 §5.4)."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from posthouse.protocols.engine import Engine
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.connection import Connection
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Peer, Service
from tests.protocols.sockets import StageAgent

from .stage import Stage

PATIENCE = 20.0  # seconds
AUTOLOGOUT = 0.3


@pytest.mark.parametrize(
    ("command", "begun"),
    [
        (b"a2 IDLE\r\n", b"+ idling\r\n"),
        (b"a2 NOTIFY SET (selected (messagenew messageexpunge))\r\n", b"a2 OK"),
    ],
    ids=["IDLE", "NOTIFY"],
)
def test_what_it_is_told_keeps_nobody_in(command: bytes, begun: bytes) -> None:
    stage = Stage({"logged-in": "yes", "messages": "1"})
    notifies: list[Callable[[object], None]] = []

    def begin(_peer: Peer, notify: Callable[[object], None]) -> tuple[Engine, StageAgent]:
        engine = stage.open(1)
        stage.sessions[1].limits = replace(stage.sessions[1].limits, autologout=AUTOLOGOUT)
        notifies.append(notify)
        return engine, StageAgent(stage, 1)

    async def tell() -> None:
        """Of a message, again and again, in less time than the client has."""
        for number in itertools.count():
            stage.boxes["INBOX"].add()
            notifies[0](number)
            await asyncio.sleep(AUTOLOGOUT / 10)

    async def main() -> bytes:
        ours, theirs = socket.socketpair()
        service = Service("stage", begin)
        census = Census(Limits(), open_log(write=lambda _: None))
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: Connection(service, census), theirs)
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(b"a1 SELECT INBOX\r\n" + command)
        await reader.readuntil(begun)
        telling = asyncio.ensure_future(tell())
        try:
            return await asyncio.wait_for(reader.read(-1), PATIENCE)
        finally:
            telling.cancel()
            writer.close()
            await census.finish(0)

    told = asyncio.run(main())
    assert told.count(b" EXISTS\r\n") > 1
    assert told.endswith(b"* BYE autologout; idle for too long\r\n")
