"""Whole IMAP sessions, from connecting to LOGOUT, on some connections at a time."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.letters import letter
from bench.load import await_start, report
from bench.load.imap_client import Client

ENVELOPE = b"(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS UID)"
FIELDS = b"(BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID References)])"


@dataclass(slots=True)
class Orders:
    """`action` is login or mixed."""

    action: str
    port: int
    users: list[str]  # in turn, one a session
    password: str
    letters: int = 1_000  # in the mailbox
    sessions: int = 200
    connections: int = 10  # at a time
    limit: int = 300


def login(orders: Orders, user: str, _number: int) -> None:
    """LOGIN, SELECT, LOGOUT."""
    client = Client(orders.port, user, orders.password)
    client.command(b"SELECT INBOX")
    client.close()


def mixed(orders: Orders, user: str, number: int) -> None:
    """20 commands, as a client gives them that looks at what is new."""
    client = Client(orders.port, user, orders.password)
    start = number * 53 % (orders.letters - 50) + 1
    page = b"%d:%d" % (start, start + 49)
    content = letter(number)
    commands = [
        b"CAPABILITY",
        b'LIST "" *',
        b"STATUS INBOX (MESSAGES UNSEEN UIDNEXT)",
        b"SELECT INBOX",
        b"FETCH %b %b" % (page, ENVELOPE),
        b"FETCH %b %b" % (page, FIELDS),
        *[b"FETCH %d (BODY.PEEK[])" % (start + at) for at in range(5)],
        *[b"STORE %d +FLAGS (\\Seen)" % (start + at) for at in range(3)],
        *[b"STORE %d -FLAGS.SILENT (\\Seen)" % (start + at) for at in range(2)],
        b"SEARCH UNSEEN",
        b"APPEND sent {%d+}\r\n%b" % (len(content), content),
    ]
    for command in commands:
        client.skip(client.send(command))
    client.close()


def run(orders: Orders, session: Callable[[Orders, str, int], None]) -> None:
    """All sessions; an operation is one of them."""
    numbers = iter(range(orders.sessions))
    latencies: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            started = time.perf_counter()
            session(orders, orders.users[number % len(orders.users)], number)
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work) for _ in range(orders.connections)]
    if orders.action == "mixed":
        client = Client(orders.port, orders.users[0], orders.password)
        client.make(b"sent")
        mixed(orders, orders.users[0], 0)
    await_start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(latencies) != orders.sessions:
        raise SystemExit(f"{len(latencies)} sessions of {orders.sessions} came to their end")
    report(len(latencies), time.perf_counter() - began, latencies)
    if orders.action == "mixed":
        client.remove(b"sent")
        client.close()


if __name__ == "__main__":
    given = Orders(**json.loads(sys.argv[1]))
    signal.alarm(given.limit)
    run(given, {"login": login, "mixed": mixed}[given.action])
