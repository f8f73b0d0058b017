"""Letters taken and handed on to another host."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.keeper import settled_seconds
from bench.ours import PosthouseRelay
from bench.peers.postfix import PostfixRelay
from bench.rows.base import Broken, Figures, Load, Row, Subject, figures
from bench.rows.smtp import Sending


def relay(sending: Sending) -> Callable[[Subject], Figures]:
    """Letters taken and handed on to another host, counted when that has all of them."""

    def measure(subject: Subject) -> Figures:
        peer = subject.peer
        assert isinstance(peer, PostfixRelay | PosthouseRelay)
        assert peer.sink is not None
        load = Load("smtp", sending.orders(subject))
        subject.arrived += sending.letters
        before = settled_seconds(peer.keeper)
        began = time.perf_counter()
        seen = load.run()
        arrived = peer.sink.wait(subject.arrived)
        took = time.perf_counter() - began
        after = settled_seconds(peer.keeper)
        load.end()
        if arrived != subject.arrived:
            raise Broken(f"the sink has {arrived} of {subject.arrived} letters")
        return figures(seen, after - before, took)

    return measure


ROWS = (
    Row(
        "relay",
        "letters of 4 kB taken and handed on to another host, 20 connections",
        ("postfix-relay", "posthouse-relay-1", "posthouse-relay-2"),
        relay(Sending(20, 100, 4000)),
        goal=0.5,
    ),
)
