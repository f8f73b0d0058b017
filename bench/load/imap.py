"""Fills mailboxes and fetches from them over IMAP, with blocking sockets.

Answers are not parsed while the clock runs: a command ends when the last line of what has come
begins with its tag (the letters hold no such line). A first, uncounted command is read whole, to
see that every message was answered.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field

from bench.letters import letter
from bench.load import await_start, report

BATCH = 100  # letters in one APPEND, where the server has MULTIAPPEND
BLOCK = 1 << 20
TOLERANCE = 64  # octets by which answers differ: the tag, a flag, the text after OK


@dataclass(slots=True)
class Orders:
    """`action` is fill, fetch, find or count."""

    action: str
    port: int
    users: list[str]
    password: str
    letters: int = 10_000
    items: str = "(FLAGS)"
    mark: str = " FETCH ("  # occurs once for each message in an answer
    change: bool = False  # store a flag of one message before each FETCH
    commands: list[str] = field(default_factory=list)  # to find something
    found: list[int] = field(default_factory=list)  # how many messages each of them finds
    seconds: float = 2.0
    repeats: int = 3  # at least
    connections: int = 8  # to fill
    deadline: float = 60.0  # to count
    limit: int = 300
    expected: list[int] = field(default_factory=list)


class Client:
    """One connection, logged in."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._block = memoryview(bytearray(BLOCK))
        self._tag = 0
        while not self._socket.recv(BLOCK).endswith(b"\n"):
            continue
        self.command(f'LOGIN "{user}" "{password}"'.encode())
        self.capability = self.command(b"CAPABILITY").upper()

    def send(self, command: bytes) -> bytes:
        """Send a command; its tag."""
        self._tag += 1
        tag = b"t%d" % self._tag
        self._socket.sendall(tag + b" " + command + b"\r\n")
        return tag

    def command(self, command: bytes) -> bytes:
        """Send a command; its whole answer."""
        return self.answer(self.send(command))

    def answer(self, tag: bytes) -> bytes:
        parts: list[bytes] = []
        self._receive(tag, parts)
        return b"".join(parts)

    def skip(self, tag: bytes) -> int:
        """Receive an answer without keeping it; its octets."""
        return self._receive(tag, None)

    def _receive(self, tag: bytes, parts: list[bytes] | None) -> int:
        tail = b""
        octets = 0
        while True:
            count = self._socket.recv_into(self._block)
            if not count:
                raise SystemExit(f"closed by the server after {tail!r}")
            octets += count
            if parts is not None:
                parts.append(bytes(self._block[:count]))
            tail = (tail + bytes(self._block[max(0, count - 512) : count]))[-512:]
            if tail.endswith(b"\r\n"):
                last = tail[tail.rfind(b"\r\n", 0, -2) + 1 :].lstrip()
                if last.startswith(tag + b" "):
                    break
        if not last.startswith(tag + b" OK"):
            raise SystemExit(f"command failed: {last!r}")
        return octets

    def close(self) -> None:
        self.command(b"LOGOUT")
        self._socket.close()


def fetch(orders: Orders) -> None:
    """Fetch `items` of all messages again and again; an operation is one message."""
    client = Client(orders.port, orders.users[0], orders.password)
    client.command(b"SELECT INBOX")
    command = f"FETCH 1:* {orders.items}".encode()
    whole = client.command(command)
    seen = whole.count(orders.mark.encode())
    if seen != orders.letters:
        raise SystemExit(f"{seen} messages answered of {orders.letters}")
    await_start()
    latencies: list[float] = []
    began = time.perf_counter()
    while len(latencies) < orders.repeats or time.perf_counter() - began < orders.seconds:
        if orders.change:
            sign = b"-+"[len(latencies) % 2 :][:1]
            client.command(b"STORE 1 %bFLAGS.SILENT (\\Flagged)" % sign)
        started = time.perf_counter()
        octets = client.skip(client.send(command))
        latencies.append(time.perf_counter() - started)
        if abs(octets - len(whole)) > TOLERANCE:
            raise SystemExit(f"an answer of {octets} octets, the first had {len(whole)}")
    took = time.perf_counter() - began
    report(orders.letters * len(latencies), took, latencies)
    client.close()


def find(orders: Orders) -> None:
    """Give the commands in turn, again and again; an operation is one of them."""
    client = Client(orders.port, orders.users[0], orders.password)
    client.command(b"SELECT INBOX")
    for command, wanted in zip(orders.commands, orders.found, strict=True):
        answer = client.command(command.encode())
        line = next(each for each in answer.split(b"\r\n") if each.startswith(b"* "))
        if len(re.findall(rb"\d+", line)) != wanted:
            raise SystemExit(f"{command} did not find {wanted} messages: {line[:80]!r}")
    await_start()
    latencies: list[float] = []
    began = time.perf_counter()
    while len(latencies) < orders.repeats or time.perf_counter() - began < orders.seconds:
        command = orders.commands[len(latencies) % len(orders.commands)]
        started = time.perf_counter()
        client.skip(client.send(command.encode()))
        latencies.append(time.perf_counter() - started)
    report(len(latencies), time.perf_counter() - began, latencies)
    client.close()


def fill(orders: Orders) -> None:
    """Append the letters to the first user's INBOX."""
    share = -(-orders.letters // orders.connections)
    threads = [
        threading.Thread(target=_append, args=(orders, start, min(start + share, orders.letters)))
        for start in range(0, orders.letters, share)
    ]
    await_start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(orders.letters, time.perf_counter() - began, [])


def _append(orders: Orders, start: int, end: int) -> None:
    client = Client(orders.port, orders.users[0], orders.password)
    batch = BATCH if b"MULTIAPPEND" in client.capability else 1
    for first in range(start, end, batch):
        command = b"APPEND INBOX"
        for number in range(first, min(first + batch, end)):
            content = letter(number)
            command += b" {%d+}\r\n%b" % (len(content), content)
        client.command(command)
    client.close()


def count(orders: Orders) -> None:
    """Wait until each user's INBOX has the `expected` number of messages."""
    clients = [
        (Client(orders.port, user, orders.password), wanted)
        for user, wanted in zip(orders.users, orders.expected, strict=True)
    ]
    await_start()
    began = time.perf_counter()
    while clients:
        if time.perf_counter() - began > orders.deadline:
            raise SystemExit(f"{len(clients)} mailboxes are not full after {orders.deadline} s")
        clients = [(client, wanted) for client, wanted in clients if _messages(client) < wanted]
        if clients:
            time.sleep(0.05)
    report(sum(orders.expected), time.perf_counter() - began, [])


def _messages(client: Client) -> int:
    found = re.search(rb"MESSAGES (\d+)", client.command(b"STATUS INBOX (MESSAGES)"))
    if found is None:
        raise SystemExit("STATUS without MESSAGES")
    return int(found[1])


if __name__ == "__main__":
    given = Orders(**json.loads(sys.argv[1]))
    signal.alarm(given.limit)
    {"fill": fill, "fetch": fetch, "find": find, "count": count}[given.action](given)
