"""The rows: what is measured on each server, and how one measurement is made."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bench.keeper import settled_seconds
from bench.ours import Posthouse, PosthouseRelay
from bench.peers import PASSWORD, ROOT, Peer
from bench.peers.postfix import Postfix, PostfixRelay

OURS = ("posthouse-1", "posthouse-2")
IMAP = ("dovecot-maildir", "dovecot-mdbox", *OURS)
WARM = 40  # letters sent before the clock runs, so that processes are there and log-ins known
LETTERS = 10_000  # in the mailbox that is fetched from
ENVELOPE = "(ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS UID)"
FIELDS = "(BODY.PEEK[HEADER.FIELDS (From To Subject Date Message-ID References)])"


class Broken(Exception):
    """A measurement that did not come to its end; bears what the load said."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement."""

    cpu: float  # ms of all the server's processes, for one operation
    rate: float  # operations a second
    p50: float  # ms
    p99: float  # ms


@dataclass(slots=True)
class Subject:
    """A running server and what is known of it in this run of the bench."""

    peer: Peer
    sent: int = 0  # letters sent to it, so that each is another one
    filled: int = 0  # letters put into the mailbox that is fetched from
    indexed: bool = False  # they are in the search index
    arrived: int = 0  # letters that must be in the mailboxes by now


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table for each server; `goal`: our CPU divided by a peer's, at most."""

    name: str
    text: str
    servers: tuple[str, ...]
    measure: Callable[[Subject], Figures]
    goal: float = 1.0


class Load:
    """A load program at work: prepared, started, read and ended."""

    def __init__(self, program: str, orders: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"bench.load.{program}", json.dumps(orders)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._line()

    def run(self) -> dict[str, Any]:
        """Give the word; what the load saw. It stays connected until `end`."""
        self._say()
        return self._line()

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._say()
        _, errors = self._process.communicate(timeout=60)
        if self._process.returncode:
            raise Broken(errors.strip().rpartition("\n")[2])

    def _say(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate(timeout=60)
            raise Broken(errors.strip().rpartition("\n")[2] or "the load was ended by its limit")
        found: dict[str, Any] = json.loads(line)
        return found


def measured(subject: Subject, program: str, orders: dict[str, Any]) -> Figures:
    """Run a load; the server's time is counted until it has come to rest."""
    load = Load(program, orders)
    before = settled_seconds(subject.peer.keeper)
    seen = load.run()
    after = settled_seconds(subject.peer.keeper)
    load.end()
    return _figures(seen, after - before, seen["seconds"])


def _figures(seen: dict[str, Any], cpu: float, seconds: float) -> Figures:
    operations = seen["operations"]
    latencies = sorted(seen["latencies"])
    return Figures(
        cpu=cpu * 1000 / operations,
        rate=operations / seconds,
        p50=statistics.median(latencies) * 1000,
        p99=latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)] * 1000,
    )


def _orders(subject: Subject, connections: int, each: int, letters: int) -> dict[str, Any]:
    orders: dict[str, Any] = {
        "port": subject.peer.ports["smtp"],
        "recipients": subject.peer.users,
        "connections": connections,
        "each": each,
        "letters": letters,
        "first": subject.sent,
    }
    subject.sent += letters
    return orders


def accept(connections: int, each: int, letters: int) -> Callable[[Subject], Figures]:
    """Letters taken and made durable. Ours are for another site, so that none is delivered."""

    def measure(subject: Subject) -> Figures:
        warm = Load("smtp", _accept_orders(subject, connections, 1, WARM))
        warm.run()
        warm.end()
        return measured(subject, "smtp", _accept_orders(subject, connections, each, letters))

    return measure


def _accept_orders(subject: Subject, connections: int, each: int, letters: int) -> dict[str, Any]:
    orders = _orders(subject, connections, each, letters)
    if isinstance(subject.peer, Posthouse):
        orders["recipients"] = subject.peer.away
    return orders


