"""What is remembered of next hops and addresses: how many connections they take, when they failed.

No clock and no chance here: both are given as numbers.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum

from posthouse.mta.queue.next_hops import Memory
from posthouse.mta.queue.outcome import Trouble

MOST = 20_000  # next hops, and addresses, that are remembered
SILENT = 60.0  # seconds for which an address is not tried that could not be reached
SILENT_LONGEST = 600.0
PROBE = 60.0  # seconds for which others leave an address alone that somebody tries again
OTHERS = 5.0  # seconds for which a next hop is left to the worker that has tried it before
LOSSES = 3  # connections lost one after another, from which a next hop counts as failed


NO_TROUBLE = Trouble("", "")


class Standing(Enum):
    """What the last that was heard of a next hop says of it."""

    GOOD = "has taken something"
    UNKNOWN = "nothing yet"
    FAILED = "could not be reached"


@dataclass(slots=True)
class Health:
    """Of one next hop."""

    most: int  # connections that it may ever have
    limit: float = 2.0  # that it has now
    standing: Standing = Standing.UNKNOWN
    failures: int = 0  # one after another
    losses: int = 0
    until: float = 0.0  # nothing is tried before
    trouble: Trouble = NO_TROUBLE  # what was met the last time
    #: Domains that wait with it; True: so it is written, for all workers.
    waiting: dict[str, bool] = field(default_factory=dict)

    @property
    def connections(self) -> int:
        """How many it may have; one that tries, until it is known to answer."""
        return int(self.limit) if self.standing is Standing.GOOD else 1

    def took(self) -> None:
        """It has answered a letter. As many as it has connections make for one more."""
        self.standing = Standing.GOOD
        self.failures = self.losses = 0
        self.until = 0.0
        self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def lost(self) -> bool:
        """It broke off a connection, or said 421. True: too often."""
        self.limit = max(1.0, self.limit / 2)
        self.losses += 1
        return self.losses >= LOSSES

    def failed(
        self, now: float, first: float, longest: float, chance: float, trouble: Trouble
    ) -> None:
        """It could not be reached at all; `chance` is from 0 to 1."""
        wait = min(longest, first * 2 ** min(self.failures, 30)) * (1 + chance / 4)
        self.failures += 1
        self._is_failed(float(math.ceil(now + wait)), trouble)
        self.waiting = {}

    def _is_failed(self, until: float, trouble: Trouble) -> None:
        self.losses = 0
        self.limit = 2.0
        self.standing = Standing.FAILED
        self.until = until
        self.trouble = trouble

    @property
    def memory(self) -> Memory:
        """What all workers are to know of a failure."""
        return Memory(int(self.until), self.failures, self.trouble)

    def leave_to_others(self) -> None:
        """Another worker has tried it at the same time, and will again."""
        self.until += OTHERS

    def compare(self, domain: str, written: Memory | None) -> None:
        """What is written of a domain's next hop counts: another worker may have tried since."""
        if written is None:
            if self.waiting.get(domain):  # it has been reached, or the operator wants it tried
                self.until = 0.0
                self.waiting = {}
        elif self.standing is Standing.UNKNOWN or written.until > self.until:
            self.failures = max(self.failures, written.failures)
            self._is_failed(written.until + OTHERS, written.trouble)
            self.waiting = {domain: True}
        else:
            self.waiting[domain] = True


class HealthBook:
    """Of all next hops, as many as are worth it: the ones heard of last."""

    def __init__(self, most_connections: int) -> None:
        self._most = most_connections
        self._known: OrderedDict[str, Health] = OrderedDict()

    def of(self, key: str) -> Health:
        health = self._known.get(key)
        if health is None:
            health = self._known[key] = Health(self._most, min(2.0, self._most))
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return health

    def forgive(self) -> None:
        """All may be tried now; what they are known for stays."""
        for health in self._known.values():
            health.until = 0.0
            health.waiting = {}


@dataclass(slots=True)
class Silence:
    """An address that could not be reached."""

    trouble: Trouble
    until: float
    times: int = 1


class Addresses:
    """Those that could not be reached lately, and those whose TLS does not work."""

    def __init__(self) -> None:
        self._silent: OrderedDict[tuple[str, int], Silence] = OrderedDict()
        self._plain: OrderedDict[tuple[str, int], float] = OrderedDict()

    def trouble(self, place: tuple[str, int], now: float) -> Trouble | None:
        """Why it is not worth a try now. Who is told None is to try: others are told to wait."""
        silence = self._silent.get(place)
        if silence is None:
            return None
        if now < silence.until:
            return silence.trouble
        silence.until = now + PROBE
        return None

    def unreachable(self, place: tuple[str, int], trouble: Trouble, now: float) -> None:
        before = self._silent.pop(place, None)
        times = 1 if before is None else before.times + 1
        wait = min(SILENT_LONGEST, SILENT * 2 ** min(times - 1, 10))
        self._silent[place] = Silence(trouble, now + wait, times)
        if len(self._silent) > MOST:
            self._silent.popitem(last=False)

    def answered(self, place: tuple[str, int]) -> None:
        if self._silent:
            self._silent.pop(place, None)

    def forget(self) -> None:
        """All may be tried now."""
        self._silent.clear()

    def is_plain(self, place: tuple[str, int], now: float) -> bool:
        """Whether TLS has failed there lately."""
        return bool(self._plain) and self._plain.get(place, 0.0) > now

    def tls_failed(self, place: tuple[str, int], now: float) -> None:
        self._plain[place] = now + SILENT_LONGEST
        if len(self._plain) > MOST:
            self._plain.popitem(last=False)
