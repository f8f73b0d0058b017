"""Connections that this host makes, on real sockets against our own server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from posthouse.protocols.engine import Engine
from posthouse.protocols.smtp.client import session as client
from posthouse.protocols.smtp.client.client import connect as speak
from posthouse.protocols.smtp.client.events import (
    Fate,
    Letter,
    NextBlock,
    NextLetter,
    Outcome,
    Unusable,
)
from posthouse.protocols.smtp.client.session import TLSPolicy
from posthouse.protocols.smtp.server import serve
from posthouse.protocols.smtp.session import Service as Kind
from posthouse.protocols.smtp.session import Session, Settings
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.connection import Connection
from posthouse.runtime.log import open_log
from posthouse.runtime.outgoing import Destination, client_context, connect
from posthouse.runtime.service import Notify, Peer, Service
from posthouse.runtime.tls import certificate_files, server_context
from tests.protocols.smtp.client.test_pairs import Peer as PeerAgent

CONTENT = b".one\r\n" + b"line of some length\r\n" * 20_000


@dataclass
class Sender:
    """The client's agent; it thinks before each answer."""

    session: client.Session
    letters: int = 2
    content: bytes = b""
    seen: list[object] = field(default_factory=list)
    ended: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def ask(self, question: object) -> object:
        await asyncio.sleep(0)
        if isinstance(question, NextLetter):
            self.letters -= 1
            self.content = CONTENT
            letter = Letter("ann@a.example", ("bob@b.example",), len(CONTENT))
            return letter if self.letters >= 0 else None
        assert isinstance(question, NextBlock)
        block, self.content = self.content[:65536], self.content[65536:]
        return block

    def show(self, event: object) -> None:
        self.seen.append(event)

    def closed(self) -> None:
        lost = self.session.lost()
        if lost is not None:
            self.seen.append(lost)
        self.ended.set_result(None)


class Receiver(PeerAgent):
    """The server's agent."""

    def closed(self) -> None:
        """Nothing is kept."""


@dataclass
class Net:
    """A server, and what is needed to connect to it."""

    port: int
    receiver: Receiver
    census: Census

    async def send(self, policy: TLSPolicy, tls: ssl.SSLContext, name: str = "localhost") -> Sender:
        """Have a sender send its letters, and wait for the end of the connection."""
        sessions: list[Sender] = []

        def begin(peer: Peer, _: Notify) -> tuple[Engine, Sender]:
            session = client.Session(client.Settings("client.example", policy), peer.tls)
            sessions.append(Sender(session))
            return speak(session), sessions[0]

        destination = Destination("127.0.0.1", self.port, name)
        await connect(destination, Service("relay", begin, tls), self.census)
        await asyncio.wait_for(sessions[0].ended, 20)
        return sessions[0]


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None) -> AsyncIterator[Net]:
    census = Census(Limits(), open_log(write=lambda _: None))
    receiver = Receiver()

    def begin(peer: Peer, _: Notify) -> tuple[Engine, Receiver]:
        session = Session(Settings("mx.example"), Kind.SMTP, peer.tls, tls is not None)
        return serve(session), receiver

    service = Service("smtp", begin, tls)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(service, census), "127.0.0.1", 0
    )
    try:
        yield Net(server.sockets[0].getsockname()[1], receiver, census)
    finally:
        server.close()
        await census.finish(5)


def run(net: AbstractAsyncContextManager[Net], test: Callable[[Net], Awaitable[None]]) -> None:
    async def main() -> None:
        async with net as here:
            await test(here)

    asyncio.run(main())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    files = certificate_files(tmp_path_factory.mktemp("tls"), "", "", ["localhost"])
    return server_context(files), str(files.certificate)


@pytest.mark.parametrize("policy", [TLSPolicy.NONE, TLSPolicy.REQUIRED, TLSPolicy.VERIFIED])
def test_letters_arrive(policy: TLSPolicy, authority: tuple[ssl.SSLContext, str]) -> None:
    tls, file = authority

    async def test(net: Net) -> None:
        context = client_context(policy is TLSPolicy.VERIFIED, file)
        sender = await net.send(policy, context)
        outcomes = [event for event in sender.seen if isinstance(event, Outcome)]
        assert [outcome.results[0].fate for outcome in outcomes] == [Fate.DELIVERED] * 2
        assert net.receiver.taken == [("ann@a.example", ("bob@b.example",), CONTENT)] * 2
        assert (sender.session.tls is None) == (policy is TLSPolicy.NONE)

    run(serving(tls), test)


def test_a_certificate_of_another_name_is_not_accepted(
    authority: tuple[ssl.SSLContext, str],
) -> None:
    tls, file = authority

    async def test(net: Net) -> None:
        sender = await net.send(TLSPolicy.VERIFIED, client_context(True, file), "mx.b.example")
        (unusable,) = sender.seen
        assert isinstance(unusable, Unusable)
        assert unusable.tls_failed
        assert "certificate not accepted" in unusable.result.reply.text
        assert net.receiver.taken == []

    run(serving(tls), test)


def test_a_name_that_no_certificate_can_prove_is_a_handshake_that_fails(
    authority: tuple[ssl.SSLContext, str],
) -> None:
    tls, file = authority

    async def test(net: Net) -> None:
        sender = await net.send(TLSPolicy.VERIFIED, client_context(True, file), "mx..example")
        (unusable,) = sender.seen
        assert isinstance(unusable, Unusable)
        assert unusable.tls_failed

    run(serving(tls), test)


def test_a_peer_that_goes_away_is_an_outcome() -> None:
    async def test(net: Net) -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mx\r\n250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 ok\r\n")
            writer.write_eof()
            await reader.read()
            writer.close()
            await writer.wait_closed()
            gone.set()

        gone = asyncio.Event()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        net.port = server.sockets[0].getsockname()[1]
        sender = await net.send(TLSPolicy.NONE, client_context(False))
        (outcome,) = (event for event in sender.seen if isinstance(event, Outcome))
        assert outcome.results[0].fate is Fate.DOUBT
        await gone.wait()
        server.close()

    run(serving(None), test)


def test_no_connection_is_an_error_of_the_system() -> None:
    async def test(net: Net) -> None:
        net.port = 1
        with pytest.raises(OSError, match="1"):
            await net.send(TLSPolicy.NONE, client_context(False))

    run(serving(None), test)
