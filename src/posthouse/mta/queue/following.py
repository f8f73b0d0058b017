"""Times of arrival follow the clock when it jumps: letters have waited as long as they have.

Else a clock that is set from a wrong year to the right one, or the other way round, would have all
that waits given up at its next try. What the clock showed is kept beside the clock that never goes
back, once for all workers: the first that sees a jump has the letters follow it. After a new start
of the machine the two cannot be compared. Then nothing tells a wrong clock from a machine that was
off; time in which nobody tried counts for nothing, once it is a day.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.store.unit import Unit, Work, one_of, run

HOUR = 3600
DAY = 24 * HOUR
OFTEN = 600  # seconds after which it is written down that the clock is where it was


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clocks show."""

    now: int  # seconds since 1970
    monotonic: int
    boot: str  # of the start of the machine that `monotonic` is of; "" if that is not known


def follow(reading: Reading) -> Unit[int]:
    """Have letters follow a jump since the last time that somebody looked; its seconds, or 0."""

    def unit() -> Work[int]:
        row = yield from one_of("SELECT value FROM fact WHERE name = 'clock'")
        before = None if row is None else _read(row[0])
        jump = 0 if before is None else _jump(before, reading)
        if jump:
            yield from run("UPDATE queue_message SET received = max(0, received + ?1)", jump)
        if before is None or jump or reading.now - before.now >= OFTEN:
            yield from run(
                "INSERT INTO fact (name, value) VALUES ('clock', ?1)"
                " ON CONFLICT (name) DO UPDATE SET value = ?1",
                f"{reading.now} {reading.monotonic} {reading.boot}",
            )
        return jump

    return unit


def _read(text: str) -> Reading:
    now, monotonic, boot = text.split(" ")
    return Reading(int(now), int(monotonic), boot)


def _jump(before: Reading, reading: Reading) -> int:
    """How far the clock is from where it should be; what is less than an hour harms nobody."""
    passed = reading.now - before.now
    if reading.boot and reading.boot == before.boot:
        jump = passed - (reading.monotonic - before.monotonic)
        return jump if abs(jump) >= HOUR else 0
    return passed if passed <= -HOUR or passed >= DAY else 0
