"""The relay of one worker: finds what is due for other sites, and has channels carry it.

It is woken by the queue's news and by the clock. A channel is one next hop, or one route of the
settings; channels know nothing of each other but how many connections there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from posthouse.accounts.directory import SEPARATOR
from posthouse.mta.queue.next_hops import forget_old
from posthouse.mta.queue.outcome import Relayed
from posthouse.mta.queue.relaying import due_next_hops, extend, give_back, next_due
from posthouse.mta.queue.units import NEW, TOPIC
from posthouse.mta.report.settlement import Settlement
from posthouse.mta.route.router import Router
from posthouse.protocols.smtp.client.session import Times
from posthouse.runtime.census import Census, Limits
from posthouse.runtime.service import Log as ConnectionLog
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.database import StoreUnavailable
from posthouse.store.store import Store

from .channel import LEASE, Channel, Depot, Pace
from .connections import Connections
from .content import Contents
from .dialling import Contexts, Dialler
from .health import Addresses, HealthBook
from .job import Job
from .late import Late
from .local import HandOver
from .news import newest_message, next_hops_after

POLL = 20.0  # seconds; behind the wake-ups, for what nobody woke us for
RENEWAL = 30.0  # seconds between looks at the leases
SPARE = 120  # seconds before its end at which a lease is extended
ELSEWHERE = 1.0  # seconds that the worker which accepted a letter has to take it
SHORTEST = 0.1  # seconds between two looks at everything
TELLING = 60.0  # seconds between looks at letters that nothing is tried for
TURNS_TO_FORGET = 60  # such looks, for one at next hops that nobody has tried for long
AT_A_TURN = 10  # next hops that are looked at before others have their turn on the loop
BEAT = 0.1  # seconds in which is gathered what can be written later, for one transaction
AGAIN = 1.0  # seconds until what the database did not take, or give, is tried again
LAST_WRITES = 3.0  # seconds for what is written at the end
CHANNELS = 20_000  # at once; more next hops wait until one is through
NO_LIMIT = 1_000_000  # connections are counted here, not by the census


@dataclass(frozen=True, slots=True)
class Settings:
    """How letters are relayed."""

    hostname: str
    connections: int = 500
    connections_per_next_hop: int = 20
    within: float = 30.0  # seconds for a connection
    pace: Pace = field(default_factory=Pace)
    times: Times = field(default_factory=Times)
    authorities: str = ""  # PEM file of those who sign the certificates of next hops
    separator: str = SEPARATOR


class Relay:
    """One for a worker."""

    def __init__(
        self,
        store: Store,
        blobs: BlobFiles,
        router: Router,
        settlement: Settlement,
        new_lease: Callable[[], str],
        now: Callable[[], float],
        chance: Callable[[], float],
        settings: Settings,
        log: ConnectionLog,
    ) -> None:
        """`new_lease` gives tokens; `chance` a number from 0 to 1."""
        self._store = store
        self._settlement = settlement
        self._router = router
        self._now = now
        self._log = log
        #: Its connections to other hosts.
        self.census = Census(Limits(NO_LIMIT, NO_LIMIT), log)
        self._channels: dict[str, Channel] = {}
        self._health = HealthBook(settings.connections_per_next_hop)
        self._jobs: dict[Job, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._seen: int | None = None  # the newest letter that was looked at
        self._look = True  # at all that is due
        self._overflow = False
        self._next_look = 0.0  # by the loop's clock
        self._looked_at = 0  # when everything was looked at
        self._recheck = False  # something may be due sooner than was known
        self._renewing: asyncio.Future[tuple[None, None]] | None = None
        self._settling: set[asyncio.Task[None]] = set()
        self._forget = False  # which next hops have failed
        self._later: asyncio.TimerHandle | None = None
        self._addresses = Addresses()
        self._elsewhere = False  # the news that is being told is of another worker
        self._ending = False
        self._looking: asyncio.Task[None] | None = None  # at all that is due
        self._known: dict[str, Channel] = {}  # of domains that are due
        self._next_beat: asyncio.Event | None = None
        self._chance = chance
        self._late = Late(store, settlement.schedule, new_lease, now)
        self._depot = self._stock(blobs, new_lease, chance, settings)
        store.listen(TOPIC, self._told)

    def _stock(
        self,
        blobs: BlobFiles,
        new_lease: Callable[[], str],
        chance: Callable[[], float],
        settings: Settings,
    ) -> Depot:
        """What the channels have in common."""
        contents = Contents(self._store, blobs, asyncio.Semaphore(2))
        return Depot(
            store=self._store,
            router=self._router,
            dialler=Dialler(
                settings.hostname,
                self.census,
                self._addresses,
                contents.open,
                self._now,
                Contexts(settings.authorities),
                settings.within,
                settings.times,
            ),
            connections=Connections(settings.connections),
            hand_over=HandOver(self._store, self._now, settings.pace.longest, settings.separator),
            pace=settings.pace,
            now=self._now,
            chance=chance,
            new_lease=new_lease,
            start=self._start,
            conclude=self._conclude,
            in_hand=self._jobs,
            emptied=self._emptied,
            look_at=self.look_at,
            due_no_more=self._due_no_more,
            beat=self._beat,
            log=self._log,
        )

    # News

    @contextlib.contextmanager
    def elsewhere(self) -> Iterator[None]:
        """What is told within comes from another worker, which will take what it has accepted."""
        self._elsewhere = True
        try:
            yield
        finally:
            self._elsewhere = False

    def _told(self, key: int, _value: int) -> None:
        if key != NEW:
            # The operator wants it tried now, whatever is remembered.
            self._look = True
            self._forget = True
        if not self._elsewhere or key != NEW:
            self._woken.set()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(ELSEWHERE, self._wake_late)

    def _wake_late(self) -> None:
        self._later = None
        self._woken.set()

    async def run(self) -> None:
        """Relay what is due, until cancelled."""
        self._renewing = asyncio.gather(self._renew(), self._tell_late())
        self._renewing.add_done_callback(self._no_longer_renewing)
        while True:
            pause = self._next_look - asyncio.get_running_loop().time()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for of 3.11 may lose a cancellation
                    await self._woken.wait()
            try:
                await self._look_around()
            except Exception as error:  # noqa: BLE001  what waits must not wait for a new start
                self._log.error("looking into the queue failed", exc_info=error)
                self._next_look = asyncio.get_running_loop().time() + AGAIN

    async def _look_around(self) -> None:
        """At what is new; and at everything, when it is time or there is news of something old."""
        time = asyncio.get_running_loop().time
        news = self._woken.is_set()
        self._woken.clear()
        if self._seen is None:
            self._seen = self._store.read(newest_message())  # the first look is at everything
        elif news:
            self._seen = self._look_at_new(self._seen)
        if self._look or time() >= self._next_look:
            if self._looking is None or self._looking.done():
                self._next_look = time() + POLL
                self._looked_at = int(self._now())
                self._recheck = True
                self._looking = self._start(self._look_at_all())
            else:
                self._next_look = time() + SHORTEST
        if self._recheck:
            self._recheck = False
            first = self._store.read(next_due(self._looked_at))
            if first is not None:
                pause = max(SHORTEST, first - self._now())
                self._next_look = min(self._next_look, time() + pause)

    def _look_at_new(self, seen: int) -> int:
        """The next hops of letters that came since the last look; gives the newest of these."""
        newest = self._store.read(newest_message())
        if newest != seen:
            for domain in self._store.read(next_hops_after(seen)):
                self._due(domain, fresh=True)
        return newest

    async def _look_at_all(self) -> None:
        self._look = self._overflow = False
        if self._forget:
            self._forget = False
            self._health.forgive()
            self._addresses.forget()
        due = await self._store.read_long(due_next_hops(self._looked_at))
        due.sort(key=lambda _: self._chance())  # other workers try others first
        for place, domain in enumerate(due, 1):
            self._due(domain, fresh=False)
            if place % AT_A_TURN == 0:
                await asyncio.sleep(0)
        if self._look:
            self._woken.set()  # there was news meanwhile

    def _due(self, domain: str, *, fresh: bool) -> None:
        if self._ending:
            return
        known = self._known.get(domain)
        if known is not None and not fresh and known.knows(domain):
            return
        # What has become local is another way, with another history.
        key = f"local {domain}" if self._router.is_local(domain) else self._router.key(domain)
        channel = self._channels.get(key)
        if channel is None:
            if len(self._channels) >= CHANNELS:
                self._overflow = True
                return
            channel = self._channels[key] = Channel(self._depot, key, self._health.of(key))
        self._known[domain] = channel
        channel.due(domain, fresh)

    def _due_no_more(self, domains: Iterable[str]) -> None:
        for domain in domains:
            self._known.pop(domain, None)

    def _emptied(self, channel: Channel) -> None:
        if self._channels.get(channel.key) is channel:
            del self._channels[channel.key]
        if self._overflow and len(self._channels) < CHANNELS // 2:
            self._look = True
            self._woken.set()

    async def _beat(self) -> None:
        """Wait for others who can wait: what they write then is one transaction."""
        beat = self._next_beat
        if beat is None:
            beat = self._next_beat = asyncio.Event()
            asyncio.get_running_loop().call_later(BEAT, self._has_come, beat)
        if not self._ending:
            await beat.wait()

    def _has_come(self, beat: asyncio.Event) -> None:
        self._next_beat = None
        beat.set()

    # Leases

    async def _tell_late(self) -> None:
        """Have those told whose letters wait for a next hop that is left alone."""
        for turn in itertools.count():
            await asyncio.sleep(TELLING)
            try:
                if turn % TURNS_TO_FORGET == 0:
                    await self._store.write(forget_old(int(self._now())))
                if self._settlement.in_doubt():
                    continue
                async for jobs in self._late.portions():
                    for job in jobs:
                        self._jobs[job] = None
                        self._conclude(job)
                    await self._beat()
            except StoreUnavailable as error:
                self._log.warning("queue not at hand", reason=str(error))
            except Exception as error:  # noqa: BLE001  the next look may do better
                self._log.error("telling of late letters failed", exc_info=error)

    def _no_longer_renewing(self, done: asyncio.Future[tuple[None, None]]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self._log.error("leases are not renewed any more", exc_info=error)

    async def _renew(self) -> None:
        """Extend the leases of what is still in hand, before they run out."""
        while not self._ending:
            await asyncio.sleep(RENEWAL)
            now = int(self._now())
            ending: dict[str, list[Job]] = {}
            for job in self._jobs:
                if job.until < now + SPARE:
                    ending.setdefault(job.lease, []).append(job)
            until = now + LEASE
            for lease, jobs in ending.items():
                with contextlib.suppress(StoreUnavailable):  # then they are extended later
                    await self._store.write(
                        extend([job.taken.message for job in jobs], lease, until)
                    )
                    for job in jobs:
                        job.until = until

    def _conclude(self, job: Job) -> None:
        task = self._start(self._settle(job))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, job: Job) -> None:
        """End a lease: with what came of it, or as if it had never been."""
        settlement, store = self._settlement, self._store
        try:
            if job.outcomes:
                await self._insist(lambda: settlement.settle(job.taken, job.lease, job.outcomes))
            if job.open:
                now = int(self._now())
                await self._insist(
                    lambda: store.write(give_back(job.taken.message, job.lease, now))
                )
        except StoreUnavailable as error:
            self._log.error(
                "outcome not written, may be sent more than once",
                queue=job.taken.name,
                reason=str(error),
            )
        finally:
            self._jobs.pop(job, None)
        if not all(isinstance(outcome, Relayed) for outcome in job.outcomes.values()):
            self.changed()

    async def _insist(self, write: Callable[[], Awaitable[object]]) -> None:
        """Again and again, while the disk is no more than full: what was sent is sent only once."""
        while True:
            try:
                await write()
            except StoreUnavailable:
                if self._ending or self._store.trouble:
                    raise
                await asyncio.sleep(AGAIN)
            else:
                return

    def changed(self) -> None:
        """Something may be due sooner than was known."""
        if not self._recheck:
            self._recheck = True
            self._woken.set()

    def look_at(self, when: int) -> None:
        """Something will be due at a time."""
        moment = asyncio.get_running_loop().time() + when - self._now()
        if moment < self._next_look:
            self._next_look = moment
            self._woken.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("relaying failed", exc_info=error)

    # The end

    async def stop(self, within: float) -> None:
        """Finish the letters that are being sent, begin no other, give back what waits."""
        self._ending = True
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if self._later is not None:
            self._later.cancel()
        for channel in list(self._channels.values()):
            channel.end()
        await self.census.finish(within)
        for task in self._tasks - self._settling:
            task.cancel()  # a lease that it gets all the same is released at the next start
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=LAST_WRITES)
