"""A message on its way in: envelope and content, up to the hand-over to the queue.

Our MX and submission use it alike; what they let pass, they decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from posthouse.message.address import Address
from posthouse.message.header import count_received, header_end
from posthouse.message.received import Reception, format_received, with_keyword
from posthouse.message.summary import Summary, summarise
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.queue import Queue
from posthouse.mta.queue.sent import NoRoomForCopy
from posthouse.mta.queue.units import Written
from posthouse.protocols.smtp.events import EndOfMessage, Mail
from posthouse.protocols.smtp.extensions.eightbitmime import BODY
from posthouse.protocols.smtp.reply import Reply
from posthouse.protocols.smtp.session import Service, Session
from posthouse.runtime.later import Awaited, Later
from posthouse.runtime.service import Peer
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.database import StoreUnavailable
from posthouse.store.quota import OverQuota
from posthouse.store.spool import Spool, Spooled
from posthouse.store.summing import sum_up

from .room import FULL_NOW, NOT_NOW, reply_to

LOOP = Reply(554, "5.4.6", "too many hops, this message is in a loop")


NO_COPY = Reply(452, "4.2.2", "your mailbox is full, no copy of what you send can be kept")


class Log(Protocol):
    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...


@dataclass(frozen=True, slots=True)
class House:
    """Where what comes in goes."""

    queue: Queue
    blobs: BlobFiles
    log: Log
    hops: int = 100  # Received fields from which a message is in a loop (RFC 5321 §6.3)
    full: Reply = FULL_NOW  # to a letter for accounts that have no room for it


class Incoming:
    """One transaction of one session."""

    def __init__(self, house: House, mail: Mail, account: int = 0) -> None:
        self.reverse_path = str(mail.path.address) if mail.path.address else ""
        self.name = house.queue.new_name()
        self.account = account
        self.fault: Reply | None = None
        self.keeps_copy = False  # `account` gets one in Sent
        self.needs_copy = False  # or does not send
        self._house = house
        self._eight_bit = BODY.of(mail.parameters) == "8BITMIME"
        self._recipients: dict[object, Recipient] = {}
        self._named: Address | None = None  # the recipient, while there is but one (RFC 5321 §7.2)
        self._spool: Spool | None = None

    def add(self, address: Address, recipients: Iterable[Recipient]) -> None:
        """Add an address's recipients; who is there already gets the letter once all the same."""
        self._named = None if self._recipients else address
        for recipient in recipients:
            self._recipients.setdefault(recipient.account or recipient.forward_path, recipient)

    def begin(self, session: Session, peer: Peer, now: float) -> None:
        """The content comes, behind the trace field (RFC 5321 §4.4)."""
        reception = Reception(
            client_name=session.domain,
            client_address=peer.address,
            server_name=session.settings.hostname,
            protocol=with_keyword(
                extended=session.extended,
                tls=session.tls is not None,
                authenticated=bool(session.account),
                lmtp=session.service is Service.LMTP,
            ),
            id=self.name,
            time=now,
            recipient=self._named,
            tls=f"{session.tls.version} {session.tls.cipher}" if session.tls else "",
        )
        self._spool = Spool(self._house.blobs, format_received(reception))

    @property
    def held(self) -> int:
        """Octets of the content that are in memory."""
        return 0 if self._spool is None else self._spool.held

    def write(self, octets: bytes) -> None:
        """More of the content. A disk that does not take it is a fault that is told at the end."""
        if self.fault is not None or self._spool is None:
            return
        try:
            self._spool.write(octets)
        except OSError as error:
            self.refuse(reply_to(error), str(error))

    def refuse(self, reply: Reply, reason: str) -> None:
        """Whatever comes, the end of the message is answered so."""
        self.fault = reply
        self._house.log.warning("not taken", queue=self.name, reason=reason)
        self.abandon()

    def abandon(self) -> None:
        """It is not wanted after all."""
        if self._spool is not None:
            self._spool.abandon()
            self._spool = None

    def end(self, event: EndOfMessage, source: str) -> Reply | Awaited[Reply]:
        """It is whole: hand it over. The reply says that it is durable, or why it is not taken."""
        spool = self._spool
        if self.fault is not None or spool is None:
            return self.fault or NOT_NOW
        beginning = spool.beginning()
        # One Received field is ours.
        if count_received(beginning[: header_end(beginning)]) > self._house.hops + 1:
            self.refuse(LOOP, "too many hops")
            return LOOP
        self._eight_bit = self._eight_bit or event.eight_bit
        if spool.is_small:
            spooled = spool.finish_small()
            return self._hand_over(
                spooled, source, summarise(spooled.octets or b"") if self.keeps_copy else None
            )
        return asyncio.ensure_future(self._finish_large(spool, source))

    async def _finish_large(self, spool: Spool, source: str) -> Reply:
        try:
            spooled = await spool.finish()
            summary = await self._sum_up(spooled) if self.keeps_copy else None
        except OSError as error:
            reply = reply_to(error)
            self.refuse(reply, str(error))
            return reply
        except BaseException:
            spool.abandon()
            raise
        return await self._hand_over(spooled, source, summary)

    async def _sum_up(self, spooled: Spooled) -> Summary:
        file, size = spooled.prepared.file, spooled.prepared.size
        assert file is not None
        return await sum_up(file, size, self._house.blobs)

    def _hand_over(
        self, spooled: Spooled, source: str, sent: Summary | None = None
    ) -> Awaited[Reply]:
        """From here on the queue has it, also if the client goes away."""
        spool, self._spool = self._spool, None
        letter = Letter(
            reverse_path=self.reverse_path,
            content=spooled.prepared,
            source=source,
            account=self.account,
            body="8BITMIME" if self._eight_bit else "7BIT",
            octets=spooled.octets,
            sent=sent,
            needs_copy=self.needs_copy,
        )
        recipients = list(self._recipients.values())
        answer: Later[Reply] = Later()

        def accepted(written: Written | None, error: Exception | None) -> None:
            if written is not None:
                self._tell(spooled.prepared.size, source, len(recipients))
                answer.give(self._said(written))
                return
            if spool is not None and isinstance(error, OverQuota):
                with suppress(OSError):  # it is swept later
                    spool.abandon()  # no row names it, whatever becomes of the disk
            if isinstance(error, StoreUnavailable):
                answer.give(NOT_NOW)
            elif isinstance(error, NoRoomForCopy):
                answer.give(NO_COPY)
            elif isinstance(error, OverQuota):
                answer.give(self._house.full)
            elif error is not None:
                answer.fail(error)

        self._house.queue.accept_then(letter, recipients, self.name, accepted)
        return answer

    def _said(self, letter: Written) -> Reply:
        said = f"queued as {self.name}"
        if not letter.copied:
            self._house.log.warning("no room for a copy", queue=self.name, sender=self.reverse_path)
            said += ", but your mailbox is full and no copy is kept"
        return Reply(250, "2.0.0", said)

    def _tell(self, size: int, source: str, recipients: int) -> None:
        self._house.log.info(
            "accepted",
            queue=self.name,
            sender=self.reverse_path,
            recipients=recipients,
            size=size,
            source=source,
        )


def source_of(session: Session, peer: Peer) -> str:
    """Who brings it, for logs and the queue."""
    return f"{peer.address} ({session.domain})"
