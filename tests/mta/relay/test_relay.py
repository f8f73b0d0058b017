"""The relay of a worker goes on whatever the disk does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.relaying import Taken, lease_next_hop
from posthouse.mta.queue.schedule import Schedule
from posthouse.mta.queue.units import NEW, TOPIC, accept
from posthouse.mta.receive.recipients import Found
from posthouse.mta.relay import local
from posthouse.mta.relay import relay as module
from posthouse.mta.relay.channel import LEASE
from posthouse.mta.relay.job import Job
from posthouse.mta.relay.relay import Relay, Settings
from posthouse.mta.report.reporter import Reporter
from posthouse.mta.report.settlement import Settlement
from posthouse.mta.route.hop import Decision, Local
from posthouse.runtime.log import open_log
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import prepare
from posthouse.store.database import StoreUnavailable
from posthouse.store.store import Store
from posthouse.store.unit import Unit, Work, one_of

from ..queue.site import NOON, found


@dataclass
class Site:
    """A relay that runs, beside a router for whom each domain is local; what the relay says."""

    store: Store
    relay: Relay
    running: asyncio.Task[None]
    said: list[str]


async def here(_domain: str) -> Decision:
    return Local()


@asynccontextmanager
async def relaying(directory: Path) -> AsyncIterator[Site]:
    found(directory).close()
    store = Store(directory)
    said: list[str] = []
    router: Any = SimpleNamespace(is_local=lambda _: True, route=here)
    log = open_log(write=lambda line: said.append(line.decode()))
    reporter = Reporter(store, "mx.a.example", lambda: NOON)
    settlement = Settlement(store, reporter, Schedule(), lambda: NOON, lambda: 0.0, log)
    relay = Relay(
        store,
        BlobFiles(directory),
        router,
        settlement,
        lambda: "w0-1",
        lambda: NOON,
        float,
        Settings("a"),
        log,
    )
    running = asyncio.ensure_future(relay.run())
    try:
        yield Site(store, relay, running, said)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await relay.stop(1)
        store.close()


def take_in() -> Work[None]:
    letter = Letter("", prepare(b"Subject: a\r\n\r\n"), "test")
    recipients = [Recipient("ann@a.example", "a.example")]  # as it was before the domain was ours
    yield from accept("L1", letter, recipients, NOON, "", 0)()


def take_in_and_lease() -> Work[list[Taken]]:
    yield from take_in()
    return (yield from lease_next_hop("a.example", "w0-1", NOON, NOON + 60)())


def account() -> Work[int]:
    """Whose the recipient is that waits; 0: of another site."""
    row = yield from one_of("SELECT account FROM queue_recipient")
    return row[0] if row is not None else 0


def state() -> Work[str]:
    row = yield from one_of("SELECT state FROM queue_recipient")
    assert row is not None
    found: str = row[0]
    return found


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)


def at_site(directory: Path, test: Callable[[Site], Awaitable[None]]) -> None:
    async def main() -> None:
        async with relaying(directory) as site:
            await test(site)

    asyncio.run(main())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.01)
    monkeypatch.setattr(module, "RENEWAL", 0.01)


def test_it_looks_again_when_the_database_could_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_unit: object) -> object:
        raise apsw.IOError("disk I/O error")

    async def test(site: Site) -> None:
        with monkeypatch.context() as disk:
            disk.setattr(site.store, "read", fails)
            site.store.hear(TOPIC, NEW, 0)
            await until(lambda: any("disk I/O error" in line for line in site.said))
        assert not site.running.done()
        await site.store.write(take_in)
        await until(lambda: site.store.read(account) == 1)

    at_site(tmp_path, test)


def test_a_letter_whose_mailbox_could_not_be_looked_up_is_put_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_address: object, _separator: object) -> Unit[Found]:
        def unit() -> Work[Found]:
            yield from one_of("SELECT 1")
            raise apsw.IOError("disk I/O error")

        return unit

    async def test(site: Site) -> None:
        monkeypatch.setattr(local, "find", fails)
        await site.store.write(take_in)
        await until(lambda: site.store.read(state) == "deferred")

    at_site(tmp_path, test)


def test_a_lease_that_could_not_be_extended_is_extended_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_of_lease() -> Work[int]:
        row = yield from one_of("SELECT due FROM queue_recipient WHERE state = 'leased'")
        assert row is not None
        until: int = row[0]
        return until

    async def test(site: Site) -> None:
        (taken,) = await site.store.write(take_in_and_lease)
        job = Job(taken, "w0-1", NOON + 60, "a.example", list(taken.recipients))
        refused = []

        def full(_unit: object) -> asyncio.Future[object]:
            refused.append(1)
            future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            future.set_exception(StoreUnavailable("the disk is full"))
            return future

        with monkeypatch.context() as disk:
            disk.setattr(site.store, "write", full)
            site.relay._jobs[job] = None
            await until(lambda: bool(refused))
        await until(lambda: site.store.read(end_of_lease) == NOON + LEASE)

    at_site(tmp_path, test)
