"""Local delivery: from the queue into mailboxes, exactly once.

Taking a recipient from the queue and filing the letter for it are one transaction: a crash can
neither lose nor double it. What this worker has accepted it delivers at once, with the content
still at hand; what other workers left behind it takes by lease.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from posthouse.message.summary import Summary, summarise
from posthouse.mta.queue.letter import Recipient
from posthouse.mta.queue.queue import LEASE, Accepted, Queue
from posthouse.mta.queue.units import (
    TOPIC,
    Leased,
    defer,
    forget_if_settled,
    lease_local,
    local_due,
    settle,
)
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import Stored, read_content
from posthouse.store.database import StoreUnavailable
from posthouse.store.messages import INBOX, MailboxFull, NoSuchMailbox, file_message
from posthouse.store.store import Store
from posthouse.store.summaries import insert_summary
from posthouse.store.unit import Unit, Work, one_of

BATCH = 50  # recipients taken from the queue at once
POLL = 20.0  # seconds; behind the wake-ups, for what nobody woke us for
RETRY = 900  # seconds until a delivery that failed is tried again

REASONS = {
    NoSuchMailbox: "the account has no INBOX: was it removed? Give the address to another account",
    MailboxFull: "the INBOX has given out its last UID: move its messages to another mailbox",
}


class Log(Protocol):
    def info(self, event: str, **fields: object) -> object: ...

    def error(self, event: str, **fields: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient's copy."""

    number: int
    account: int
    prefix: bytes  # header fields of this copy alone


def trace(reverse_path: str, forward_path: str) -> bytes:
    """The fields on top of a delivered copy (RFC 5321 §4.4, RFC 9228)."""
    fields = f"Return-Path: <{reverse_path}>\r\nDelivered-To: {forward_path}\r\n"
    return fields.encode("utf-8", "replace")


def deliver(
    message: int, lease: str, deliveries: Sequence[Delivery], summary: Summary, now: int
) -> Unit[list[int]]:
    """File a letter for its recipients and take them from the queue; gives who got it.

    A recipient whose lease is no longer this worker's is somebody else's to deliver.
    """

    def unit() -> Work[list[int]]:
        row = yield from one_of(
            "SELECT c.id, c.size FROM queue_message AS m JOIN content AS c ON c.id = m.content"
            " WHERE m.id = ?1",
            message,
        )
        if row is None:
            return []
        content, size = row
        numbers = []
        for delivery in deliveries:
            if not (yield from settle(message, delivery.number, lease)):
                continue
            yield from file_message(
                delivery.account, INBOX, content, size, now, prefix=delivery.prefix
            )
            numbers.append(delivery.number)
        if numbers:
            yield from insert_summary(content, summary)
            yield from forget_if_settled(message, content, len(numbers))
        return numbers

    return unit


