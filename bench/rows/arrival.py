"""When all letters of a measurement are in the mailboxes."""

from __future__ import annotations

import time
from typing import Protocol

from bench.peers import Spooling
from bench.rows.base import Broken, Load, Subject
from bench.rows.imap import imap_orders


class Arrival(Protocol):
    """Tells when all letters are in the mailboxes."""

    def wait(self) -> None: ...

    def end(self) -> None: ...


class Queue:
    """Looks into the peer's queue until it is empty; the Maildirs must have all then."""

    def __init__(self, subject: Subject) -> None:
        assert isinstance(subject.peer, Spooling)
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
        self._load = Load("imap", imap_orders(subject) | orders)

    def wait(self) -> None:
        self._load.run()

    def end(self) -> None:
        self._load.end()
