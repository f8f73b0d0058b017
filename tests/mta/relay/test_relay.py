"""The relay of a worker goes on whatever the disk does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.relaying import lease_next_hop
from posthouse.mta.queue.schedule import Schedule
from posthouse.mta.queue.units import NEW, TOPIC, accept
from posthouse.mta.relay import relay as module
from posthouse.mta.relay.channel import LEASE
from posthouse.mta.relay.job import Job
from posthouse.mta.relay.relay import Relay, Settings
from posthouse.runtime.log import open_log
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import prepare
from posthouse.store.database import StoreUnavailable
from posthouse.store.store import Store
from posthouse.store.unit import Work, one_of

from ..queue.site import NOON, found


@dataclass
class Site:
    """A relay that runs; what it says, and the domains that it asks the router about."""

    store: Store
    relay: Relay
    running: asyncio.Task[None]
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def relaying(directory: Path) -> AsyncIterator[Site]:
    found(directory).close()
    store = Store(directory)
    said: list[str] = []
    asked: list[str] = []

    def is_local(domain: str) -> bool:
        asked.append(domain)
        raise ValueError("enough is known")

    router: Any = SimpleNamespace(is_local=is_local)
    settlement: Any = SimpleNamespace(schedule=Schedule(), in_doubt=lambda: True)
    log = open_log(write=lambda line: said.append(line.decode()))
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
        yield Site(store, relay, running, said, asked)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await relay.stop(1)
        store.close()


async def take_in(store: Store) -> None:
    letter = Letter("", prepare(b"Subject: a\r\n\r\n"), "test")
    recipients = [Recipient("x@b.example", "b.example")]
    await store.write(accept("L1", letter, recipients, NOON, "", 0))


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
        await take_in(site.store)
        await until(lambda: "b.example" in site.asked)

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
        await take_in(site.store)
        (taken,) = await site.store.write(lease_next_hop("b.example", "w0-1", NOON, NOON + 60))
        job = Job(taken, "w0-1", NOON + 60, "b.example", list(taken.recipients))
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