class LocalDelivery:
    """The MDA of one worker."""

    def __init__(
        self,
        store: Store,
        blobs: BlobFiles,
        queue: Queue,
        lease: str,
        now: Callable[[], float],
        log: Log,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._queue = queue
        self._lease = lease
        self._now = now
        self._log = log
        self._woken = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._large = asyncio.Semaphore(2)  # contents in files that are summed up at once
        store.listen(TOPIC, lambda _key, _value: self._woken.set())
        queue.deliver = self.accepted

    # What was accepted here

    def accepted(self, accepted: Accepted) -> None:
        """Deliver a letter that this worker has just accepted, and has leased."""
        self._queue.in_hand += 1
        octets = accepted.letter.octets
        deliveries = self._deliveries(accepted.letter.reverse_path, enumerate(accepted.recipients))
        if octets is None:
            self._start(self._deliver_file(accepted, deliveries))
            return
        summary = summarise(octets)
        writing = self._write(accepted.message, deliveries, summary)

        def written(done: asyncio.Future[list[int]]) -> None:
            error = done.exception()
            if error is None:
                self._queue.in_hand -= 1
                self._tell(accepted.name, deliveries, done.result())
            else:
                self._start(
                    self._deliver_apart(accepted.message, accepted.name, deliveries, summary, error)
                )

        writing.add_done_callback(written)

    async def _deliver_file(self, accepted: Accepted, deliveries: list[Delivery]) -> None:
        file = accepted.letter.content.file
        assert file is not None
        try:
            summary = await self._sum_up_file(file)
        except OSError as error:
            self._queue.in_hand -= 1
            for delivery in deliveries:
                await self._put_off(accepted.message, accepted.name, delivery, error)
            return
        try:
            numbers = await self._write(accepted.message, deliveries, summary)
        except Exception as error:  # noqa: BLE001  each recipient is tried alone
            await self._deliver_apart(accepted.message, accepted.name, deliveries, summary, error)
        else:
            self._queue.in_hand -= 1
            self._tell(accepted.name, deliveries, numbers)

    async def _deliver_apart(
        self,
        message: int,
        name: str,
        deliveries: list[Delivery],
        summary: Summary,
        error: BaseException,
    ) -> None:
        """One of several recipients cannot be filed for: deliver to the others, put it off."""
        self._queue.in_hand -= 1
        if isinstance(error, StoreUnavailable):
            return  # the lease runs out, and the letter is where it was
        for delivery in deliveries:
            await self._deliver_one(message, name, delivery, summary)

    async def _deliver_one(
        self, message: int, name: str, delivery: Delivery, summary: Summary
    ) -> None:
        try:
            numbers = await self._write(message, [delivery], summary)
        except StoreUnavailable:
            return
        except Exception as error:  # noqa: BLE001  whatever it is, the letter waits
            await self._put_off(message, name, delivery, error)
        else:
            self._tell(name, [delivery], numbers)

    async def _put_off(self, message: int, name: str, delivery: Delivery, error: Exception) -> None:
        reason = REASONS.get(type(error), f"local delivery failed: {error!r}")
        self._log.error("delivery deferred", queue=name, account=delivery.account, reason=reason)
        due = int(self._now()) + RETRY
        with contextlib.suppress(StoreUnavailable):  # then the lease runs out
            await self._store.write(defer(message, delivery.number, self._lease, due, reason))

    # What waits in the queue

    async def run(self) -> None:
        """Deliver what is due and nobody has in hand, until cancelled."""
        while True:
            self._woken.clear()
            try:
                taken = await self._deliver_due()
            except StoreUnavailable:
                taken = 0
            if taken < BATCH:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL)

    async def _deliver_due(self) -> int:
        now = int(self._now())
        if not self._store.read(local_due(now)):
            return 0
        leased = await self._store.write(lease_local(self._lease, now, now + LEASE, BATCH))
        for message, group in groupby(leased, lambda each: each.message):
            await self._deliver_leased(message, list(group))
        return len(leased)

    async def _deliver_leased(self, message: int, leased: list[Leased]) -> None:
        first = leased[0]
        stored = self._store.read(lambda: read_content(first.content))
        if stored is None:
            return  # settled by another meanwhile
        deliveries = self._deliveries(
            first.reverse_path,
            [(each.number, Recipient(each.forward_path, "", each.account)) for each in leased],
        )
        try:
            summary = await self._sum_up(stored)
        except OSError as error:
            for delivery in deliveries:
                await self._put_off(message, first.name, delivery, error)
            return
        for delivery in deliveries:
            await self._deliver_one(message, first.name, delivery, summary)

    # Parts

    def _write(
        self, message: int, deliveries: Sequence[Delivery], summary: Summary
    ) -> asyncio.Future[list[int]]:
        return self._store.write(
            deliver(message, self._lease, deliveries, summary, int(self._now()))
        )

    def _deliveries(
        self, reverse_path: str, recipients: Iterable[tuple[int, Recipient]]
    ) -> list[Delivery]:
        return [
            Delivery(number, recipient.account, trace(reverse_path, recipient.forward_path))
            for number, recipient in recipients
            if recipient.account
        ]

    async def _sum_up(self, stored: Stored) -> Summary:
        if stored.octets is not None:
            return summarise(stored.octets)
        assert stored.file is not None
        return await self._sum_up_file(stored.file)

    async def _sum_up_file(self, file: str) -> Summary:
        async with self._large:
            return await asyncio.to_thread(lambda: summarise(self._blobs.read_all(file)))

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _tell(self, name: str, deliveries: Sequence[Delivery], numbers: Sequence[int]) -> None:
        for delivery in deliveries:
            if delivery.number in numbers:
                self._log.info("delivered", queue=name, account=delivery.account)
