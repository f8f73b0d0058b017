"""Sends letters over many SMTP or LMTP connections at once from one process.

A connection is a generator that yields what to send, and how many replies that has, and is given
them; one epoll loop runs them all, so that the load takes little of the processor it shares with
the server.
"""

from __future__ import annotations

import base64
import json
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field

from bench import corpus, letters
from bench.load import await_start, report

Conversation = Generator[tuple[bytes, int], bytes, None]

MAKERS = {"plain": letters.letter, "realistic": corpus.realistic}

_last_line = re.compile(rb"^\d{3} .*\r\n", re.MULTILINE)


@dataclass(slots=True)
class Orders:
    """What to send, and from how many connections."""

    port: int
    recipients: list[str]
    connections: int = 20
    each: int = 100  # letters on one connection
    letters: int = 2000  # in all
    first: int = 0  # number of the first letter, so that no two runs send the same one
    kind: str = "plain"  # of the letters, one of MAKERS
    to: int = 1  # recipients of each letter
    pipelined: bool = False  # MAIL, RCPT and DATA in one segment (RFC 2920)
    lmtp: bool = False  # LHLO, and a reply for each recipient (RFC 2033)
    sender: str = "sender@sender.example"
    password: str = ""  # log in as the sender with AUTH PLAIN, when there is one
    limit: int = 120  # seconds until all is given up

    def envelope(self, number: int) -> list[bytes]:
        """The commands before the content of letter `number`."""
        places = range(number * self.to, (number + 1) * self.to)
        names = [self.recipients[place % len(self.recipients)].encode() for place in places]
        return [
            b"MAIL FROM:<%b>\r\n" % self.sender.encode(),
            *(b"RCPT TO:<%b>\r\n" % name for name in names),
            b"DATA\r\n",
        ]


@dataclass(slots=True)
class Run:
    """What is left to send, and what was seen."""

    orders: Orders
    sent: int = 0
    latencies: list[float] = field(default_factory=list)

    def take(self) -> int | None:
        """The number of the next letter; None when all have been taken."""
        if self.sent >= self.orders.letters:
            return None
        self.sent += 1
        return self.orders.first + self.sent - 1


def expect(replies: bytes, code: bytes, count: int = 1) -> None:
    """All of the replies have to begin with the code."""
    lines = _last_line.findall(replies)
    if len(lines) != count or not all(line.startswith(code) for line in lines):
        raise SystemExit(f"expected {count} {code.decode()}, got {replies!r}")


def conversation(run: Run, started: float) -> Conversation:
    """Greeting to QUIT, whose reply is not waited for; `started` is when it was connected."""
    orders = run.orders
    expect((yield b"", 1), b"220")
    expect((yield b"%b load.example\r\n" % (b"LHLO" if orders.lmtp else b"EHLO"), 1), b"250")
    if orders.password:
        expect((yield _log_in(orders), 1), b"235")
    make = MAKERS[orders.kind]
    replies = orders.to if orders.lmtp else 1
    for _ in range(orders.each):
        number = run.take()
        if number is None:
            break
        if orders.each > 1:
            started = time.perf_counter()
        yield from _envelope(orders, number)
        content = make(number).replace(b"\r\n.", b"\r\n..")  # RFC 5321 §4.5.2
        expect((yield content + b".\r\n", replies), b"250", replies)
        run.latencies.append(time.perf_counter() - started)
    yield b"QUIT\r\n", 0


def _envelope(orders: Orders, number: int) -> Conversation:
    """To the 354 of DATA."""
    commands = orders.envelope(number)
    if orders.pipelined:
        replies = yield b"".join(commands), len(commands)
        taken, _, last = replies[:-2].rpartition(b"\r\n")
        expect(taken + b"\r\n", b"250", len(commands) - 1)
        expect(last + b"\r\n", b"354")
        return
    for command in commands[:-1]:
        expect((yield command, 1), b"250")
    expect((yield commands[-1], 1), b"354")


def _log_in(orders: Orders) -> bytes:
    """RFC 4616: the command with its initial response."""
    response = f"\0{orders.sender}\0{orders.password}".encode()
    return b"AUTH PLAIN %b\r\n" % base64.b64encode(response)


class Connection:
    """A socket and the conversation on it."""

    __slots__ = ("_awaited", "_conversation", "_input", "_output", "_poll", "socket")

    def __init__(self, run: Run, poll: select.epoll) -> None:
        started = time.perf_counter()
        self.socket = socket.create_connection(("127.0.0.1", run.orders.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._poll = poll
        self._conversation = conversation(run, started)
        self._input = b""
        self._output = memoryview(b"")  # what the socket did not take yet
        _, self._awaited = next(self._conversation)
        poll.register(self.socket, select.EPOLLIN)

    def ready(self) -> bool:
        """Take what has come and go on; false when the conversation has ended."""
        if self._output:
            self._send(self._output)
            return True
        received = self.socket.recv(65536)
        if not received:
            raise SystemExit(f"closed by the server after {self._input!r}")
        self._input += received
        if not _complete(self._input, self._awaited):
            return True
        replies, self._input = self._input, b""
        try:
            octets, self._awaited = self._conversation.send(replies)
        except StopIteration:
            return False
        self._send(memoryview(octets))
        return self._awaited > 0

    def _send(self, octets: memoryview) -> None:
        """Send what the socket takes; the rest when it takes more."""
        try:
            sent = self.socket.send(octets)
        except BlockingIOError:
            sent = 0
        was_waiting = bool(self._output)
        self._output = octets[sent:]
        if was_waiting != bool(self._output):
            events = select.EPOLLOUT if self._output else select.EPOLLIN
            self._poll.modify(self.socket, events)


def _complete(replies: bytes, count: int) -> bool:
    """RFC 5321 §4.2: the last line of a reply has a space after its code."""
    if not replies.endswith(b"\n"):
        return False
    if count > 1:
        return len(_last_line.findall(replies)) >= count
    last = replies.rfind(b"\n", 0, -1) + 1
    return replies[last + 3 : last + 4] == b" "


def send(orders: Orders) -> None:
    """Send all letters; report how many, in how long, and each one's time."""
    run = Run(orders)
    MAKERS[orders.kind](0)  # made before the clock runs
    await_start()
    poll = select.epoll()
    living: dict[int, Connection] = {}

    def connect() -> None:
        connection = Connection(run, poll)
        living[connection.socket.fileno()] = connection

    began = time.perf_counter()
    for _ in range(min(orders.connections, orders.letters)):
        connect()
    while living:
        for descriptor, _ in poll.poll():
            if living[descriptor].ready():
                continue
            poll.unregister(descriptor)
            living.pop(descriptor).socket.close()
            if run.sent < orders.letters:
                connect()
    report(len(run.latencies), time.perf_counter() - began, run.latencies)


if __name__ == "__main__":
    given = Orders(**json.loads(sys.argv[1]))
    signal.alarm(given.limit)
    send(given)
