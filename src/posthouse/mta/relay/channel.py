"""The way to one next hop: its letters in hand, its connections, and the pace that it takes.

    due domains ──lease──▶ letters in hand ──▶ carriers (connections) ──▶ concluded
         │                      ▲                     │ put off: another host, or later
         └─▶ wait with it       └─────────────────────┘

A letter that has just come is leased, and its next hop tried with it. What has waited before is let
alone until there is a connection: a next hop that is dead costs a look at its name, a connection
that fails, and a row that says until when it is left alone, however many wait for it.

No letter has a task. A channel has one that leases, and one for each connection that is being made;
connections that stand are driven by their engines, which ask for letters.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from posthouse.mta.queue.next_hops import forget, remember, remembered
from posthouse.mta.queue.outcome import Deferred, Failed, Trouble
from posthouse.mta.queue.relaying import Taken, Waiting, lease_next_hop
from posthouse.mta.route.hop import NoRoute, Route
from posthouse.mta.route.router import Router
from posthouse.protocols.smtp.client.events import Fate, Outcome
from posthouse.store.database import StoreUnavailable
from posthouse.store.store import Store

from .carrier import Carrier
from .connections import Connections, Kind, Share
from .dialling import Closed, Dialler, gravest, targets_of
from .health import Health, Standing
from .job import SESSIONS, TURNS, Job
from .judging import is_too_many, relayed, trouble_of, where
from .local import HandOver

BATCH = 20  # letters leased at once
LEASE = 300  # seconds; extended for a next hop that is slow


class Log(Protocol):
    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...

    def error(self, event: str, **fields: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long what waits is left alone."""

    keep: float = 5.0  # seconds that a connection is kept for further letters
    first: float = 60.0  # seconds until a next hop is tried again that could not be reached
    longest: float = 1800.0


@dataclass(frozen=True, slots=True)
class Depot:
    """What the channels of a worker have in common."""

    store: Store
    router: Router
    dialler: Dialler
    connections: Connections
    hand_over: HandOver
    pace: Pace
    now: Callable[[], float]
    chance: Callable[[], float]
    new_lease: Callable[[], str]
    start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    conclude: Callable[[Job], None]
    in_hand: dict[Job, None]
    emptied: Callable[[Channel], None]
    look_at: Callable[[int], None]  # at a time something will be due
    due_no_more: Callable[[Iterable[str]], None]  # domains that a channel knows nothing of any more
    beat: Callable[[], Coroutine[Any, Any, object]]  # until others who can wait write, too
    log: Log


