"""A clock that jumps makes no letter older, or younger, than it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.mta.queue.following import DAY, HOUR, OFTEN, Reading, follow
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.units import accept
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.unit import Work, one_of

from .site import NOON, found

YEARS = 14 * 365 * DAY
BOOT = "5f0a"


def take_in(store: DirectStore, name: str, received: int) -> None:
    letter = Letter("ann@a.example", prepare(b"Subject: a\r\n\r\n"), "test")
    store.write(accept(name, letter, [Recipient("x@b.example", "b.example")], received, "", 0))


def received(store: DirectStore, name: str = "OLD") -> int:
    def unit() -> Work[int]:
        row = yield from one_of("SELECT received FROM queue_message WHERE name = ?1", name)
        assert row is not None
        return int(row[0])

    return store.read(unit)


@pytest.mark.parametrize("jump", [YEARS, -YEARS, HOUR, -HOUR])
def test_attack_64_letters_follow_the_clock(tmp_path: Path, jump: int) -> None:
    with found(tmp_path) as store:
        take_in(store, "OLD", NOON - DAY)
        assert store.write(follow(Reading(NOON, 5000, BOOT))) == 0
        then = Reading(NOON + jump + 20, 5020, BOOT)
        assert store.write(follow(then)) == jump
        assert received(store) == NOON - DAY + jump
        take_in(store, "NEW", then.now)
        assert store.write(follow(then)) == 0, "another worker sees it, too"
        assert store.write(follow(Reading(NOON + 40, 5040, BOOT))) == -jump
        assert received(store) == NOON - DAY
        assert received(store, "NEW") == NOON + 20


def test_time_that_goes_by_is_no_jump(tmp_path: Path) -> None:
    """Nor is a machine that stands still for some minutes, or a clock that is set a little."""
    with found(tmp_path) as store:
        take_in(store, "OLD", NOON)
        for passed, monotonic in ((0, 0), (20, 20), (9 * DAY, 9 * DAY), (9 * DAY + 900, 9 * DAY)):
            reading = Reading(NOON + passed, 5000 + monotonic, BOOT)
            assert store.write(follow(reading)) == 0
        assert received(store) == NOON


@pytest.mark.parametrize(
    ("passed", "jump"),
    [(300, 0), (23 * HOUR, 0), (-60, 0), (YEARS, YEARS), (-YEARS, -YEARS), (2 * DAY, 2 * DAY)],
)
@pytest.mark.parametrize("boot", ["99aa", ""])
def test_attack_64_after_a_start_of_the_machine(
    tmp_path: Path, boot: str, passed: int, jump: int
) -> None:
    """Its clock may be wrong, and it may have been off: nobody has tried anything meanwhile."""
    with found(tmp_path) as store:
        take_in(store, "OLD", NOON - DAY)
        store.write(follow(Reading(NOON, 500_000, BOOT if boot else "")))
        assert store.write(follow(Reading(NOON + passed, 30, boot))) == jump
        assert received(store) == NOON - DAY + jump


def test_what_the_clock_showed_last_is_known_after_a_start(tmp_path: Path) -> None:
    with found(tmp_path) as store:
        take_in(store, "OLD", NOON)
        for passed in range(0, 3 * DAY, OFTEN):
            store.write(follow(Reading(NOON + passed, passed, BOOT)))
        assert store.write(follow(Reading(NOON + 3 * DAY + HOUR, 1, "other"))) == 0
        assert received(store) == NOON
