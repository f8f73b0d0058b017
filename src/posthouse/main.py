"""Builds the system from a configuration: the only place that knows everything.

`run_worker` is the life of one worker process: it opens the store, makes the agents of every
service, serves the sockets that its parent has bound, and ends in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from .accounts.authenticator import Authenticator
from .accounts.authenticator import Settings as AuthenticatorSettings
from .accounts.credentials import Parameters
from .accounts.directory import is_local
from .accounts.guard import Guard
from .accounts.guard import Settings as GuardSettings
from .accounts.legacy import Vault
from .accounts.tokens import Settings as TokenSettings
from .accounts.tokens import Tokens
from .config import Config
from .mda.delivery import LocalDelivery
from .mta.queue.following import OFTEN, Reading, follow
from .mta.queue.queue import Queue
from .mta.queue.recalling import recall
from .mta.queue.schedule import Schedule
from .mta.queue.units import release_leases
from .mta.relay.relay import Relay
from .mta.report.reporter import Reporter
from .mta.report.settlement import Settlement
from .routing import new_resolver, new_router, relay_settings
from .runtime.accepting import TlsServer
from .runtime.census import Census, Limits, room_for
from .runtime.clock import Clock, Jumps, SystemClock, boot_id
from .runtime.connection import Connection
from .runtime.counters import Counters
from .runtime.hostname import own_name
from .runtime.log import Log
from .runtime.memory import Watchman
from .runtime.networks import Networks
from .runtime.notify import Receiver, Sender
from .runtime.service import Service
from .runtime.tls import ServerContext
from .services import Parts, expiry, services
from .store.blobs.files import BlobFiles
from .store.database import StoreUnavailable
from .store.search.indexer import Indexer
from .store.search.searching import Searching
from .store.store import Store
from .store.sweeper import Sweeper
from .store.views import MailboxViews

REMINDER = 20.0  # seconds between looks at the change feed, behind notifications that were lost
BACKLOG = 1024
AGAIN = 1.0  # seconds until what has failed is tried again, such as to take up what was left
JUMP = 5.0  # seconds that a clock goes back from which what waits is looked at
LAST_WORDS = 3.0  # seconds of the time to end that are for what comes after the sessions


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where it is installed (the extra `fast`): less time, and far less memory for TLS."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run_worker(
    config: Config,
    sockets: Mapping[str, Sequence[socket.socket]],
    tls: ServerContext | None,
    index: int,
    *,
    directory: Path,
    log: Log,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM. Raises what keeps it from serving."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(config, sockets, tls, index, directory, log, ready))


async def _serve(
    config: Config,
    sockets: Mapping[str, Sequence[socket.socket]],
    tls: ServerContext | None,
    index: int,
    directory: Path,
    log: Log,
    ready: Callable[[], None],
) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    worker = Worker(config, tls, index, directory, log, SystemClock())
    try:
        await worker.start(sockets)
        ready()
        await ended.wait()
    finally:
        await worker.stop()


async def keep(what: str, run: Callable[[], Awaitable[None]], log: Log) -> None:
    """Run what goes on until it is cancelled, and again if it fails: nobody else would miss it."""
    while True:
        try:
            await run()
        except Exception as error:  # whatever it was, mail has to go on
            log.error("failed, and begins again", what=what, exc_info=error)
        await asyncio.sleep(AGAIN)


class Worker:
    """Everything that one process serves with."""

    def __init__(
        self,
        config: Config,
        tls: ServerContext | None,
        index: int,
        directory: Path,
        log: Log,
        clock: Clock,
    ) -> None:
        self._config = config
        self._log = log
        #: The worker of this index that was here before is dead, or about to end after SIGHUP.
        self._lease_of_index = f"w{index}-"
        self._lease = f"{self._lease_of_index}{os.getpid()}-{secrets.token_hex(8)}"
        self._clock = clock
        self._jumps = Jumps(clock)
        # What sets a time to wait for asks by this one.
        self._now = self._jumps.now
        self._follow_at = 0.0  # by the monotonic clock
        self._was_ahead = False  # the clock, and what waits has not been looked at since
        self.store = Store(directory)
        self._sender = Sender(directory)
        self._receiver = Receiver(self._sender, self._hear)
        self.store.published = lambda told: self._sender.send(
            [(tell.topic, tell.key, tell.value) for tell in told]
        )
        self._blobs = BlobFiles(directory)
        self._views = MailboxViews(self.store)
        self._counters = Counters(directory, clock.monotonic)
        self._authenticator = new_authenticator(
            config, self.store, config.hostname or own_name(), clock, self._counters
        )
        self._queue = Queue(
            self.store, self._lease, self._now, queue_ids(), config.queue.hold_outgoing
        )
        self._schedule = new_schedule(config)
        self._settlement = self._new_settlement(log)
        self._delivery = LocalDelivery(
            self.store,
            self._blobs,
            self._queue,
            self._lease,
            self._settlement,
            self._now,
            log,
            refuse_when_full=config.delivery.when_full == "refuse",
        )
        self._resolver = new_resolver(config, clock.monotonic)
        self._relay = self._new_relay(directory, log)
        self._searching = Searching(directory)
        self._indexer = Indexer(directory, self._searching, config.storage.index_delay, log)
        self._sweeper = Sweeper(self.store, self._blobs, clock.now, log, expiry(config))
        self._census = Census(
            Limits(
                room_for(config.limits.connections, 2 * config.relay.connections),
                config.limits.connections_per_network,
                config.timeouts.handshake,
            ),
            log,
        )
        self._services = services(
            Parts(
                config,
                tls,
                self.store,
                self._blobs,
                self._views,
                self._authenticator,
                self._queue,
                self._searching,
                clock,
                log,
                self._counters,
            )
        )
        self._servers: list[asyncio.Server | TlsServer] = []
        self._tasks: list[asyncio.Task[None]] = []

    def _new_settlement(self, log: Log) -> Settlement:
        """What becomes of letters that were tried."""
        config = self._config
        hostname = config.hostname or own_name()
        return Settlement(
            self.store,
            Reporter(self.store, hostname, self._now, config.delivery.separator),
            self._schedule,
            self._now,
            random.random,
            log,
            self._jumps.in_doubt,
            self._queue.outgoing,
        )

    def _new_relay(self, directory: Path, log: Log) -> Relay:
        """Letters on their way to other sites."""
        hostname = self._config.hostname or own_name()
        router = new_router(
            self._config,
            hostname,
            directory,
            self._resolver,
            lambda domain: self.store.read(is_local(domain)),
            random.Random(),  # noqa: S311 - among mail exchangers that are alike
        )
        return Relay(
            self.store,
            self._blobs,
            router,
            self._settlement,
            lambda: self._lease + secrets.token_hex(8),
            self._now,
            random.random,
            relay_settings(self._config, hostname, directory),
            log,
        )

    def _tell_checkpoints(self, trouble: str) -> None:
        """The write-ahead log grows while it cannot be moved into the database."""
        if trouble:
            self._log.error(
                "checkpoints fail; make room on the disk: the write-ahead log grows, and mail is"
                " refused beyond storage.longest_log",
                reason=trouble,
            )
        else:
            self._log.info("checkpoints work again")

    def _hear(self, topic: str, key: int, value: int) -> None:
        """Another process has told something."""
        with self._relay.elsewhere():
            self.store.hear(topic, key, value)

    async def start(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Take up what a dead worker left; then serve."""
        taking_over: list[asyncio.Task[None]] = []
        try:
            await self._take_over()
        except StoreUnavailable as error:  # one can read all the same
            self._log.error("nothing can be written", reason=str(error))
            taking_over.append(asyncio.create_task(self._take_over_later()))
        self.store.listen("account", self._indexer.hear)
        self._authenticator.presence.listen(self.store.listen)
        self.store.checkpoints = self._tell_checkpoints
        watchman = Watchman(self._census, self._relay.census, self._config.limits.memory)
        for_good = {
            "delivery": self._delivery.run,
            "sweeper": self._sweeper.run,
            "indexer": self._indexer.run,
            "reminder": self._remind,
            "watchman": watchman.run,
        }
        if self._config.relay.connections:
            for_good["relay"] = self._relay.run
        self._tasks = [
            *taking_over,
            *(asyncio.create_task(keep(what, run, self._log)) for what, run in for_good.items()),
        ]
        for name, bound in sockets.items():
            for each in bound:
                self._servers.append(await self._listen(self._services[name], each))

    async def _listen(self, service: Service, bound: socket.socket) -> asyncio.Server | TlsServer:
        if service.tls_from_start:
            return TlsServer(service, self._census, bound)
        return await asyncio.get_running_loop().create_server(
            lambda: Connection(service, self._census), sock=bound, backlog=BACKLOG
        )

    async def _take_over(self) -> None:
        """What a dead worker left, but not what one that still ends has.

        What waits for longer than the schedule knows was put off by a clock that was wrong.
        """
        # A process may have the number of one that has died: of our own leases all of it is told.
        living = [f"{self._lease_of_index}{pid}-" for pid in self._sender.living()]
        living.append(self._lease)
        await self.store.write(release_leases(self._lease_of_index, living))
        await self._follow_clock()
        longest = max(self._schedule.longest_wait(), int(2 * self._config.relay.longest_wait))
        await self.store.write(recall(int(self._now()), longest))

    async def _take_over_later(self) -> None:
        while not self.store.trouble:
            await asyncio.sleep(AGAIN)
            with contextlib.suppress(StoreUnavailable):
                return await self._take_over()

    async def _follow_clock(self) -> None:
        """Have letters be as old as they are, whatever the clock says now."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        jump = await self.store.write(follow(Reading(int(now), int(monotonic), boot_id())))
        if jump:
            self._log.warning("the clock has jumped", seconds=jump)
        self._jumps.followed()
        self._follow_at = monotonic + OFTEN

    async def _look_at_clock(self) -> None:
        """Have nothing wait for a time that was set by a clock that was ahead, or be given up."""
        if self._jumps.in_doubt() or self._clock.monotonic() >= self._follow_at:
            await self._follow_clock()
        if (back := self._jumps.back()) > JUMP:
            self._log.warning("the clock has gone back", seconds=round(back))
            self._was_ahead = True
        if self._was_ahead:
            await self.store.write(recall(int(self._now())))
            self._was_ahead = False

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(REMINDER)
            try:
                await self._look_at_clock()
                await self._views.remind()
                await self._authenticator.presence.look_at_all()
            except Exception as error:  # noqa: BLE001  the next time may do better
                self._log.error("reminding failed", error=repr(error))

    async def stop(self) -> None:
        """No new work; what runs ends, within the time that is set."""
        for server in self._servers:
            server.close()
        within = max(1.0, self._config.timeouts.shutdown - LAST_WORDS)
        await asyncio.gather(self._census.finish(within), self._relay.stop(within))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._resolver.close()
        self._authenticator.close()
        self._receiver.close()
        self._searching.close()
        self.store.close()
        self._sender.close()
        self._counters.close()


def new_schedule(config: Config) -> Schedule:
    """When what could not be relayed is tried again."""
    return Schedule(
        first=config.queue.first_wait,
        longest=config.queue.longest_wait,
        warn_after=config.queue.warn_after,
        give_up_after=config.queue.give_up_after,
    )


def new_guard(config: Config, counters: Counters) -> Guard:
    """Who counts failed log-ins."""
    rates = config.rates
    return Guard(
        counters,
        Networks(rates.trusted, rates.ipv4_prefix),
        GuardSettings(slowest=rates.slowest_log_in, most=rates.failed_log_ins),
    )


def new_authenticator(
    config: Config, store: Store, hostname: str, clock: Clock, counters: Counters
) -> Authenticator:
    """Who checks what clients show for themselves."""
    cost = config.passwords
    return Authenticator(
        store,
        AuthenticatorSettings(
            Parameters(cost.memory, cost.passes, cost.lanes),
            remember=cost.remember,
            checks=config.limits.password_checks,
            iterations=cost.scram_iterations,
            mechanisms=frozenset(config.log_in.mechanisms),
            anonymous=config.log_in.anonymous,
            hostname=hostname,
        ),
        clock.monotonic,
        now=clock.now,
        vault=Vault(store.directory),
        tokens=new_tokens(config, store.directory, clock.now),
        guard=new_guard(config, counters),
    )


def new_tokens(config: Config, directory: Path, now: Callable[[], float]) -> Tokens | None:
    """The issuer whose tokens are taken, if there is one."""
    wanted = config.tokens
    if not wanted.issuer:
        return None
    settings = TokenSettings(
        wanted.issuer,
        wanted.audience,
        directory / wanted.keys,
        wanted.claim,
        tuple(wanted.algorithms),
    )
    return Tokens(settings, now)


def queue_ids() -> Callable[[], str]:
    """What logs and replies call letters: unique, and short enough to read aloud.

    Each worker seeds its own, after the fork. Nobody is kept from anything by guessing one.
    """
    bits = random.Random().getrandbits  # noqa: S311
    return lambda: f"{bits(48):012X}"