def deliver(connections: int, each: int, letters: int) -> Callable[[Subject], Figures]:
    """Letters taken and put into mailboxes; the clock runs until all are there."""

    def measure(subject: Subject) -> Figures:
        load = Load("smtp", _orders(subject, connections, each, letters))
        subject.arrived += letters
        peer = subject.peer
        arrival: Arrival = Queue(subject) if isinstance(peer, Postfix) else Mailboxes(subject)
        before = settled_seconds(peer.keeper)
        began = time.perf_counter()
        seen = load.run()
        arrival.wait()
        took = time.perf_counter() - began
        after = settled_seconds(peer.keeper)
        load.end()
        arrival.end()
        return _figures(seen, after - before, took)

    return measure


def relay(connections: int, each: int, letters: int) -> Callable[[Subject], Figures]:
    """Letters taken and handed on to another host, counted when that has all of them."""

    def measure(subject: Subject) -> Figures:
        peer = subject.peer
        assert isinstance(peer, PostfixRelay | PosthouseRelay)
        assert peer.sink is not None
        load = Load("smtp", _orders(subject, connections, each, letters))
        subject.arrived += letters
        before = settled_seconds(peer.keeper)
        began = time.perf_counter()
        seen = load.run()
        arrived = peer.sink.wait(subject.arrived)
        took = time.perf_counter() - began
        after = settled_seconds(peer.keeper)
        load.end()
        if arrived != subject.arrived:
            raise Broken(f"the sink has {arrived} of {subject.arrived} letters")
        return _figures(seen, after - before, took)

    return measure


class Arrival(Protocol):
    """Tells when all letters are in the mailboxes."""

    def wait(self) -> None: ...

    def end(self) -> None: ...


class Queue:
    """Looks into Postfix's queue until it is empty; the Maildirs must have all then."""

    def __init__(self, subject: Subject) -> None:
        assert isinstance(subject.peer, Postfix)
        self._peer = subject.peer
        self._arrived = subject.arrived

    def wait(self) -> None:
        deadline = time.monotonic() + 120
        while self._peer.undelivered():
            if time.monotonic() > deadline:
                raise Broken("letters are left in the queue after 120 s")
            time.sleep(0.02)

    def end(self) -> None:
        found = self._peer.delivered()
        if found != self._arrived:
            raise Broken(f"{found} of {self._arrived} letters are in the mailboxes")


class Mailboxes:
    """Asks for STATUS of each mailbox until all are full; is logged in before the clock runs."""

    def __init__(self, subject: Subject) -> None:
        users = subject.peer.users
        wanted = [len(range(place, subject.arrived, len(users))) for place in range(len(users))]
        orders = {"action": "count", "users": users, "expected": wanted}
        self._load = Load("imap", _imap_orders(subject) | orders)

    def wait(self) -> None:
        self._load.run()

    def end(self) -> None:
        self._load.end()


def _imap_orders(subject: Subject) -> dict[str, Any]:
    peer = subject.peer
    return {"port": peer.ports["imap"], "users": [peer.reader], "password": PASSWORD}


def fetch(items: str, mark: str, *, change: bool = False) -> Callable[[Subject], Figures]:
    """FETCH 1:* of a mailbox of 10,000 letters; an operation is one message.

    With `change`, a flag of one message is stored before each FETCH, and counted with it: what a
    server has kept of its last answer is no longer the answer.
    """

    def measure(subject: Subject) -> Figures:
        if not subject.filled:
            fill(subject)
        orders = _imap_orders(subject) | {
            "action": "fetch",
            "letters": subject.filled,
            "items": items,
            "mark": mark,
            "change": change,
        }
        return measured(subject, "imap", orders)

    return measure


