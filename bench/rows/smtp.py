"""Letters accepted, and accepted and delivered, over SMTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.corpus import LETTERS as MIX
from bench.keeper import settled_seconds
from bench.ours import Posthouse
from bench.peers import Spooling
from bench.rows.arrival import Arrival, Mailboxes, Queue
from bench.rows.base import OURS, Figures, Load, Row, Subject, figures, measured

HOLDING = ("postfix-hold", "exim-queue", "aiosmtpd")
DELIVERING = ("postfix-maildir", "postfix-lmtp")
Measure = Callable[[Subject], Figures]

WARM = 40  # letters sent before the clock runs, so that processes are there and log-ins known


@dataclass(frozen=True, slots=True)
class Sending:
    """How letters are sent: so many connections with so many letters each, to so many users."""

    connections: int
    each: int
    letters: int
    kind: str = "plain"
    to: int = 1
    pipelined: bool = False

    def orders(self, subject: Subject, letters: int = 0, service: str = "smtp") -> dict[str, Any]:
        """What the load is told: all of the letters, or so many."""
        orders: dict[str, Any] = {
            "port": subject.peer.ports[service],
            "lmtp": service == "lmtp",
            "recipients": subject.peer.users,
            "connections": self.connections,
            "each": self.each,
            "letters": letters or self.letters,
            "first": subject.sent,
            "kind": self.kind,
            "to": self.to,
            "pipelined": self.pipelined,
        }
        subject.sent += letters or self.letters
        return orders


KEPT = Sending(20, 100, 2000)
PIPELINED = Sending(20, 100, 2000, pipelined=True)
ONE = Sending(1, 1, 300)
ONE_20 = Sending(20, 1, 1000)
ALONE = Sending(1, 100, 300)
REALISTIC = Sending(10, 10, MIX, "realistic")
MANY = Sending(10, 10, 300, to=10)


def accept(sending: Sending) -> Measure:
    """Letters taken and made durable. Ours are for another site, so that none is delivered."""

    def orders(subject: Subject, letters: int = 0) -> dict[str, Any]:
        found = sending.orders(subject, letters)
        if isinstance(subject.peer, Posthouse):
            found["recipients"] = subject.peer.away
        return found

    def measure(subject: Subject) -> Figures:
        warm = Load("smtp", orders(subject, WARM))
        warm.run()
        warm.end()
        return measured(subject, "smtp", orders(subject))

    return measure


def deliver(sending: Sending) -> Measure:
    """Letters taken and put into mailboxes; the clock runs until all are there."""

    def measure(subject: Subject) -> Figures:
        subject.sent = -(-subject.sent // len(subject.peer.users)) * len(subject.peer.users)
        load = Load("smtp", sending.orders(subject))
        subject.arrived += sending.letters * sending.to
        peer = subject.peer
        arrival: Arrival = Queue(subject) if isinstance(peer, Spooling) else Mailboxes(subject)
        before = settled_seconds(peer.keeper)
        began = time.perf_counter()
        seen = load.run()
        arrival.wait()
        took = time.perf_counter() - began
        after = settled_seconds(peer.keeper)
        load.end()
        arrival.end()
        return figures(seen, after - before, took)

    return measure


ROWS = (
    Row(
        "accept-one",
        "accept 4 kB, one letter a connection, 1 at a time",
        (*HOLDING, *OURS),
        accept(ONE),
        {"postfix-hold": 1.0},
        most=0.6,
    ),
    Row(
        "accept-one-20",
        "accept 4 kB, one letter a connection, 20 at a time",
        (*HOLDING, *OURS),
        accept(ONE_20),
        {"postfix-hold": 1.0},
        most=0.6,
    ),
    Row(
        "accept-alone",
        "accept 4 kB, 1 connection kept, 100 letters each",
        (*HOLDING, *OURS),
        accept(ALONE),
        {"postfix-hold": 1.0},
    ),
    Row(
        "accept-kept",
        "accept 4 kB, 20 connections kept, 100 letters each",
        (*HOLDING, *OURS),
        accept(KEPT),
        {"postfix-hold": 1 / 3, "exim-queue": 0.5},
        most=0.35,
    ),
    Row(
        "accept-pipelined",
        "accept 4 kB, 20 connections kept, MAIL, RCPT and DATA in one segment",
        (*HOLDING, *OURS),
        accept(PIPELINED),
        {"postfix-hold": 1 / 3},
    ),
    Row(
        "accept-realistic",
        "accept the realistic mix, 10 connections, 10 letters each",
        (*HOLDING, *OURS),
        accept(REALISTIC),
        {"postfix-hold": 1.0},
    ),
    Row(
        "accept-rcpt10",
        "accept 4 kB to 10 recipients, 10 connections, 10 letters each",
        ("postfix-hold", "exim-queue", *OURS),
        accept(MANY),
        {"postfix-hold": 1.0},
    ),
    Row(
        "deliver-one",
        "accept and deliver 4 kB, one letter a connection, 1 at a time",
        (*DELIVERING, "exim-maildir", *OURS),
        deliver(ONE),
        {"postfix-maildir": 1.0},
    ),
    Row(
        "deliver-kept",
        "accept and deliver 4 kB, 20 connections kept, 100 letters each",
        (*DELIVERING, *OURS),
        deliver(KEPT),
        {"postfix-maildir": 0.4},
        most=0.7,
    ),
    Row(
        "deliver-realistic",
        "accept and deliver the realistic mix, 10 connections, 10 letters each",
        (*DELIVERING, *OURS),
        deliver(REALISTIC),
        {"postfix-maildir": 1.0},
    ),
    Row(
        "deliver-rcpt10",
        "accept 4 kB to 10 recipients and deliver, 10 connections, 10 letters each",
        (*DELIVERING, *OURS),
        deliver(MANY),
        {"postfix-maildir": 1.0},
    ),
)
