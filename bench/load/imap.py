"""Fills mailboxes over IMAP, and asks for what lies in them.

A first, uncounted command is read whole, to see that every message was answered.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field

from bench.corpus import realistic
from bench.letters import letter
from bench.load import await_start, perform, report
from bench.load.imap_client import Client, Letters

FOUND = (b"* SEARCH", b"* SORT", b"* THREAD")  # not how far a server has come
LONG = 5  # times the seconds, after which a command is not repeated
TOLERANCE = 64  # octets by which answers differ: the tag, a flag, the text after OK


@dataclass(slots=True)
class Orders:
    """`action` is one of ACTIONS."""

    action: str
    port: int
    users: list[str]
    password: str
    letters: int = 10_000
    mix: bool = False  # letters of the realistic mix
    items: str = "(FLAGS)"
    mark: str = " FETCH ("  # occurs once for each message in an answer
    change: bool = False  # store a flag of one message before each FETCH
    commands: list[str] = field(default_factory=list)  # to find something
    found: list[int] = field(default_factory=list)  # how many messages each of them finds
    seconds: float = 2.0
    repeats: int = 3  # at least
    connections: int = 8  # to fill
    deadline: float = 60.0  # to count
    limit: int = 900
    expected: list[int] = field(default_factory=list)


def client_of(orders: Orders, mailbox: bytes = b"INBOX") -> Client:
    client = Client(orders.port, orders.users[0], orders.password)
    client.command(b"SELECT " + mailbox)
    return client


def fetch(orders: Orders) -> None:
    """Fetch `items` of all messages again and again; an operation is one message."""
    client = client_of(orders)
    command = f"FETCH 1:* {orders.items}".encode()
    octets = _look(client, command, orders)
    await_start()
    latencies: list[float] = []
    began = time.perf_counter()
    while _goes_on(orders, len(latencies), time.perf_counter() - began):
        if orders.change:
            sign = b"-+"[len(latencies) % 2 :][:1]
            client.command(b"STORE 1 %bFLAGS.SILENT (\\Flagged)" % sign)
        started = time.perf_counter()
        received = client.skip(client.send(command))
        latencies.append(time.perf_counter() - started)
        if abs(received - octets) > TOLERANCE:
            raise SystemExit(f"an answer of {received} octets, the first had {octets}")
    took = time.perf_counter() - began
    report(orders.letters * len(latencies), took, latencies)
    if orders.change:  # what comes after it finds the flags as they were
        client.command(b"STORE 1 -FLAGS.SILENT (\\Flagged)")
    client.close()


def _goes_on(orders: Orders, done: int, took: float) -> bool:
    """For some seconds, and some times, but not for long."""
    return took < orders.seconds or (done < orders.repeats and took < LONG * orders.seconds)


def _look(client: Client, command: bytes, orders: Orders) -> int:
    whole = client.command(command)
    seen = whole.count(orders.mark.encode())
    if seen != orders.letters:
        raise SystemExit(f"{seen} messages answered of {orders.letters}")
    return len(whole)


def first(orders: Orders) -> None:
    """Fetch `items` once, of messages that have just come; an operation is one message."""
    client = client_of(orders)
    client.make(b"fresh")
    client.append(b"fresh", letter, 0, orders.letters)
    client.command(b"SELECT fresh")
    await_start()
    began = time.perf_counter()
    _look(client, f"FETCH 1:* {orders.items}".encode(), orders)
    took = time.perf_counter() - began
    report(orders.letters, took, [took])
    client.remove(b"fresh")
    client.close()


def find(orders: Orders) -> None:
    """Give the commands in turn, again and again; an operation is one of them.

    What was found is looked at when the clock has stopped: some servers take long for each.
    """
    client = client_of(orders)
    wanted = dict(zip(orders.commands, orders.found, strict=True))
    answers = {orders.commands[-1]: client.command(orders.commands[-1].encode())}
    await_start()
    latencies: list[float] = []
    began = time.perf_counter()
    while _goes_on(orders, len(latencies), time.perf_counter() - began):
        command = orders.commands[len(latencies) % len(orders.commands)]
        started = time.perf_counter()
        answers[command] = client.command(command.encode())
        latencies.append(time.perf_counter() - started)
    report(len(latencies), time.perf_counter() - began, latencies)
    for command, answer in answers.items():
        line = next(each for each in answer.split(b"\r\n") if each.startswith(FOUND))
        if len(re.findall(rb"\d+", line)) != wanted[command]:
            raise SystemExit(f"{command} did not find {wanted[command]} messages: {line[:80]!r}")
    client.close()


def grown(orders: Orders) -> None:
    """Give one command after a letter has come, again and again; an operation is both.

    What a server has kept of its last answer is no longer the answer.
    """
    client = client_of(orders)
    [command] = orders.commands
    await_start()
    latencies: list[float] = []
    answer = b""
    began = time.perf_counter()
    while _goes_on(orders, len(latencies), time.perf_counter() - began):
        come = orders.letters + len(latencies)
        client.append(b"INBOX", letter, come, come + 1)
        started = time.perf_counter()
        answer = client.command(command.encode())
        latencies.append(time.perf_counter() - started)
    report(len(latencies), time.perf_counter() - began, latencies)
    line = next(each for each in answer.split(b"\r\n") if each.startswith(FOUND))
    if len(re.findall(rb"\d+", line)) != orders.letters + len(latencies):
        raise SystemExit(f"{command} did not find all messages: {line[:80]!r}")
    client.command(b"STORE %d:* +FLAGS.SILENT (\\Deleted)" % (orders.letters + 1))
    client.command(b"EXPUNGE")
    client.close()


def select(orders: Orders) -> None:
    """SELECT of the INBOX again and again."""
    client = client_of(orders)
    if b"* %d EXISTS" % orders.letters not in client.command(b"SELECT INBOX"):
        raise SystemExit(f"there are not {orders.letters} messages")
    await_start()
    _in_turn(client, [[b"SELECT INBOX"]], orders)
    client.close()


def status(orders: Orders) -> None:
    """STATUS of many mailboxes, sent at once; an operation is all of them."""
    client = client_of(orders)
    names = [b"box%d" % number for number in range(orders.letters)]
    for name in names:
        client.make(name)
        client.append(name, letter, 0, 3)
    await_start()
    items = b" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"
    _in_turn(client, [[b"STATUS " + name + items for name in names]], orders)
    client.remove(*names)
    client.close()


def _in_turn(client: Client, commands: list[list[bytes]], orders: Orders) -> None:
    latencies: list[float] = []
    began = time.perf_counter()
    while _goes_on(orders, len(latencies), time.perf_counter() - began):
        given = commands[len(latencies) % len(commands)]
        started = time.perf_counter()
        client.skip(client.send(*given))
        latencies.append(time.perf_counter() - started)
    report(len(latencies), time.perf_counter() - began, latencies)


def fill(orders: Orders) -> None:
    """Append the letters to the first user's INBOX, on some connections."""
    share = -(-orders.letters // orders.connections)
    letters = realistic if orders.mix else letter
    client_of(orders).close()  # who comes first makes the mailbox, where a server does so
    threads = [
        threading.Thread(target=_append, args=(orders, letters, start))
        for start in range(0, orders.letters, share)
    ]
    await_start()
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(orders.letters, time.perf_counter() - began, [])


def _append(orders: Orders, letters: Letters, start: int) -> None:
    share = -(-orders.letters // orders.connections)
    client = Client(orders.port, orders.users[0], orders.password)
    client.append(b"INBOX", letters, start, min(start + share, orders.letters))
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


ACTIONS = {
    "fill": fill,
    "fetch": fetch,
    "first": first,
    "find": find,
    "grown": grown,
    "select": select,
    "status": status,
    "count": count,
}

if __name__ == "__main__":
    perform(Orders, ACTIONS)
