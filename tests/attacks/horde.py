"""Hostile clients by the thousand, in a process of their own: `python -m tests.attacks.horde`.

Each comes from one of many loopback addresses, does harm in one way, and comes again when it is
put out. Which ways there are:

    silent     connects and says nothing; where TLS is spoken, without a handshake
    slow       sends an octet a minute
    endless    sends a line that never ends
    unread     asks for all of a mailbox again and again, and reads nothing
    idle       waits in IDLE for letters that are told, and reads nothing
    held       sends most of a letter and then nothing more
    guessing   tries recipients that may be there
    cracking   tries passwords
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import resource
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

OF_A_NETWORK = 100  # connections that come from one address
SMALL_BUFFER = 4096  # octets that the kernel takes for who does not read
MINUTE = 60.0  # seconds from an octet to the next
POURED = 16 * 1024  # octets of an endless line at once
PAUSE = 0.2  # seconds between them, and between two guesses
AGAIN = 1.0  # seconds until who was put out comes again
AT_ONCE = 100  # connections that are begun at once

HELD = b"Subject: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 550
LOG_IN = (b"* OK", b"a LOGIN anna@localhost secret\r\n"), (b"a OK", b"b SELECT INBOX\r\n")
SMTP_BEGIN = (
    (b"220 ", b"EHLO attacker.example\r\n"),
    (b"250 ", b"MAIL FROM:<x@attacker.example>\r\n"),
)

Step = tuple[bytes, bytes]  # the beginning of the line that is waited for, and what is said then


@dataclass(frozen=True, slots=True)
class Way:
    """How one kind of client does harm: what it says first, and what it does then."""

    services: Sequence[str]
    steps: Sequence[Step] = ()
    deaf: bool = False  # it reads nothing more
    said: Callable[[int], bytes] | None = None  # again and again
    every: float = PAUSE


def _octet(number: int) -> bytes:
    return b"EHLO attacker.example"[number % 21 :][:1]


WAYS: Mapping[str, Way] = {
    "silent": Way(("smtp", "submission", "submissions", "pop3", "imap", "imaps")),
    "slow": Way(("smtp", "submission", "pop3", "imap"), said=_octet, every=MINUTE),
    "endless": Way(("smtp", "pop3", "imap"), said=lambda _: b"x" * POURED),
    "unread": Way(("imap",), (*LOG_IN, (b"b OK", b"c FETCH 1:* BODY.PEEK[]\r\n" * 20)), deaf=True),
    "idle": Way(("imap",), (*LOG_IN, (b"b OK", b"c IDLE\r\n"), (b"+ ", b"")), deaf=True),
    "held": Way(
        ("smtp",),
        (
            *SMTP_BEGIN,
            (b"250 ", b"RCPT TO:<anna@localhost>\r\n"),
            (b"250 ", b"DATA\r\n"),
            (b"354 ", HELD),
        ),
    ),
    "guessing": Way(
        ("smtp",), SMTP_BEGIN, said=lambda number: b"RCPT TO:<user%d@localhost>\r\n" % number
    ),
    "cracking": Way(
        ("imap",), said=lambda number: b"a%d LOGIN anna@localhost guess%d\r\n" % (number, number)
    ),
}
#: Of a hundred; those who only hold a connection are most.
MIX = {
    "silent": 35,
    "slow": 35,
    "endless": 2,
    "unread": 5,
    "idle": 10,
    "held": 10,
    "guessing": 2,
    "cracking": 1,
}


class Attacker(asyncio.Protocol):
    """One connection."""

    def __init__(self, way: Way, lost: Callable[[], None]) -> None:
        self._way = way
        self._lost = lost
        self._steps = list(way.steps)
        self._got = b""
        self._number = random.randrange(1_000_000)
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._steps:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        self._got = (self._got + data)[-4096:]
        while self._steps and self._transport is not None:
            awaited, said = self._steps[0]
            if not any(line.startswith(awaited) for line in self._got.splitlines()):
                return
            del self._steps[0]
            self._got = b""
            self._transport.write(said)
            if not self._steps:
                self._go_on()

    def _go_on(self) -> None:
        assert self._transport is not None
        if self._way.deaf:
            self._transport.pause_reading()
        if self._way.said is not None:
            self._timer = asyncio.get_running_loop().call_later(
                self._way.every * random.random(), self._say
            )

    def _say(self) -> None:
        assert self._transport is not None
        assert self._way.said is not None
        self._number += 1
        if self._transport.get_write_buffer_size() < 2 * POURED:
            self._transport.write(self._way.said(self._number))
        self._timer = asyncio.get_running_loop().call_later(self._way.every, self._say)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._lost()


class Horde:
    """All of them; `ends` counts the connections that were put out, by kind."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._begun = 0
        self._running = asyncio.Semaphore(AT_ONCE)
        self._waiting: set[asyncio.Task[None]] = set()
        self.open: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()

    async def come(self, kinds: Sequence[str]) -> None:
        """All at least once."""
        await asyncio.gather(*(self._stay(kind, number) for number, kind in enumerate(kinds)))

    async def _stay(self, kind: str, number: int) -> None:
        way = WAYS[kind]
        lost = asyncio.get_running_loop().create_future
        async with self._running:
            ended = lost()
            await self._connect(kind, way, number, ended)
        again = asyncio.get_running_loop().create_task(self._again(kind, number, ended))
        self._waiting.add(again)
        again.add_done_callback(self._waiting.discard)

    async def _again(self, kind: str, number: int, ended: asyncio.Future[None]) -> None:
        await ended
        await asyncio.sleep(AGAIN * (0.5 + random.random()))
        await self._stay(kind, number)

    async def _connect(self, kind: str, way: Way, number: int, ended: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        wire = socket.socket()
        wire.setblocking(False)
        if way.deaf:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)

        def lost() -> None:
            self.open[kind] -= 1
            self.ends[kind] += 1
            if not ended.done():
                ended.set_result(None)

        network = number // OF_A_NETWORK
        self.open[kind] += 1
        try:
            wire.bind((f"127.{1 + network // 250}.{network % 250}.7", 0))
            port = self._ports[way.services[number % len(way.services)]]
            await loop.sock_connect(wire, ("127.0.0.1", port))
            await loop.create_connection(lambda: Attacker(way, lost), sock=wire)
        except OSError:
            wire.close()
            lost()


def mixed(count: int, mix: Mapping[str, int]) -> list[str]:
    """So many kinds, in the proportions of the mix."""
    whole = [kind for kind, share in mix.items() for _ in range(share)]
    random.Random(5).shuffle(whole)
    return list(itertools.islice(_endlessly(whole), count))


def _endlessly(kinds: Sequence[str]) -> Iterator[str]:
    while True:
        yield from kinds


async def attack(ports: Mapping[str, int], kinds: Sequence[str]) -> None:
    """Say `ready` when all have come; then, for each line that is read, how it stands."""
    horde = Horde(ports)
    await horde.come(kinds)
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps({"open": horde.open, "ends": horde.ends}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.horde", description=__doc__)
    parser.add_argument("connections", type=int)
    parser.add_argument("ports", help="as JSON, by service")
    parser.add_argument("--mix", default=json.dumps(MIX), help="as JSON: of each kind so many")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(
        attack(json.loads(options.ports), mixed(options.connections, json.loads(options.mix)))
    )


if __name__ == "__main__":
    main()
