"""Local delivery of letters that cannot be summed up: others must not wait for them."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from pathlib import Path

import pytest

from posthouse.accounts.accounts import add_account
from posthouse.accounts.domains import add_domain
from posthouse.mda import delivery as module
from posthouse.mda.delivery import LocalDelivery
from posthouse.message.summary import Summary, summarise
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.queue import Queue
from posthouse.mta.queue.schedule import Schedule
from posthouse.mta.report.reporter import Reporter
from posthouse.mta.report.settlement import Settlement
from posthouse.runtime.log import open_log
from posthouse.store import summing
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import ROW, Prepared, prepare, prepare_file
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.summing import AT_ONCE
from posthouse.store.unit import Work, rows_of

BAD = b"Subject: bad\r\n\r\n"
GOOD = b"Subject: good\r\n\r\n"
ANN = [Recipient("ann@a.example", "a.example", 1)]


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
    migrate(tmp_path)

    async def main() -> None:
        store, blobs, log = Store(tmp_path), BlobFiles(tmp_path), open_log(write=lambda _: None)
        names = itertools.count(1)
        queue = Queue(store, "lease", time.time, lambda: f"Q{next(names)}")
        reporter = Reporter(store, "mx.example", time.time)
        settlement = Settlement(store, reporter, Schedule(), time.time, lambda: 0.5, log)
        delivery = LocalDelivery(store, blobs, queue, "lease", settlement, time.time, log)
        if not at_hand:
            queue.deliver = None
        await store.write(add_domain("a.example", 0))
        await store.write(add_account("ann@a.example", "", 0))
        running = None
        try:
            for beginning in (BAD, GOOD):
                content = beginning + body
                prepared = stored(blobs, content)
                octets = content if prepared.file is None else None
                await queue.accept(Letter("", prepared, "test", octets=octets), ANN)
            running = asyncio.create_task(delivery.run())
            async with asyncio.timeout(20):
                # What is committed is seen before who committed it is told.
                while store.read(states) != [("deferred",)] or queue.in_hand:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert store.read(sizes) == [(len(GOOD + body),)]
            assert not running.done()
        finally:
            if running is not None:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
            store.close()

    asyncio.run(main())
