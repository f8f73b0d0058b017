"""The service `lmtp`: letters go right into the mailboxes, without a queue (RFC 2033).

The client hears about each recipient apart and keeps those who got nothing. All mailboxes are
written in one transaction, and 250 is said after it is durable. What an alias names outside of
this site is handed to the queue in the same transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, TypeVar

from posthouse.accounts.directory import Absent
from posthouse.message.address import Address
from posthouse.message.received import format_delivery
from posthouse.message.summary import Summary, summarise
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.states import State
from posthouse.mta.queue.units import accept
from posthouse.mta.receive.incoming import House, Incoming, source_of
from posthouse.mta.receive.receiver import (
    NO_USER,
    OK,
    RECIPIENT_OK,
    REFUSALS,
    SENDER_OK,
    Receiver,
)
from posthouse.mta.receive.recipients import Finder
from posthouse.mta.receive.room import FULL_NOW, NOT_NOW, Room
from posthouse.protocols.engine import Engine
from posthouse.protocols.smtp.events import EndForEach, EndOfMessage, Mail
from posthouse.protocols.smtp.events import Recipient as Rcpt
from posthouse.protocols.smtp.reply import Reply
from posthouse.protocols.smtp.server import serve
from posthouse.protocols.smtp.session import Service, Session, Settings
from posthouse.runtime.later import Awaited, Later
from posthouse.runtime.service import Notify, Peer
from posthouse.store.contents import insert_content, refer
from posthouse.store.database import StoreUnavailable
from posthouse.store.messages.append import file_message
from posthouse.store.messages.rows import INBOX, LAST_UID
from posthouse.store.quota import has_room
from posthouse.store.spool import Spool, Spooled
from posthouse.store.summaries import insert_summary
from posthouse.store.summing import sum_up
from posthouse.store.unit import Unit, Work, one_of
from posthouse.store.writer import Done

T = TypeVar("T")

FULL = Reply(452, "4.2.2", "the mailbox takes no more messages")

Troubles = Mapping[int, Reply]  # by account


class Store(Protocol):
    """What is needed of the store."""

    def read(self, unit: Unit[T]) -> T: ...

    def write_then(self, unit: Unit[Any], done: Done) -> None: ...


@dataclass(frozen=True, slots=True)
class LmtpDelivery:
    """An engine and an agent for each connection."""

    house: House
    room: Room
    store: Store
    finder: Finder
    settings: Settings
    now: Callable[[], float]
    tls_available: bool = False
    full: Reply = FULL_NOW  # to a letter for an account that keeps as much as it may

    def begin(self, peer: Peer, _notify: Notify) -> tuple[Engine, LmtpAgent]:
        """A connection has come."""
        session = Session(self.settings, Service.LMTP, peer.tls, self.tls_available)
        return serve(session), LmtpAgent(self, session, peer)


class LmtpAgent(Receiver):
    """One connection."""

    def __init__(self, service: LmtpDelivery, session: Session, peer: Peer) -> None:
        super().__init__(service.house, service.room, session, peer)
        self._service = service

    @property
    def filing(self) -> Filing:
        """The transaction."""
        assert isinstance(self.incoming, Filing)
        return self.incoming

    def mail(self, mail: Mail) -> Reply:
        refusal = self.room.refusal()
        if refusal is not None:
            return refusal
        self._incoming = Filing(self._service, mail)
        return SENDER_OK

    def recipient(self, recipient: Rcpt) -> Reply:
        address = recipient.path.address
        assert address is not None
        found = self._service.finder.find(address)
        if isinstance(found, Absent):
            return self.refuse_recipient(recipient, REFUSALS[found])
        if any(each.full for each in found):
            return self.refuse_recipient(recipient, self._service.full)
        self.filing.take(address, found)
        return RECIPIENT_OK

    def begin(self) -> Reply:
        self.incoming.begin(self.session, self.peer, self._service.now())
        return OK

    def answer(self, question: object) -> object:
        if isinstance(question, EndForEach):
            return self._end_for_each(EndOfMessage(question.size, question.eight_bit))
        return super().answer(question)

    def _end_for_each(self, event: EndOfMessage) -> object:
        filing = self.filing
        ending = filing.end(event, source_of(self.session, self.peer))
        if isinstance(ending, Reply):
            return filing.replies(ending)
        if isinstance(ending, Later):
            return ending.map(filing.replies)

        async def wait() -> tuple[Reply, ...]:
            return filing.replies(await ending)

        return wait()


class Filing(Incoming):
    """One transaction: it ends in mailboxes instead of the queue."""

    def __init__(self, service: LmtpDelivery, mail: Mail) -> None:
        super().__init__(service.house, mail)
        self._service = service
        self._taken: list[list[Recipient]] = []  # for each RCPT
        self._troubles: Troubles = {}

    def take(self, address: Address, recipients: list[Recipient]) -> None:
        """Take the recipients that a RCPT stands for."""
        self.add(address, recipients)
        self._taken.append(recipients)

    def replies(self, reply: Reply) -> tuple[Reply, ...]:
        """For each RCPT, when `reply` is what there is to say about the message."""
        if not reply.positive:
            return (reply,) * len(self._taken)
        return tuple(trouble_of(taken, self._troubles) or reply for taken in self._taken)

    def _hand_over(
        self,
        spooled: Spooled,
        source: str,
        sent: Summary | None = None,  # noqa: ARG002  nobody of ours has sent it
    ) -> Awaited[Reply]:
        spool, self._spool = self._spool, None
        assert spool is not None
        if spooled.octets is None:
            return asyncio.ensure_future(self._file_large(spool, spooled, source))
        return self._file(spool, spooled, source, summarise(spooled.octets))

    async def _file_large(self, spool: Spool, spooled: Spooled, source: str) -> Reply:
        file, size = spooled.prepared.file, spooled.prepared.size
        assert file is not None
        try:
            summary = await sum_up(file, size, self._house.blobs)
        except BaseException as error:
            spool.abandon()
            if isinstance(error, OSError):
                return self._not_now(error)
            raise
        return await self._file(spool, spooled, source, summary)

    def _file(self, spool: Spool, spooled: Spooled, source: str, summary: Summary) -> Later[Reply]:
        letter = Letter(
            self.reverse_path,
            spooled.prepared,
            source,
            body="8BITMIME" if self._eight_bit else "7BIT",
            octets=spooled.octets,
        )
        answer: Later[Reply] = Later()

        def filed(troubles: Troubles | None, error: Exception | None) -> None:
            if troubles is not None:
                self._troubles = troubles
                if have_it := who_have(self._taken, troubles):
                    self._tell(spooled.prepared.size, source, len(have_it))
                else:
                    with suppress(OSError):  # it is swept later
                        spool.abandon()  # nothing refers to it
                answer.give(Reply(250, "2.1.5", f"delivered as {self.name}"))
            elif isinstance(error, StoreUnavailable):
                answer.give(self._not_now(error))
            elif error is not None:
                answer.fail(error)

        now = int(self._service.now())
        full, outgoing = self._service.full, self._house.queue.outgoing
        unit = file_letter(letter, self.name, self._taken, summary, now, full, outgoing)
        self._service.store.write_then(unit, filed)
        return answer

    def _not_now(self, error: Exception) -> Reply:
        self._house.log.warning("not taken", queue=self.name, reason=str(error))
        return NOT_NOW


def trouble_of(recipients: Sequence[Recipient], troubles: Troubles) -> Reply | None:
    """Why a RCPT gets nothing: one of those whom it stands for cannot have the letter."""
    return next((troubles[each.account] for each in recipients if each.account in troubles), None)


def who_have(taken: Sequence[list[Recipient]], troubles: Troubles) -> list[Recipient]:
    """Each one once, of the RCPTs all of whose recipients can have the letter."""
    wanted: dict[object, Recipient] = {}
    for some in taken:
        if trouble_of(some, troubles) is None:
            for each in some:
                wanted.setdefault(each.account or each.forward_path, each)
    return list(wanted.values())


def file_letter(
    letter: Letter,
    name: str,
    taken: Sequence[list[Recipient]],
    summary: Summary,
    now: int,
    full: Reply = FULL_NOW,
    outgoing: State = State.READY,
) -> Unit[Troubles]:
    """File a letter for all whom each RCPT stands for, or for none of them.

    Gives who cannot have it, `full` those who have no room for it. For those of other sites it is
    in the queue, as `outgoing`.
    """

    size = letter.content.size

    def fields(recipient: Recipient) -> bytes:
        return format_delivery(letter.reverse_path, recipient.forward_path)

    def unit() -> Work[Troubles]:
        troubles: dict[int, Reply] = {}
        for account, each in sorted(accounts_of(taken).items()):
            trouble = yield from look(each, size + len(fields(each)), full)
            if trouble is not None:
                troubles[account] = trouble
        wanted = who_have(taken, troubles)
        foreign = [each for each in wanted if not each.account]
        local = sorted((e for e in wanted if e.account), key=lambda e: e.account)
        if foreign:
            content = (yield from accept(name, letter, foreign, now, "", now, outgoing)()).content
        elif local:
            content = yield from insert_content(letter.content, 0)
        else:
            return troubles
        for each in local:
            prefix = fields(each)
            yield from file_message(each.account, INBOX, content, size, now, prefix=prefix)
        if local:
            yield from refer(content, len(local))
            yield from insert_summary(content, summary)
        return troubles

    return unit


def accounts_of(taken: Sequence[list[Recipient]]) -> dict[int, Recipient]:
    """Those of this site, by account: as the first RCPT that stands for each has it."""
    found: dict[int, Recipient] = {}
    for each in chain.from_iterable(taken):
        if each.account:
            found.setdefault(each.account, each)
    return found


def look(recipient: Recipient, octets: int, full: Reply) -> Work[Reply | None]:
    """Why this account's INBOX cannot have a letter of so many octets more."""
    row = yield from one_of(
        "SELECT uid_next FROM mailbox WHERE account = ?1 AND id = ?2", recipient.account, INBOX
    )
    if row is None:
        return NO_USER  # it was removed a moment ago
    if recipient.limited and not (yield from has_room(recipient.account, octets)):
        return full
    return FULL if row[0] >= LAST_UID else None
