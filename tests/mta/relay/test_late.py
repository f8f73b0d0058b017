"""Who waits for a next hop that is never tried is told all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.next_hops import Memory, remember
from posthouse.mta.queue.outcome import Deferred, Outcome, Trouble
from posthouse.mta.queue.schedule import DAY, HOUR, Schedule
from posthouse.mta.queue.units import accept
from posthouse.mta.relay.channel import LEASE
from posthouse.mta.relay.late import Late
from posthouse.store.contents import prepare
from posthouse.store.store import Store

from ..queue.site import NOON, found

DEAD = Trouble("mx.b.example: no answer", "4.4.1", "mx.b.example")


async def take_in(store: Store, name: str, domain: str, received: int) -> None:
    letter = Letter("ann@a.example", prepare(b"Subject: a\r\n\r\n"), "test")
    recipients = [Recipient(f"x@{domain}", domain)]
    await store.write(accept(name, letter, recipients, received, "", 0))


def late(directory: Path, schedule: Schedule, until: int) -> list[tuple[str, Outcome]]:
    """What is found of letters that came at different times, with what is to come of them."""

    async def work() -> list[tuple[str, Outcome]]:
        store = Store(directory)
        for number in range(12):
            await take_in(store, f"OLD{number}", "b.example", NOON - 6 * DAY)
        await take_in(store, "SLOW", "b.example", NOON - 5 * HOUR)
        await take_in(store, "NEW", "b.example", NOON - HOUR)
        await take_in(store, "ELSEWHERE", "c.example", NOON - 6 * DAY)
        await store.write(remember(["b.example"], Memory(until, 9, DEAD), NOON))
        finder = Late(store, schedule, lambda: "w0-1", lambda: NOON)
        found = []
        async for jobs in finder.portions():
            found += [(job.taken.name, job.outcomes[0]) for job in jobs]
        async for jobs in finder.portions():
            assert not jobs, "they are leased"
        store.close()
        return found

    found(directory).close()
    return asyncio.run(work())


def test_what_has_waited_too_long_is_found(tmp_path: Path) -> None:
    found = late(tmp_path, Schedule(), NOON + HOUR)
    names = {*(f"OLD{number}" for number in range(12)), "SLOW"}
    assert {name for name, _ in found} == names
    assert len(found) == len(names)
    assert {outcome for _, outcome in found} == {Deferred(DEAD, NOON + HOUR)}


def test_without_warnings_only_what_is_given_up(tmp_path: Path) -> None:
    found = late(tmp_path, Schedule(warn_after=0), NOON + HOUR)
    assert len(found) == 12


def test_leases_begin_when_they_are_taken_however_long_the_others_took(tmp_path: Path) -> None:
    async def work() -> None:
        store, now = Store(tmp_path), NOON
        for number in range(12):
            await take_in(store, f"OLD{number}", "b.example", NOON - 6 * DAY)
        await store.write(remember(["b.example"], Memory(NOON + DAY, 9, DEAD), NOON))
        finder = Late(store, Schedule(), lambda: "w0-1", lambda: now)
        async for jobs in finder.portions():
            assert {job.until for job in jobs} == {now + LEASE}
            now += 60
        assert now > NOON + 60
        store.close()

    found(tmp_path).close()
    asyncio.run(work())


def test_a_next_hop_that_is_tried_now_is_not_anticipated(tmp_path: Path) -> None:
    assert late(tmp_path, Schedule(), NOON) == []
