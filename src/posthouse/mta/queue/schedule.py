"""When a recipient that was deferred is tried again (RFC 5321 §4.5.4.1).

No clock and no chance here: both are given as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a letter waits, in seconds."""

    first: float = 5 * MINUTE  # from the first try to the second
    growth: float = 2.0  # each wait is so many times the one before
    longest: float = 4 * HOUR  # but no longer than this
    jitter: float = 0.25  # part of a wait that chance adds to it
    warn_after: float = 4 * HOUR  # the sender is told that it is delayed; 0: never
    give_up_after: float = 5 * DAY

    def delay(self, tries: int, chance: float) -> float:
        """Seconds after the `tries`th try; `chance` is from 0 to 1."""
        wait = self.first
        for _ in range(min(tries, 64) - 1):
            if wait >= self.longest:
                break
            wait *= self.growth
        return min(wait, self.longest) * (1 + self.jitter * chance)

    def longest_wait(self) -> int:
        """No wait is longer."""
        return int(self.longest * (1 + self.jitter)) + 1

    def give_up_at(self, received: int) -> int:
        """When a letter that came at `received` has waited long enough."""
        return int(received + self.give_up_after)

    def after(
        self, received: int, tries: int, warned: bool, now: int, chance: float, wish: int = 0
    ) -> Retry | None:
        """What to do after the `tries`th try has failed for now; None: give it up.

        `wish` is a time before which the next hop will not be tried. The last try is at the end
        of the whole time, so that none ends with a wait.
        """
        end = self.give_up_at(received)
        if now >= end:
            return None
        due = min(max(now + max(1, int(self.delay(tries, chance))), wish), end)
        late = self.warn_after > 0 and now >= received + self.warn_after
        return Retry(due, late and not warned)


@dataclass(frozen=True, slots=True)
class Retry:
    """The next try."""

    due: int
    warn: bool  # the sender is to be told now that it is delayed
