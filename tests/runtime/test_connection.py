"""The driver on real sockets: what a peer may do to it, and what that costs."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from posthouse.main import new_loop
from posthouse.protocols.dialogue import (
    Dialogue,
    Interrupted,
    ask,
    read_line,
    send,
    start_tls,
)
from posthouse.protocols.engine import Engine
from posthouse.runtime import connection as driver
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.connection import Connection
from posthouse.runtime.later import Awaited, Later
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Peer, Service, network_of
from tests.protocols.sockets import contexts

PATIENCE = 20.0  # seconds
BLOCK = b"x" * 65536


class Agent:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.answer: Awaited[object] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()

    def ask(self, _question: object) -> object:
        return self.answer

    def give(self, answer: object) -> None:
        assert isinstance(self.answer, asyncio.Future)
        self.answer.set_result(answer)

    def show(self, _event: object) -> None:
        """Nothing is shown."""

    def closed(self) -> None:
        self.gone.set()


class Stand:
    """A service of one dialogue, with what it has made."""

    def __init__(self, limits: Limits, tls: ssl.SSLContext | None) -> None:
        self.census = Census(limits, open_log(write=lambda _: None))
        self.tls = tls
        self.agents: list[Agent] = []
        self.engines: list[Engine] = []
        self.address = ("", 0)

    def connect(self) -> socket.socket:
        wire = socket.create_connection(self.address, PATIENCE)
        wire.setblocking(False)
        return wire


@asynccontextmanager
async def standing(
    dialogue: Callable[[], Dialogue[None]],
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Stand]:
    stand = Stand(limits or Limits(), tls)

    def begin(_peer: Peer, _notify: Callable[[object], None]) -> tuple[Engine, Agent]:
        stand.agents.append(Agent())
        stand.engines.append(Engine(dialogue()))
        return stand.engines[-1], stand.agents[-1]

    service = Service("stand", begin, tls, overloaded=b"too many\r\n")
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(service, stand.census), "127.0.0.1", 0
    )
    stand.address = server.sockets[0].getsockname()
    try:
        yield stand
    finally:
        server.close()
        await stand.census.finish(0.01)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  the driver tells nobody
            await asyncio.sleep(0.01)


Main = Coroutine[object, object, None]
Runs = Callable[[Main], None]


@pytest.fixture(params=[asyncio.new_event_loop, new_loop], ids=["asyncio", "served"])
def run(request: pytest.FixtureRequest) -> Runs:
    """Runs a test on the loop of the library, and on the one that serves."""

    def on_loop(main: Main) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(main, PATIENCE * 2))

    return on_loop


async def flood(wire: socket.socket, octets: int) -> int:
    """Send until that many have gone, or nothing goes any more."""
    loop = asyncio.get_running_loop()
    sent = 0
    while sent < octets:
        try:
            async with asyncio.timeout(0.5):
                await loop.sock_sendall(wire, BLOCK)
        except TimeoutError:
            break
        sent += len(BLOCK)
    return sent


def thinks() -> Dialogue[None]:
    yield from read_line()
    yield from ask("?", str)
    while True:
        yield from read_line()


def chatters() -> Dialogue[None]:
    while True:
        yield from read_line()
        yield from send(BLOCK)


def upgrades() -> Dialogue[None]:
    yield from read_line()
    yield from start_tls()


def talks_and_asks() -> Dialogue[None]:
    yield from read_line()
    for _ in range(100):
        yield from send(BLOCK[:60_000])
        yield from ask("?", str)
    yield from read_line()


def test_a_peer_is_held_up_while_the_agent_thinks(run: Runs) -> None:
    async def main() -> None:
        async with standing(thinks) as stand:
            with closing(stand.connect()) as wire:
                wire.sendall(b"line\r\n")
                await until(lambda: bool(stand.engines))
                await flood(wire, 100 * 1024 * 1024)
                assert stand.engines[0].buffered < 2 * driver.INPUT_HIGH_WATER

    run(main())


def says_what_it_is_told() -> Dialogue[None]:
    while True:
        yield from read_line()
        yield from send((yield from ask("?", bytes)))


@pytest.mark.parametrize("first", [False, True])
def test_an_answer_may_be_there_already(run: Runs, first: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with standing(says_what_it_is_told) as stand:
            with closing(stand.connect()) as wire:
                await until(lambda: bool(stand.agents))
                answer = stand.agents[0].answer = Later()
                if first:
                    answer.give(b"answered\r\n")
                await loop.sock_sendall(wire, b"line\r\n")
                if not first:
                    await until(lambda: stand.engines[0].asked)
                    answer.give(b"answered\r\n")
                assert await loop.sock_recv(wire, 100) == b"answered\r\n"

    run(main())


def test_a_peer_that_reads_nothing_is_held_up(run: Runs) -> None:
    async def main() -> None:
        async with standing(chatters) as stand:
            with closing(stand.connect()) as wire:
                wire.sendall(b"line\r\n" * 1000)
                await until(lambda: bool(stand.engines))
                await flood(wire, 100 * 1024 * 1024)
                assert stand.engines[0].buffered < 2 * driver.INPUT_HIGH_WATER

    run(main())


def test_who_was_held_up_goes_on(run: Runs) -> None:
    async def main() -> None:
        async with standing(thinks) as stand:
            with closing(stand.connect()) as wire:
                wire.sendall(b"line\r\n")
                await until(lambda: bool(stand.engines))
                lines = (b"y" * 62 + b"\r\n") * 1024
                sending = asyncio.create_task(
                    asyncio.get_running_loop().sock_sendall(wire, lines * 200)
                )
                await until(lambda: stand.engines[0].buffered > driver.INPUT_HIGH_WATER)
                stand.agents[0].give("!")
                await sending
                await until(lambda: stand.engines[0].buffered == 0)

    run(main())


def test_a_peer_that_reads_nothing_is_dropped_though_the_agent_was_asked(
    monkeypatch: pytest.MonkeyPatch, run: Runs
) -> None:
    """The question comes with the octets that the peer does not take."""
    monkeypatch.setattr(driver, "UNREAD", 0.2)

    async def main() -> None:
        async with standing(talks_and_asks) as stand:
            with closing(stand.connect()) as wire:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                wire.sendall(b"line\r\n")
                await until(lambda: bool(stand.engines))
                stand.agents[0].give("!")
                await until(stand.agents[0].gone.is_set)

    run(main())


def test_a_peer_that_reads_nothing_is_dropped_though_the_dialogue_is_broken(
    monkeypatch: pytest.MonkeyPatch, run: Runs
) -> None:
    monkeypatch.setattr(driver, "LINGER", 0.1)
    answered = 0

    def answers_and_breaks() -> Dialogue[None]:
        nonlocal answered
        try:
            while True:
                yield from read_line(command=True)
                yield from send(BLOCK[: driver.OUTPUT_HIGH_WATER // 2])
                answered += 1
        except Interrupted as end:
            raise RuntimeError("broken") from end

    async def main() -> None:
        nonlocal answered
        answered = 0
        async with standing(answers_and_breaks) as stand:
            with closing(stand.connect()) as wire:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await until(lambda: bool(stand.agents))
                (connection,) = stand.census.connections
                while not connection.held:  # until the system takes no more
                    before = answered
                    wire.send(b"line\r\n")
                    await until(lambda before=before: answered > before)  # type: ignore[misc]
                connection.finish()
                await until(stand.agents[0].gone.is_set)

    run(main())


def test_a_handshake_has_its_time(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        tls = contexts(tmp_path)[0]
        async with standing(upgrades, Limits(handshake=0.1), tls) as stand:
            with closing(stand.connect()) as wire:
                wire.sendall(b"STARTTLS\r\n")
                await until(lambda: bool(stand.agents))
                await until(stand.agents[0].gone.is_set)
                assert not stand.census.connections

    run(main())


def test_the_end_does_not_leave_handshakes(tmp_path: Path, run: Runs) -> None:
    async def main() -> None:
        async with standing(upgrades, tls=contexts(tmp_path)[0]) as stand:
            with closing(stand.connect()) as wire:
                wire.sendall(b"STARTTLS\r\n")
                await until(lambda: bool(stand.agents))
                await stand.census.finish(0.1)
                await until(stand.agents[0].gone.is_set)
                assert not stand.census.connections

    run(main())


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_a_site_is_one_peer(address: str, network: str) -> None:
    assert network_of(address) == network
