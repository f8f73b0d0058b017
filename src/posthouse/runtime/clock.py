"""What time it is. Given to constructors, so that tests can have another time."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

DOUBTFUL = 1800.0  # seconds of a jump, from which letters may be given up too soon


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


def boot_id() -> str:
    """Of this start of the machine, since which `monotonic` counts; "" where it is not told."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


class Jumps:
    """Sees that the clock has jumped, by the one that never does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = self._difference()
        self._followed = self._ahead  # what waits has its times by this difference

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

    def in_doubt(self) -> bool:
        """It has jumped, and the times of what waits have not followed yet."""
        return abs(self._difference() - self._followed) > DOUBTFUL

    def followed(self) -> None:
        """They have now."""
        self._followed = self._difference()


def moment(clock: Clock) -> datetime:
    """Now, for a date field (RFC 5322 §3.3): whole seconds, UTC."""
    return datetime.fromtimestamp(int(clock.now()), UTC)
