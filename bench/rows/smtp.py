"""Letters accepted, and accepted and delivered, over SMTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.keeper import settled_seconds
from bench.ours import Posthouse
from bench.peers.postfix import Postfix
from bench.rows.arrival import Arrival, Mailboxes, Queue
from bench.rows.base import OURS, Figures, Load, Row, Subject, figures, measured

WARM = 40  # letters sent before the clock runs, so that processes are there and log-ins known


def orders_for(subject: Subject, connections: int, each: int, letters: int) -> dict[str, Any]:
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
    orders = orders_for(subject, connections, each, letters)
    if isinstance(subject.peer, Posthouse):
        orders["recipients"] = subject.peer.away
    return orders


def deliver(connections: int, each: int, letters: int) -> Callable[[Subject], Figures]:
    """Letters taken and put into mailboxes; the clock runs until all are there."""

    def measure(subject: Subject) -> Figures:
        load = Load("smtp", orders_for(subject, connections, each, letters))
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
        return figures(seen, after - before, took)

    return measure


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
)
