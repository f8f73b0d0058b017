"""How many connections to other hosts one worker has, and who may have the next one.

Next hops that have answered, that nobody knows yet, and that failed the last time, have shares of
their own: however many are dead or slow, those that answer get a connection at once. Who has not
answered for a while is counted apart, so that even strangers wait for few others. What nobody has
just sent something to is tried one after the other, and the slower the busier the loop is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

PATIENCE = 3.0  # seconds after which a connection that has brought nothing counts as slow
GAP = 0.02  # seconds between two tries of what has waited, when there is little else to do
LONGEST_GAP = 0.05  # and when there is much: twenty a second are tried whatever there is to do
LATE = 0.005  # seconds that a timer is late where there is much to do


class Wanting(Protocol):
    """A next hop that could use one more connection."""

    @property
    def kind(self) -> Kind: ...

    def granted(self, share: Share) -> None:
        """It may have one: `share` is to be given back."""

    def give_up_idle(self) -> None:
        """End the oldest of its connections that have nothing to do."""


class Kind(IntEnum):
    """What a share is used for; the first are served first."""

    GOOD = 0  # a next hop that has taken something
    NEW = 1  # that nobody knows, for a letter that has just come
    OLD = 2  # that nobody knows, for what has waited
    FAILED = 3  # that could not be reached the last time
    SLOW = 4  # any of the three before, that has not answered yet


PACED = (Kind.OLD, Kind.FAILED)


class Gaps:
    """Between tries that can wait: one at a time, so that others have their turn in between."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._gap = GAP
        self._end = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_one(self) -> bool:
        """Nothing is to be tried now."""
        return self._timer is not None

    def begin(self) -> None:
        """Something is tried."""
        loop = asyncio.get_running_loop()
        self._end = loop.time() + self._gap
        self._timer = loop.call_later(self._gap, self._over)

    def _over(self) -> None:
        late = asyncio.get_running_loop().time() - self._end
        self._gap = min(LONGEST_GAP, self._gap * 2) if late > LATE else max(GAP, self._gap * 0.8)
        self._timer = None
        self._ended()


class Share:
    """The right to one connection."""

    __slots__ = ("_connections", "_timer", "kind")

    def __init__(self, connections: Connections, kind: Kind) -> None:
        self._connections: Connections | None = connections
        self.kind = kind
        self._timer = (
            None
            if kind is Kind.GOOD
            else asyncio.get_running_loop().call_later(PATIENCE, self._slow)
        )

    def good(self) -> None:
        """The next hop has taken something: the share is none of those who try."""
        if self.kind is not Kind.GOOD and self._connections is not None:
            self._stop()
            self._connections.move(self, Kind.GOOD)

    def give_back(self) -> None:
        """Once is enough."""
        connections, self._connections = self._connections, None
        if connections is not None:
            self._stop()
            connections.back(self)

    def _slow(self) -> None:
        self._timer = None
        if self._connections is not None and self._connections.has_room(Kind.SLOW):
            self._connections.move(self, Kind.SLOW)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connections:
    """All shares of a worker."""

    def __init__(self, most: int) -> None:
        self._most = {
            Kind.GOOD: most,
            Kind.NEW: max(1, most * 3 // 8),
            Kind.OLD: max(1, most // 4),
            Kind.FAILED: max(1, most // 8),
            Kind.SLOW: most,
        }
        self.used = dict.fromkeys(Kind, 0)
        self._waiting: dict[Kind, deque[Wanting]] = {each: deque() for each in Kind}
        self._queued: dict[Wanting, Kind] = {}
        self._idle: dict[Wanting, int] = {}  # idle connections of each, those idle longest first
        self._granting = False
        self._gaps = Gaps(self._grant)

    @property
    def busy(self) -> int:
        """Those that are not merely waited for."""
        return sum(self.used.values()) - self.used[Kind.SLOW]

    def want(self, wanting: Wanting) -> None:
        """One more connection, now or when one is free."""
        kind = wanting.kind
        if self._queued.get(wanting, Kind.SLOW) <= kind:
            return
        self._queued[wanting] = kind  # perhaps before the place that it has already
        self._waiting[kind].append(wanting)
        self._grant()
        if self._idle and wanting in self._queued and self.busy >= self._most[Kind.GOOD]:
            next(iter(self._idle)).give_up_idle()

    def idle(self, wanting: Wanting, more: int) -> None:
        """A next hop has more, or fewer, idle connections."""
        count = self._idle.pop(wanting, 0) + more
        if count > 0:
            self._idle[wanting] = count

    def has_room(self, kind: Kind) -> bool:
        if kind is Kind.SLOW:
            return self.used[kind] < self._most[kind]
        return self.busy < self._most[Kind.GOOD] and self.used[kind] < self._most[kind]

    def move(self, share: Share, kind: Kind) -> None:
        """A share is used for something else now."""
        self.used[share.kind] -= 1
        share.kind = kind
        self.used[kind] += 1
        self._grant()

    def back(self, share: Share) -> None:
        self.used[share.kind] -= 1
        self._grant()

    def _grant(self) -> None:
        if self._granting:
            return  # who is granted one may give it back at once
        self._granting = True
        try:
            for kind, waiting in self._waiting.items():
                while waiting and self.has_room(kind):
                    if self._queued.get(waiting[0]) is not kind:
                        waiting.popleft()  # it has got one sooner
                        continue
                    if kind in PACED:
                        if self._gaps.is_one:
                            break
                        self._gaps.begin()
                    wanting = waiting.popleft()
                    del self._queued[wanting]
                    self.used[kind] += 1
                    wanting.granted(Share(self, kind))
        finally:
            self._granting = False
