"""Local delivery of letters that cannot be read or summed up: others must not wait for them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.mda import delivery as module
from posthouse.mda.delivery import LocalDelivery
from posthouse.message.summary import Summary, summarise
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.next_hops import forget
from posthouse.mta.queue.queue import Queue
from posthouse.mta.queue.schedule import Schedule
from posthouse.mta.queue.units import Written
from posthouse.mta.report.reporter import Reporter
from posthouse.mta.report.settlement import Settlement
from posthouse.runtime.log import open_log
from posthouse.store import summing
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import ROW, Prepared, prepare, prepare_file
from posthouse.store.database import StoreUnavailable
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.summing import AT_ONCE
from posthouse.store.unit import Unit, Work, rows_of, run
from posthouse.store.writer import settle

BAD = b"Subject: bad\r\n\r\n"
GOOD = b"Subject: good\r\n\r\n"
ANN = [Recipient("ann@a.example", "a.example", 1)]


def damage() -> Work[None]:
    """A bit of the letter's body has changed on the disk."""
    yield from run("UPDATE content_octets SET body = x'00' WHERE content = 1")


def states() -> Work[list[tuple[str]]]:
    return (yield from rows_of("SELECT state FROM queue_recipient"))


def sizes() -> Work[list[tuple[int]]]:
    return (yield from rows_of("SELECT size - length(prefix) FROM message"))


def breaks_on_bad(content: bytes) -> Summary:
    if content.startswith(BAD):
        raise ValueError("bad")
    return summarise(content)


def stored(blobs: BlobFiles, content: bytes) -> Prepared:
    if len(content) <= ROW:
        return prepare(content)
    writer = blobs.begin()
    writer.write(content)
    return prepare_file(writer.finish(), len(content), content[:ROW])


@dataclass
class Site:
    """A worker's queue and its MDA, which runs once it is waited for."""

    store: Store
    blobs: BlobFiles
    queue: Queue
    delivery: LocalDelivery

    async def take_in(self, content: bytes) -> None:
        prepared = stored(self.blobs, content)
        octets = content if prepared.file is None else None
        letter = Letter("", prepared, "test", octets=octets)
        taken: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self.queue.accept_then(letter, ANN, self.queue.new_name(), partial(settle, taken))
        await taken

    async def only_the_good_one_is_delivered(self, content: bytes) -> None:
        running = asyncio.create_task(self.delivery.run())
        try:
            async with asyncio.timeout(20):
                # What is committed is seen before who committed it is told.
                while self.store.read(states) != [("deferred",)] or self.queue.in_hand:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert self.store.read(sizes) == [(len(content),)]
            assert not running.done()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def at_site(directory: Path, test: Callable[[Site], Awaitable[None]]) -> None:
    migrate(directory)

    async def main() -> None:
        store, blobs, log = Store(directory), BlobFiles(directory), open_log(write=lambda _: None)
        names = itertools.count(1)
        queue = Queue(store, "lease", time.time, lambda: f"Q{next(names)}")
        reporter = Reporter(store, "mx.example", time.time)
        settlement = Settlement(store, reporter, Schedule(), time.time, lambda: 0.5, log)
        delivery = LocalDelivery(store, blobs, queue, "lease", settlement, time.time, log)
        try:
            await store.write(add_domain("a.example", 0))
            await store.write(add_account("ann@a.example", "", 0))
            await test(Site(store, blobs, queue, delivery))
        finally:
            store.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "body",
    [b"", b"line\r\n" * (AT_ONCE // 10), b"line\r\n" * AT_ONCE],
    ids=["small", "large", "by a thread"],
)
@pytest.mark.parametrize("at_hand", [True, False])
def test_the_others_are_delivered(
    body: bytes, at_hand: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "summarise", breaks_on_bad)
    monkeypatch.setattr(summing, "summarise", breaks_on_bad)

    async def test(site: Site) -> None:
        if not at_hand:
            site.queue.deliver = None
        for beginning in (BAD, GOOD):
            await site.take_in(beginning + body)
        await site.only_the_good_one_is_delivered(GOOD + body)

    at_site(tmp_path, test)


def test_the_others_are_delivered_when_one_is_damaged(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        site.queue.deliver = None
        await site.take_in(BAD + b"body\r\n")
        await site.store.write(damage)
        await site.take_in(GOOD)
        await site.only_the_good_one_is_delivered(GOOD)

    at_site(tmp_path, test)


def test_what_there_is_no_room_for_is_not_tried_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has room for what is small: to give a letter back, and to take it again."""
    tries = 0

    async def test(site: Site) -> None:
        write = site.store.write

        def without_room(unit: Unit[Any], long: bool = False) -> asyncio.Future[Any]:
            nonlocal tries
            if unit.__qualname__.startswith("deliver."):
                tries += 1
                refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                refused.set_exception(StoreUnavailable("the disk is full"))
                return refused
            return write(unit, long)

        monkeypatch.setattr(site.store, "write", without_room)
        await site.take_in(GOOD)
        running = asyncio.create_task(site.delivery.run())
        async with asyncio.timeout(20):
            while not tries:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for _ in range(30):  # writes of others
            await write(forget([]))
        assert tries <= 2
        monkeypatch.setattr(module, "AGAIN", 0.01)
        async with asyncio.timeout(20):
            while tries < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    at_site(tmp_path, test)
