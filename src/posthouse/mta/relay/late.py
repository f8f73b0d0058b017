"""Letters whose next hop is left alone, and whose senders are to be told that they are late.

Nothing of them is tried, so nothing else would end them: they are given up, or their senders
warned, with what was met the last time that the next hop was tried.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from posthouse.mta.queue.next_hops import remembered
from posthouse.mta.queue.relaying import late_next_hops, lease_late
from posthouse.mta.queue.schedule import Schedule
from posthouse.store.store import Store

from .channel import LEASE
from .job import Job

AT_ONCE = 5  # letters; each may make a report


@dataclass(frozen=True, slots=True)
class Late:
    """Finds them."""

    store: Store
    schedule: Schedule
    new_lease: Callable[[], str]
    now: Callable[[], float]

    async def portions(self) -> AsyncIterator[list[Job]]:
        """A few at a time, leased, each with its outcome."""
        now, schedule = int(self.now()), self.schedule
        give_up = int(now - schedule.give_up_after)
        warn = int(now - schedule.warn_after) if schedule.warn_after > 0 else give_up
        for domain in await self.store.read_long(late_next_hops(now, give_up, warn)):
            memory = self.store.read(remembered(domain))
            while memory is not None:
                now = int(self.now())
                lease, until = self.new_lease(), now + LEASE
                unit = lease_late(domain, lease, now, until, give_up, warn, AT_ONCE)
                taken = await self.store.write(unit, long=True)
                jobs = [Job(each, lease, until, domain, list(each.recipients)) for each in taken]
                for job in jobs:
                    job.put_off(memory.trouble, memory.until)
                yield jobs
                if len(taken) < AT_ONCE:
                    break
