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

from posthouse.message.received import format_delivery
from posthouse.message.summary import Summary, summarise
from posthouse.mta.queue.letter import Recipient
from posthouse.mta.queue.outcome import Deferred, Failed, Outcome, Trouble
from posthouse.mta.queue.queue import LEASE, Accepted, Queue
from posthouse.mta.queue.relaying import give_back
from posthouse.mta.queue.units import (
    TOPIC,
    Leased,
    forget_if_settled,
    lease_local,
    local_due,
    settle,
)
from posthouse.mta.report.settlement import Settlement
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import Stored, read_content
from posthouse.store.database import StoreUnavailable
from posthouse.store.messages.append import file_message
from posthouse.store.messages.refusals import MailboxFull, NoSuchMailbox
from posthouse.store.messages.rows import INBOX
from posthouse.store.quota import OverQuota, require_room
from posthouse.store.store import Store
from posthouse.store.summaries import insert_summary
from posthouse.store.summing import sum_up
from posthouse.store.unit import Unit, Work

BATCH = 50  # recipients taken from the queue at once
POLL = 20.0  # seconds; behind the wake-ups, for what nobody woke us for
AGAIN = 1.0  # seconds until what could not be written is tried again

#: Why a letter cannot be filed, by what was raised: a status (RFC 3463) and words.
TROUBLES = {
    NoSuchMailbox: Trouble(
        "the account has no INBOX: was it removed? Give the address to another account", "4.2.1"
    ),
    MailboxFull: Trouble(
        "the INBOX has given out its last UID: move its messages to another mailbox", "4.2.2"
    ),
    OverQuota: Trouble("the mailbox is full", "4.2.2"),
}
FULL = Trouble("the mailbox is full", "5.2.2")


