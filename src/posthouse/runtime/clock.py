"""What time it is. Given to constructors, so that tests can have another time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970 (UTC). It may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment. It never goes back."""
        ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class SetClock:
    """A time that stands until it is moved."""

    def __init__(self, now: float = 1_000_000_000.0) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def move(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += max(0.0, seconds)


class Jumps:
    """Sees that the clock has gone back, by the one that never does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = self._difference()

    def _difference(self) -> float:
        return self._clock.now() - self._clock.monotonic()

    def now(self) -> float:
        """`Clock.now`; how far ahead it was is remembered, as something may be put off by it."""
        now = self._clock.now()
        ahead = now - self._clock.monotonic()
        if ahead > self._ahead:
            self._ahead = ahead
        return now

    def back(self) -> float:
        """Seconds that it has gone back since the last look, however short it was ahead.

        Negative if it went ahead.
        """
        before, self._ahead = self._ahead, self._difference()
        return before - self._ahead


def moment(clock: Clock) -> datetime:
    """Now, for a date field (RFC 5322 §3.3): whole seconds, UTC."""
    return datetime.fromtimestamp(int(clock.now()), UTC)