def find(commands: Mapping[str, int]) -> Callable[[Subject], Figures]:
    """Commands that search the mailbox of 10,000, and how many messages each finds."""

    def measure(subject: Subject) -> Figures:
        if not subject.filled:
            fill(subject)
        if isinstance(subject.peer, Posthouse) and not subject.indexed:
            subject.peer.server.run("search", "rebuild")
            subject.indexed = True
        orders = _imap_orders(subject) | {
            "action": "find",
            "commands": list(commands),
            "found": list(commands.values()),
        }
        return measured(subject, "imap", orders)

    return measure


def fill(subject: Subject) -> None:
    """Put the letters into the mailbox that is fetched from."""
    load = Load("imap", _imap_orders(subject) | {"action": "fill", "letters": LETTERS})
    load.run()
    load.end()
    subject.filled = LETTERS


ROWS = (
    Row(
        "accept-kept",
        "accept 4 kB, 20 connections kept, 100 letters each",
        ("postfix-hold", *OURS),
        accept(20, 100, 2000),
        1 / 3,
    ),
    Row(
        "accept-one",
        "accept 4 kB, one letter a connection, 1 at a time",
        ("postfix-hold", *OURS),
        accept(1, 1, 500),
    ),
    Row(
        "accept-one-20",
        "accept 4 kB, one letter a connection, 20 at a time",
        ("postfix-hold", *OURS),
        accept(20, 1, 1000),
    ),
    Row(
        "deliver-kept",
        "accept and deliver 4 kB, 20 connections kept, 100 letters each",
        ("postfix-maildir", *OURS),
        deliver(20, 100, 2000),
        0.4,
    ),
    Row(
        "relay",
        "letters of 4 kB taken and handed on to another host, 20 connections",
        ("postfix-relay", "posthouse-relay-1", "posthouse-relay-2"),
        relay(20, 100, 4000),
        goal=0.5,
    ),
    Row(
        "fetch-flags",
        "FETCH (FLAGS), a message of 10,000",
        IMAP,
        fetch("(FLAGS)", " FETCH ("),
    ),
    Row(
        "fetch-flags-changed",
        "STORE of one message and FETCH (FLAGS), a message of 10,000",
        IMAP,
        fetch("(FLAGS)", " FETCH (", change=True),
    ),
    Row(
        "fetch-envelope",
        f"FETCH {ENVELOPE}, a message of 10,000",
        IMAP,
        fetch(ENVELOPE, "ENVELOPE ("),
    ),
    Row(
        "fetch-fields",
        f"FETCH {FIELDS}, a message of 10,000",
        IMAP,
        fetch(FIELDS, "BODY[HEADER.FIELDS"),
    ),
    Row(
        "fetch-body",
        "FETCH (BODY.PEEK[]), a message of 10,000 of 4 kB",
        IMAP,
        fetch("(BODY.PEEK[])", "BODY[] {"),
    ),
    Row(
        "search-text",
        "SEARCH TEXT for what 11 or 56 of 10,000 messages have",
        IMAP,
        find(
            {f'SEARCH TEXT "no. {number}"': 11 for number in range(100, 120)}
            | {'SEARCH TEXT "candle, no. 7"': 56}
        ),
        goal=1 / 100,
    ),
    Row(
        "search-subject",
        "SEARCH SUBJECT for what 11 of 10,000 messages have",
        IMAP,
        find({f'SEARCH SUBJECT "no. {number}"': 11 for number in range(100, 120)}),
    ),
    Row("search-unseen", "SEARCH UNSEEN of 10,000", IMAP, find({"SEARCH UNSEEN": LETTERS})),
    Row("search-since", "SEARCH SINCE of 10,000", IMAP, find({"SEARCH SINCE 1-Jan-2020": LETTERS})),
    Row("sort", "SORT (SUBJECT) of 10,000", IMAP, find({"SORT (SUBJECT) UTF-8 ALL": LETTERS})),
    Row(
        "thread",
        "THREAD REFERENCES of 10,000",
        IMAP,
        find({"THREAD REFERENCES UTF-8 ALL": LETTERS}),
    ),
)
