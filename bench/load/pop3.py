"""Whole POP3 sessions, from connecting to QUIT, on some connections at a time."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass

from bench.load import await_start, report

BLOCK = 1 << 18
END = b"\r\n.\r\n"


@dataclass(slots=True)
class Orders:
    """`action` is login, retr or pipelined."""

    action: str
    port: int
    users: list[str]
    password: str
    letters: int = 100  # in each mailbox
    sessions: int = 40
    limit: int = 300


class Client:
    """One session."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line()
        self.command(f"USER {user}")
        self.command(f"PASS {password}")

    def line(self) -> bytes:
        """A reply of one line."""
        return self._received(b"\r\n", 1)

    def command(self, *commands: str, end: bytes = b"\r\n") -> bytes:
        """Commands sent at once; their replies, as many as end with `end`."""
        self._socket.sendall("".join([f"{each}\r\n" for each in commands]).encode())
        return self._received(end, len(commands))

    def _received(self, end: bytes, times: int) -> bytes:
        """What comes until as many replies have ended; what they hold does not look like an end."""
        parts: list[bytes] = []
        seen, tail = 0, b""
        while True:
            octets = self._socket.recv(BLOCK)
            if not octets:
                raise SystemExit("closed by the server")
            if not parts and not octets.startswith(b"+OK"):
                raise SystemExit(f"refused: {octets[:80]!r}")
            parts.append(octets)
            joined = tail + octets
            seen += joined.count(end)
            tail = joined[-len(end) + 1 :]
            if seen >= times and octets.endswith(b"\n"):
                return b"".join(parts)


def session(orders: Orders, user: str) -> None:
    client = Client(orders.port, user, orders.password)
    found = re.match(rb"\+OK (\d+)", client.command("STAT"))
    if found is None or int(found[1]) != orders.letters:
        raise SystemExit("not as many messages as there should be")
    client.command("UIDL", end=END)
    numbers = range(1, orders.letters + 1)
    if orders.action == "retr":
        for number in numbers:
            client.command(f"RETR {number}", end=END)
    elif orders.action == "pipelined":
        client.command(*[f"RETR {number}" for number in numbers], end=END)
    client.command("QUIT")


def run(orders: Orders) -> None:
    """A connection for each user at a time; an operation is a session."""
    latencies: list[float] = []
    share = orders.sessions // len(orders.users)

    def work(user: str) -> None:
        for _ in range(share):
            started = time.perf_counter()
            session(orders, user)
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work, args=(user,)) for user in orders.users]
    session(orders, orders.users[0])
    await_start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(latencies) != share * len(orders.users):
        raise SystemExit(f"{len(latencies)} sessions came to their end")
    report(len(latencies), time.perf_counter() - began, latencies)


if __name__ == "__main__":
    given = Orders(**json.loads(sys.argv[1]))
    signal.alarm(given.limit)
    run(given)
