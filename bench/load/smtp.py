"""Sends letters over many SMTP connections at once from one process.

A connection is a generator that yields what to send and is given the reply; one epoll loop runs
them all, so that the load takes little of the processor it shares with the server.
"""

from __future__ import annotations

import base64
import json
import select
import signal
import socket
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field

from bench.letters import letter
from bench.load import await_start, report

Conversation = Generator[bytes, bytes, None]


@dataclass(slots=True)
class Orders:
    """What to send, and from how many connections."""

    port: int
    recipients: list[str]
    connections: int = 20
    each: int = 100  # letters on one connection
    letters: int = 2000  # in all
    first: int = 0  # number of the first letter, so that no two runs send the same one
    sender: str = "sender@sender.example"
    password: str = ""  # log in as the sender with AUTH PLAIN, when there is one
    limit: int = 120  # seconds until all is given up


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


def expect(reply: bytes, code: bytes) -> None:
    if not reply.startswith(code):
        raise SystemExit(f"expected {code.decode()}, got {reply!r}")


def conversation(run: Run, started: float) -> Conversation:
    """Greeting to QUIT; `started` is when the connection was begun."""
    orders = run.orders
    expect((yield b""), b"220")
    expect((yield b"EHLO load.example\r\n"), b"250")
    if orders.password:
        expect((yield _log_in(orders)), b"235")
    kept = orders.each > 1
    for _ in range(orders.each):
        number = run.take()
        if number is None:
            break
        recipient = orders.recipients[number % len(orders.recipients)].encode()
        if kept:
            started = time.perf_counter()
        expect((yield b"MAIL FROM:<%b>\r\n" % orders.sender.encode()), b"250")
        expect((yield b"RCPT TO:<%b>\r\n" % recipient), b"250")
        expect((yield b"DATA\r\n"), b"354")
        expect((yield letter(number) + b".\r\n"), b"250")
        run.latencies.append(time.perf_counter() - started)
    expect((yield b"QUIT\r\n"), b"221")


def _log_in(orders: Orders) -> bytes:
    """RFC 4616: the command with its initial response."""
    response = f"\0{orders.sender}\0{orders.password}".encode()
    return b"AUTH PLAIN %b\r\n" % base64.b64encode(response)


class Connection:
    """A socket and the conversation on it."""

    __slots__ = ("_conversation", "_input", "socket")

    def __init__(self, run: Run) -> None:
        started = time.perf_counter()
        self.socket = socket.create_connection(("127.0.0.1", run.orders.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._conversation = conversation(run, started)
        self._input = b""
        next(self._conversation)

    def readable(self) -> bool:
        """Take what has come and go on; false when the conversation has ended."""
        received = self.socket.recv(65536)
        if not received:
            raise SystemExit(f"closed by the server after {self._input!r}")
        self._input += received
        if not _complete(self._input):
            return True
        reply, self._input = self._input, b""
        try:
            self.socket.sendall(self._conversation.send(reply))
        except StopIteration:
            return False
        return True


def _complete(reply: bytes) -> bool:
    """RFC 5321 §4.2: the last line of a reply has a space after its code."""
    if not reply.endswith(b"\n"):
        return False
    last = reply.rfind(b"\n", 0, -1) + 1
    return reply[last + 3 : last + 4] == b" "


def send(orders: Orders) -> None:
    """Send all letters; report how many, in how long, and each one's time."""
    run = Run(orders)
    await_start()
    poll = select.epoll()
    living: dict[int, Connection] = {}

    def connect() -> None:
        connection = Connection(run)
        living[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)

    began = time.perf_counter()
    for _ in range(min(orders.connections, orders.letters)):
        connect()
    while living:
        for descriptor, _ in poll.poll():
            if living[descriptor].readable():
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
