"""How many connections to other hosts one worker has, and who may have the next one.

Next hops that have answered, that nobody knows yet, and that failed the last time, have shares of
their own: however many are dead or slow, those that answer get a connection at once.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from .health import Standing


class Wanting(Protocol):
    """A next hop that could use one more connection."""

    @property
    def standing(self) -> Standing: ...

    def granted(self, share: Share) -> None:
        """It may have one: `share` is to be given back."""

    def give_up_idle(self) -> None:
        """End the oldest of its connections that have nothing to do."""


class Share:
    """The right to one connection."""

    __slots__ = ("_connections", "standing")

    def __init__(self, connections: Connections, standing: Standing) -> None:
        self._connections: Connections | None = connections
        self.standing = standing

    def good(self) -> None:
        """The next hop has answered: the share is none of those who try."""
        if self.standing is not Standing.GOOD and self._connections is not None:
            self._connections.moved(self)

    def give_back(self) -> None:
        """Once is enough."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.back(self)


class Connections:
    """All shares of a worker."""

    def __init__(self, most: int) -> None:
        self._most = {
            Standing.GOOD: most,
            Standing.UNKNOWN: max(1, most // 2),
            Standing.FAILED: max(1, most // 4),
        }
        self.used = dict.fromkeys(Standing, 0)
        self._waiting: dict[Standing, deque[Wanting]] = {each: deque() for each in Standing}
        self._queued: set[Wanting] = set()
        self._idle: dict[Wanting, int] = {}  # idle connections of each, those idle longest first
        self._granting = False

    @property
    def open(self) -> int:
        return sum(self.used.values())

    def want(self, wanting: Wanting) -> None:
        """One more connection, now or when one is free."""
        if wanting in self._queued:
            return
        self._queued.add(wanting)
        self._waiting[wanting.standing].append(wanting)
        self._grant()
        if self._idle and wanting in self._queued and self.open >= self._most[Standing.GOOD]:
            next(iter(self._idle)).give_up_idle()

    def idle(self, wanting: Wanting, more: int) -> None:
        """A next hop has more, or fewer, idle connections."""
        count = self._idle.pop(wanting, 0) + more
        if count > 0:
            self._idle[wanting] = count

    def moved(self, share: Share) -> None:
        self.used[share.standing] -= 1
        share.standing = Standing.GOOD
        self.used[Standing.GOOD] += 1
        self._grant()

    def back(self, share: Share) -> None:
        self.used[share.standing] -= 1
        self._grant()

    def _grant(self) -> None:
        if self._granting:
            return  # who is granted one may give it back at once
        self._granting = True
        try:
            for standing, waiting in self._waiting.items():
                while waiting and self._has_room(standing):
                    wanting = waiting.popleft()
                    self._queued.discard(wanting)
                    self.used[standing] += 1
                    wanting.granted(Share(self, standing))
        finally:
            self._granting = False

    def _has_room(self, standing: Standing) -> bool:
        total = self._most[Standing.GOOD]
        return self.open < total and self.used[standing] < self._most[standing]