class Log(Protocol):
    def info(self, event: str, **fields: object) -> object: ...

    def error(self, event: str, **fields: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient's copy."""

    number: int
    account: int
    prefix: bytes  # header fields of this copy alone
    limited: bool = True  # there may be a quota


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter that this worker has leased recipients of."""

    message: int
    content: int
    size: int
    name: str


def deliver(
    letter: Taken, lease: str, deliveries: Sequence[Delivery], summary: Summary, now: int
) -> Unit[list[int]]:
    """File a letter for its recipients and take them from the queue; gives who got it.

    A recipient whose lease is no longer this worker's is somebody else's to deliver. Since units
    run one after the other, letters that come at the same time cannot all take the last room.
    Raises OverQuota.
    """

    def unit() -> Work[list[int]]:
        numbers = []
        for delivery in deliveries:
            # Whoever has the lease knows that the letter and its content are there.
            if not (yield from settle(letter.message, delivery.number, lease)):
                continue
            if delivery.limited:
                yield from require_room(delivery.account, letter.size + len(delivery.prefix))
            yield from file_message(
                delivery.account, INBOX, letter.content, letter.size, now, prefix=delivery.prefix
            )
            numbers.append(delivery.number)
        if numbers:
            yield from insert_summary(letter.content, summary)
            yield from forget_if_settled(letter.message, letter.content, len(numbers))
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
        settlement: Settlement,
        now: Callable[[], float],
        log: Log,
        *,
        refuse_when_full: bool = False,
    ) -> None:
        """A letter that there is no room for waits, or its sender is told at once."""
        self._store = store
        self._settlement = settlement
        self._refuse_when_full = refuse_when_full
        self._blobs = blobs
        self._queue = queue
        self._lease = lease
        self._now = now
        self._log = log
        self._woken = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._left: dict[int, None] = {}  # letters leased here that the disk had no room for
        self._large = asyncio.Semaphore(2)  # contents in files that are summed up at once
        store.listen(TOPIC, lambda _key, _value: self._woken.set())
        queue.deliver = self.accepted

    # What was accepted here

    def accepted(self, accepted: Accepted) -> None:
        """Deliver a letter that this worker has just accepted, and has leased."""
        self._queue.in_hand += 1
        content = accepted.letter.content
        letter = Taken(accepted.message, accepted.content, content.size, accepted.name)
        octets = accepted.letter.octets
        deliveries = self._deliveries(accepted.letter.reverse_path, enumerate(accepted.recipients))
        if octets is None:
            assert content.file is not None
            self._start(self._deliver_file(letter, content.file, deliveries))
            return
        try:
            summary = summarise(octets)
        except Exception as error:  # noqa: BLE001  it is accepted, and has to wait
            self._start(self._put_off_all(letter, deliveries, error, in_hand=1))
            return
        writing = self._write(letter, deliveries, summary)

        def written(done: asyncio.Future[list[int]]) -> None:
            error = done.exception()
            if error is None:
                self._queue.in_hand -= 1
                self._tell(letter, deliveries, done.result())
            else:
                self._start(self._deliver_apart(letter, deliveries, summary, error))

        writing.add_done_callback(written)

    async def _deliver_file(self, letter: Taken, file: str, deliveries: list[Delivery]) -> None:
        try:
            summary = await self._sum_up_file(file, letter.size)
        except Exception as error:  # noqa: BLE001  it is accepted, and has to wait
            await self._put_off_all(letter, deliveries, error, in_hand=1)
            return
        try:
            numbers = await self._write(letter, deliveries, summary)
        except Exception as error:  # noqa: BLE001  each recipient is tried alone
            await self._deliver_apart(letter, deliveries, summary, error)
        else:
            self._queue.in_hand -= 1
            self._tell(letter, deliveries, numbers)

    async def _deliver_apart(
        self, letter: Taken, deliveries: list[Delivery], summary: Summary, error: BaseException
    ) -> None:
        """One of several recipients cannot be filed for: deliver to the others, put it off."""
        self._queue.in_hand -= 1
        if isinstance(error, StoreUnavailable):
            return self._leave(letter)
        for delivery in deliveries:
            await self._deliver_one(letter, delivery, summary)

    async def _deliver_one(self, letter: Taken, delivery: Delivery, summary: Summary) -> None:
        try:
            numbers = await self._write(letter, [delivery], summary)
        except StoreUnavailable:
            self._leave(letter)
        except Exception as error:  # noqa: BLE001  whatever it is, the letter waits
            await self._put_off(letter, delivery, error)
        else:
            self._tell(letter, [delivery], numbers)

    async def _put_off_all(
        self, letter: Taken, deliveries: Sequence[Delivery], error: Exception, in_hand: int = 0
    ) -> None:
        """The content cannot be read or summed up."""
        self._queue.in_hand -= in_hand
        for delivery in deliveries:
            await self._put_off(letter, delivery, error)

    async def _put_off(self, letter: Taken, delivery: Delivery, error: Exception) -> None:
        trouble = TROUBLES.get(
            type(error), Trouble(f"local delivery failed ({type(error).__name__})", "4.3.0")
        )
        full = isinstance(error, OverQuota)
        outcome: Outcome = Deferred(trouble)
        if full and self._refuse_when_full:
            outcome = Failed(FULL)
        (self._log.info if full else self._log.error)(
            "delivery failed",
            queue=letter.name,
            account=delivery.account,
            reason=trouble.reason,
            error=repr(error),
        )
        try:
            await self._settlement.settle_message(
                letter.message, self._lease, {delivery.number: outcome}
            )
        except StoreUnavailable:
            self._leave(letter)

    def _leave(self, letter: Taken) -> None:
        """It is where it was; as soon as there is room again it need not wait for its lease."""
        if not self._left:
            asyncio.get_running_loop().call_later(AGAIN, self._woken.set)
        self._left[letter.message] = None

    async def _give_back(self) -> None:
        """What was left may be taken again."""
        for message in list(self._left):
            await self._store.write(give_back(message, self._lease, int(self._now())))
            del self._left[message]

    # What waits in the queue

    async def run(self) -> None:
        """Deliver what is due and nobody has in hand, until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._give_back()
                taken = await self._deliver_due()
            except StoreUnavailable:
                taken = 0
            except Exception as error:  # noqa: BLE001  what waits must not wait for a new start
                self._log.error("local delivery failed", error=repr(error))
                taken = 0
            if taken < BATCH or self._left:
                pause = AGAIN if self._left and not self._store.trouble else POLL
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):  # wait_for of 3.11 may lose a cancellation
                        await self._woken.wait()

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
        letter = Taken(message, first.content, first.size, first.name)
        deliveries = self._deliveries(
            first.reverse_path,
            [
                (each.number, Recipient(each.forward_path, "", each.account, limited=True))
                for each in leased
            ],
        )
        try:
            stored = self._store.read(lambda: read_content(first.content))
            if stored is None:
                return  # settled by another meanwhile
            summary = await self._sum_up(stored)
        except Exception as error:  # noqa: BLE001  the letters behind it must not wait for it
            await self._put_off_all(letter, deliveries, error)
            return
        for delivery in deliveries:
            await self._deliver_one(letter, delivery, summary)

    # Parts

    def _write(
        self, letter: Taken, deliveries: Sequence[Delivery], summary: Summary
    ) -> asyncio.Future[list[int]]:
        return self._store.write(
            deliver(letter, self._lease, deliveries, summary, int(self._now()))
        )

    def _deliveries(
        self, reverse_path: str, recipients: Iterable[tuple[int, Recipient]]
    ) -> list[Delivery]:
        return [
            Delivery(
                number,
                recipient.account,
                format_delivery(reverse_path, recipient.forward_path),
                recipient.limited,
            )
            for number, recipient in recipients
            if recipient.account
        ]

    async def _sum_up(self, stored: Stored) -> Summary:
        if stored.octets is not None:
            return summarise(stored.octets)
        assert stored.file is not None
        return await self._sum_up_file(stored.file, stored.size)

    async def _sum_up_file(self, file: str, size: int) -> Summary:
        async with self._large:
            return await sum_up(file, size, self._blobs)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _tell(self, letter: Taken, deliveries: Sequence[Delivery], numbers: Sequence[int]) -> None:
        for delivery in deliveries:
            if delivery.number in numbers:
                self._log.info("delivered", queue=letter.name, account=delivery.account)
