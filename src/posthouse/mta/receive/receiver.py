"""The agent of one SMTP connection, as our MX and submission have it alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, TypeVar

from posthouse.accounts.directory import Absent
from posthouse.protocols.erring import Erred
from posthouse.protocols.smtp.events import (
    Abort,
    BeginContent,
    Content,
    EndOfMessage,
    Hello,
    Mail,
    Recipient,
    Verify,
)
from posthouse.protocols.smtp.reply import Reply
from posthouse.protocols.smtp.session import Session
from posthouse.runtime.service import Peer
from posthouse.store.unit import Unit

from .incoming import House, Incoming, source_of
from .manners import Guest
from .room import Room

T = TypeVar("T")

OK = Reply(250, "2.0.0", "ok")
SENDER_OK = Reply(250, "2.1.0", "sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient ok")
NO_USER = Reply(550, "5.1.1", "no such user here")
NO_RELAY = Reply(550, "5.7.1", "relaying denied")
TOO_MANY = Reply(451, "4.3.5", "this address stands for too many others, try again later")
WILL_NOT_SAY = Reply(252, "2.5.0", "send some mail, and see")  # RFC 5321 §7.3, RFC 5248 §2.4

#: To a recipient who is not taken.
REFUSALS = {
    Absent.UNKNOWN_USER: NO_USER,
    Absent.FOREIGN_DOMAIN: NO_RELAY,
    Absent.TOO_MANY: TOO_MANY,
}


class Reader(Protocol):
    """What is needed of the store."""

    def read(self, unit: Unit[T]) -> T: ...


class Receiver(ABC):
    """What differs is overridden: `mail`, `recipient`, `begin`, `content`, `end`, `answer`."""

    def __init__(
        self,
        house: House,
        room: Room,
        session: Session,
        peer: Peer,
        guest: Guest | None = None,
    ) -> None:
        """`guest` is who comes, where what they do is counted."""
        self.house = house
        self.guest = guest
        self.room = room
        self.session = session
        self.peer = peer
        self._incoming: Incoming | None = None

    @property
    def held(self) -> int:
        """Octets of a letter on its way in that are in memory."""
        return 0 if self._incoming is None else self._incoming.held

    @property
    def incoming(self) -> Incoming:
        """The transaction. The dialogue asks in an order in which there is one."""
        assert self._incoming is not None, "no transaction"
        return self._incoming

    def ask(self, question: object) -> object:
        """The answer, or an awaitable of it."""
        match question:
            case Mail():
                return self.mail(question)
            case Recipient():
                return self.recipient(question)
            case BeginContent():
                return self.begin()
            case EndOfMessage():
                return self.end(question)
            case Hello():
                return OK
            case Verify():
                return WILL_NOT_SAY
            case Erred():
                return None if self.guest is None else self.guest.erred()
        return self.answer(question)

    def show(self, event: object) -> None:
        """Content as it comes, or that it is not wanted."""
        if isinstance(event, Content):
            self.content(event.octets)
        elif isinstance(event, Abort):
            self.abandon()

    def closed(self) -> None:
        """The connection has gone; what the queue does not have is forgotten."""
        self.abandon()

    def mail(self, mail: Mail) -> Reply:
        return self.start(mail)

    def start(self, mail: Mail, account: int = 0) -> Reply:
        """Start a transaction, if there is room for it; `account` is who submits."""
        refusal = self.room.refusal()
        if refusal is not None:
            return refusal
        self._incoming = Incoming(self.house, mail, account)
        return SENDER_OK

    @abstractmethod
    def recipient(self, recipient: Recipient) -> Reply:
        """May the letter go to this recipient (RFC 5321 §3.3)?"""

    @abstractmethod
    def begin(self) -> Reply:
        """May the content come (RFC 5321 §4.1.1.4)?"""

    def content(self, octets: bytes) -> None:
        self.incoming.write(octets)

    def end(self, event: EndOfMessage) -> object:
        return self.incoming.end(event, source_of(self.session, self.peer))

    def answer(self, question: object) -> object:
        raise AssertionError(f"not a question of SMTP: {question!r}")

    def refuse_recipient(self, recipient: Recipient, reply: Reply) -> Reply:
        """Refuse, and have the operator know."""
        self.house.log.info(
            "recipient refused",
            peer=self.peer.address,
            recipient=str(recipient.path.address),
            reason=reply.text,
        )
        return reply

    def abandon(self) -> None:
        if self._incoming is not None:
            self._incoming.abandon()
            self._incoming = None