class Channel:
    """One next hop, or one route of the settings."""

    def __init__(self, depot: Depot, key: str, health: Health) -> None:
        self.key = key
        self.health = health
        self.ending = False
        self._fresh = False
        self._depot = depot
        self._domains: dict[str, None] = {}  # that have something due
        self._jobs: deque[Job] = deque()
        self._carriers: dict[Carrier, None] = {}
        self._idle: dict[Carrier, None] = {}
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()  # that make connections
        self._leasing = False
        self._busy = 0  # connections that are told QUIT, units of work

    @property
    def kind(self) -> Kind:
        """Which share of the connections it draws on."""
        match self.health.standing:
            case Standing.GOOD:
                return Kind.GOOD
            case Standing.FAILED:
                return Kind.FAILED
        return Kind.NEW if self._fresh else Kind.OLD

    @property
    def is_empty(self) -> bool:
        """Nothing is to be done, and nothing is left of what was."""
        return not (
            self._domains
            or self._jobs
            or self._carriers
            or self._opening
            or self._leasing
            or self._busy
        )

    # What is due

    def due(self, domain: str, fresh: bool) -> None:
        """Something is due for a domain whose letters go this way; `fresh`: it has just come."""
        self._fresh = self._fresh or fresh
        self._domains[domain] = None
        if self._is_left_alone(domain):
            self._wait()
        self._feed()

    def knows(self, domain: str) -> bool:
        """It knows that something is due."""
        return domain in self._domains

    def _is_left_alone(self, domain: str) -> bool:
        """It has failed, and its time has not come; another worker may know better."""
        if self.health.standing is Standing.GOOD or self._carriers:
            return False
        self.health.compare(domain, self._depot.store.read(remembered(domain)))
        return self.health.until > self._depot.now()

    async def _lease(self, most: int) -> None:
        """Take letters of one domain."""
        depot = self._depot
        domain = next(iter(self._domains))
        del self._domains[domain]
        depot.due_no_more((domain,))
        now = int(depot.now())
        lease, until = depot.new_lease(), now + LEASE
        self._leasing = True
        try:
            taken = await depot.store.write(lease_next_hop(domain, lease, now, until, most))
        finally:
            self._leasing = False
        if len(taken) == most:
            self._domains[domain] = None  # the last of them all
        for each in taken:
            self._take(each, lease, until, domain)
        if self.ending:
            self.end()

    def _take(self, taken: Taken, lease: str, until: int, domain: str) -> None:
        job = Job(taken, lease, until, domain, list(taken.recipients))
        self._depot.in_hand[job] = None
        self._jobs.append(job)

    async def _lease_more(self) -> None:
        self._leasing = False
        if self._domains and not self.ending:
            await self._lease(BATCH)
            self._feed()

    def _wait(self, *more: str) -> None:
        """What is ready waits until the next hop is tried again; nothing of it counts as tried."""
        waiting = self.health.waiting
        unknown = [domain for domain in (*self._domains, *more) if domain not in waiting]
        self._depot.due_no_more(self._domains)
        self._domains.clear()
        self._depot.look_at(self.health.memory.until)
        if unknown:
            waiting.update(dict.fromkeys(unknown, False))
            self._start(self._write_down(unknown))

    async def _write_down(self, domains: list[str]) -> None:
        """Until when it is left alone."""
        health, waiting, memory = self.health, self.health.waiting, self.health.memory
        await self._depot.beat()
        if waiting is not health.waiting:
            return  # it may be tried, or has been, meanwhile
        now = int(self._depot.now())
        written = await self._depot.store.write(remember(domains, memory, now))
        if waiting is health.waiting:
            waiting.update(dict.fromkeys(domains, True))
            if written < len(domains):
                health.leave_to_others()

    async def _strike_out(self, domains: list[str]) -> None:
        """It has taken something."""
        await self._depot.beat()
        await self._depot.store.write(forget(domains))

    # Letters to carriers, carriers for letters

    def _feed(self) -> None:
        """Hand out what is in hand, and get what is missing."""
        if self.ending:
            return self._end_if_done()
        for carrier in list(self._idle) if self._jobs else ():
            job = self._pick(carrier)
            if job is not None:
                self._wake(carrier, job)
        if self._domains and not self._jobs and self._carriers and not self._leasing:
            self._leasing = True
            self._start(self._lease_more())
        if self._wants_connection():
            self._depot.connections.want(self)
        return self._end_if_done()

    def _end_if_done(self) -> None:
        if self.is_empty:
            self._depot.emptied(self)

    def _pick(self, carrier: Carrier) -> Job | None:
        """The first letter that this host has not put off."""
        address = carrier.target.address
        for place, job in enumerate(self._jobs):
            if address not in job.tried:
                del self._jobs[place]
                return job
        return None

    def _wants_connection(self) -> bool:
        open_ = len(self._carriers) + self._opening
        if not self._jobs:
            return bool(self._domains) and not self._leasing and not open_
        if self._opening == 0 and any(self._is_unserved(job) for job in self._jobs):
            return True
        return open_ < self.health.connections and len(self._jobs) > self._opening

    def _is_unserved(self, job: Job) -> bool:
        return all(carrier.target.address in job.tried for carrier in self._carriers)

    def next_letter(self, carrier: Carrier) -> object:
        """A carrier has nothing in hand: a letter, or the wait for one; None to end it."""
        if self.ending or carrier not in self._carriers:
            self._dismiss(carrier)
            return None
        job = self._pick(carrier)
        if job is not None:
            if not self._jobs and self._domains:
                self._feed()
            return carrier.load(job)
        loop = asyncio.get_running_loop()
        carrier.waiting = loop.create_future()
        carrier.timer = loop.call_later(self._depot.pace.keep, self._wake, carrier, None)
        self._idle[carrier] = None
        self._depot.connections.idle(self, 1)
        self._feed()
        return carrier.waiting

    def _wake(self, carrier: Carrier, job: Job | None) -> None:
        """An idle carrier gets a letter, or is to end."""
        waiting = carrier.waiting
        self._not_idle(carrier)
        if job is None:
            self._dismiss(carrier)
        if waiting is not None and not waiting.done():
            waiting.set_result(None if job is None else carrier.load(job))
        elif job is not None:
            self._jobs.appendleft(job)

    def _not_idle(self, carrier: Carrier) -> None:
        carrier.waiting = None
        if carrier.timer is not None:
            carrier.timer.cancel()
            carrier.timer = None
        if carrier in self._idle:
            del self._idle[carrier]
            self._depot.connections.idle(self, -1)

    def _dismiss(self, carrier: Carrier) -> None:
        """It says QUIT, and is nobody to count on."""
        if carrier in self._carriers:
            del self._carriers[carrier]
            self._busy += 1
            carrier.dismissed = True

    def give_up_idle(self) -> None:
        """Its connection is needed for another next hop."""
        self._wake(next(iter(self._idle)), None)

    def gone(self, carrier: Carrier) -> None:
        """A connection has ended."""
        self._not_idle(carrier)
        if carrier.dismissed:
            carrier.dismissed = False
            self._busy -= 1
        self._carriers.pop(carrier, None)
        if carrier.share is not None:
            carrier.share.give_back()
        self._feed()

    def again(self, job: Job) -> None:
        """A letter was given out, and nothing has been tried."""
        if self.ending:
            self._depot.conclude(job)
        else:
            self._jobs.appendleft(job)
            self._feed()

    # What came of a letter

    def carried(self, carrier: Carrier, job: Job, sent: list[Waiting], outcome: Outcome) -> None:
        """A transaction has ended."""
        cut_short = self.ending and all(each.fate is Fate.TEMPORARY for each in outcome.results)
        if outcome.stale or cut_short:
            self.again(job)
            return
        self._judge(carrier, job, sent, outcome)
        if outcome.reusable:
            if self.health.standing is Standing.FAILED:
                self._start(self._strike_out([*self.health.waiting, job.domain]))
            self.health.took()
            if carrier.share is not None:
                carrier.share.good()
        else:
            self._carriers.pop(carrier, None)
            if not outcome.unsendable:
                self._lost(job)
        if job.open and job.turns < TURNS and not self.ending:
            job.turns += 1
            self._jobs.appendleft(job)
        else:
            self._after_host(job, carrier)

    def _judge(self, carrier: Carrier, job: Job, sent: list[Waiting], outcome: Outcome) -> None:
        """Each recipient's result; who was put off is left for another host."""
        hop, address = carrier.target.hop, carrier.target.address
        taken = any(result.fate is Fate.DELIVERED for result in outcome.results)
        for waiting, result in zip(sent, outcome.results, strict=True):
            if result.fate is Fate.DELIVERED:
                job.end(waiting, relayed(result, hop, address))
                continue
            trouble = trouble_of(result, hop, address)
            if result.fate is Fate.REFUSED:
                job.end(waiting, Failed(trouble))
            elif result.fate is Fate.DOUBT:
                self._depot.log.warning(
                    "may be sent more than once",
                    queue=job.taken.name,
                    recipient=waiting.forward_path,
                    remote=where(hop, address),
                    reason=result.reply.text,
                )
                job.end(waiting, Deferred(trouble))
            elif not (taken and is_too_many(result)):  # else the next transaction is for them
                job.troubles[waiting.number] = trouble
                job.open.remove(waiting)
                job.later.append(waiting)

    def _lost(self, job: Job) -> None:
        """The peer has broken off. When it does so again and again it is left alone."""
        if not self.health.lost():
            return
        troubles = list(job.troubles.values())
        self._fail(troubles[-1] if troubles else Trouble("connections are lost", "4.4.2"))

    def _fail(self, trouble: Trouble) -> None:
        pace, depot = self._depot.pace, self._depot
        self.health.failed(depot.now(), pace.first, pace.longest, depot.chance(), trouble)
        depot.log.info(
            "next hop failed",
            next_hop=self.key,
            reason=trouble.reason,
            failures=self.health.failures,
            until=int(self.health.until),
        )

    def _after_host(self, job: Job, carrier: Carrier) -> None:
        """One host is through with a letter: it is done, or goes to another, or waits."""
        job.open += job.later
        job.later = []
        job.tried |= {carrier.target.address}
        if not job.open:
            self._depot.conclude(job)
        elif self.ending or len(job.tried) >= SESSIONS or carrier.others <= job.tried:
            self._put_off(job, Trouble("not taken", "4.0.0"))
        else:
            self._jobs.append(job)
            if carrier not in self._carriers:
                return  # `gone` follows, and feeds
            self._feed()

    def _put_off(self, job: Job, trouble: Trouble) -> None:
        job.put_off(trouble, int(self.health.until))
        self._depot.conclude(job)

    # Connections

    def ready(self, carrier: Carrier) -> None:
        """A connection takes letters; it asks for one next."""
        self._carriers[carrier] = None

    def granted(self, share: Share) -> None:
        if self.ending:
            share.give_back()
            return
        self._opening += 1
        task = self._start(self._open(share))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, share: Share) -> None:
        """Use a share: lease a letter if there is none, route, connect."""
        carrier: Carrier | None = None
        try:
            carrier = await self._connect(share)
        except StoreUnavailable:
            raise
        except Exception as error:  # whatever it is, letters wait
            self._depot.log.error("relaying failed", next_hop=self.key, exc_info=error)
            await self._closed([Closed(Trouble(f"relaying failed ({error!r})", "4.3.0"))])
        finally:
            self._opening -= 1
            if carrier is None:
                share.give_back()
        self._feed()

    async def _connect(self, share: Share) -> Carrier | None:
        if not self._jobs and self._domains and not self._leasing:
            domain = next(iter(self._domains))
            if self._is_left_alone(domain):  # while it waited for its turn another has tried
                self._wait()
                return None
            if share.kind in (Kind.GOOD, Kind.NEW):
                await self._lease(BATCH if share.kind is Kind.GOOD else 1)
        job = next(filter(self._is_unserved, self._jobs), self._jobs[0] if self._jobs else None)
        domain = job.domain if job is not None else next(iter(self._domains), "")
        if not domain or self.ending:
            return None
        decision = await self._depot.router.route(domain)
        if isinstance(decision, Route):
            return await self._dial(decision, share, frozenset() if job is None else job.tried)
        if isinstance(decision, NoRoute) and not decision.is_permanent:
            await self._closed([Closed(Trouble(decision.text, decision.status))])
        elif isinstance(decision, NoRoute):
            await self._dispose(Trouble(decision.text, decision.status))
        else:
            await self._dispose(None)
        return None

    async def _dial(self, route: Route, share: Share, tried: frozenset[str]) -> Carrier | None:
        targets = [each for each in targets_of(route) if each.address not in tried]
        found = await self._depot.dialler.dial(self, targets, share)
        if isinstance(found, Carrier):
            return found
        await self._closed(found, tried)
        return None

    async def _closed(self, closed: list[Closed], tried: frozenset[str] = frozenset()) -> None:
        """No host takes letters, but for those of `tried`, which have put a letter off.

        Letters that a connection still serves, or that one of these is left for, are not concerned.
        """
        unserved = (job for job in self._jobs if not self._carriers or self._is_unserved(job))
        left = [job for job in unserved if job.tried >= tried]
        why = gravest(closed) if closed else Closed(Trouble("no further host", "4.4.1"))
        dead = bool(closed) and not tried and not self._carriers
        if dead:
            self._fail(why.trouble)
        for job in left:
            self._jobs.remove(job)
            if why.permanent and not job.tried:
                job.end_all(Failed(why.trouble))
            self._put_off(job, why.trouble)
        if dead and why.permanent:
            await self._dispose(why.trouble)
        if dead and not self._carriers:
            self._wait(*(job.domain for job in left))

    async def _dispose(self, trouble: Trouble | None) -> None:
        """Nothing goes out: all letters end here, or are for people of this site."""
        while not self.ending:
            while self._jobs:
                job = self._jobs[0]  # what cannot be looked up now stays in hand
                if trouble is not None:
                    job.end_all(Failed(trouble))
                for waiting in list(job.open):
                    job.end(waiting, self._depot.hand_over.outcome(waiting.forward_path))
                self._depot.conclude(self._jobs.popleft())
            if not self._domains or self._leasing:
                return
            await self._lease(BATCH)

    # The end

    def end(self) -> None:
        """What is being sent is finished; what waits is given back."""
        self.ending = True
        self._depot.due_no_more(self._domains)
        self._domains.clear()
        while self._jobs:
            self._depot.conclude(self._jobs.popleft())
        for carrier in list(self._idle):
            self._wake(carrier, None)
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Something of the channel's own, to be waited for."""
        self._busy += 1

        async def run() -> None:
            try:
                await work
            except StoreUnavailable as error:
                self._depot.log.warning("queue not at hand", next_hop=self.key, reason=str(error))
            finally:
                self._busy -= 1
                self._end_if_done()

        return self._depot.start(run())
