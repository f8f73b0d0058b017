"""What waits by a clock that was wrong is tried now.

A time that the schedule has set while the clock was ahead may be far away once the clock is right.
No letter waits longer than its schedule says.
"""

from __future__ import annotations

from posthouse.store.unit import Unit, Work, run, tell

from .units import CHANGED, TOPIC


def recall(now: int, beyond: int = 0) -> Unit[int]:
    """Have what is due later than `beyond` seconds from now be due now; gives how many.

    What is held stays held, and what is leased is its worker's. Next hops that would be left alone
    for as long are tried, too.
    """

    def unit() -> Work[int]:
        changed = yield from run(
            "UPDATE queue_recipient SET due = ?1 WHERE state IN ('ready', 'deferred') AND due > ?2",
            now,
            now + beyond,
        )
        hops = yield from run("DELETE FROM queue_next_hop WHERE until > ?1", now + beyond)
        if changed or hops or not beyond:  # the workers remember next hops by the same clock
            yield from tell(TOPIC, CHANGED, changed)
        return changed

    return unit
