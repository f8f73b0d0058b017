"""Submission: letters of the accounts' own programs (RFC 6409)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from posthouse.accounts.directory import SEPARATOR, Absent, Alias, may_send_as, resolve
from posthouse.message.address import Address, parse_mailbox
from posthouse.message.completion import complete
from posthouse.mta.queue.sent import may_file_sent
from posthouse.mta.receive.incoming import NO_COPY, House
from posthouse.mta.receive.literals import NO_LITERALS, OwnLiterals
from posthouse.mta.receive.manners import Manners
from posthouse.mta.receive.receiver import NO_USER, OK, RECIPIENT_OK, REFUSALS, Reader, Receiver
from posthouse.mta.receive.recipients import Finder, foreign
from posthouse.mta.receive.room import FULL_NOW, Room
from posthouse.protocols.engine import Engine
from posthouse.protocols.smtp.events import EndOfMessage, Expand, Mail, Recipient
from posthouse.protocols.smtp.extensions.size import DECLARED
from posthouse.protocols.smtp.reply import SHUT_OUT, Reply
from posthouse.protocols.smtp.server import serve
from posthouse.protocols.smtp.session import Service, Session, Settings
from posthouse.runtime.service import Notify, Peer
from posthouse.store.serve.login import QUESTIONS, Authenticator, Door, Login

from .completing import Completing, HeaderTooLarge

NOT_YOURS = Reply(550, "5.7.1", "this sender is not an address of yours")
NO_LIST = Reply(550, "5.1.1", "no such list here")
HEADER_TOO_LARGE = Reply(554, "5.6.0", "the header is too large")


@dataclass(frozen=True, slots=True)
class Submission:
    """The services `submission` and `submissions`: an engine and an agent for each connection."""

    house: House
    room: Room
    store: Reader
    finder: Finder
    authenticator: Authenticator
    settings: Settings
    now: Callable[[], float]
    service: Service = Service.SUBMISSION
    tls_available: bool = False
    separator: str = SEPARATOR
    literals: OwnLiterals = NO_LITERALS
    full: Reply = FULL_NOW  # to a letter for an account that keeps as much as it may
    check_sender: bool = True  # the sender has to be an address of the account (RFC 6409 §6.1)
    strip_bcc: bool = True
    copy_to_sent: bool = False  # the account gets a copy of what it sends
    needs_copy: bool = False  # and sends nothing while it has no room for one
    plaintext_on_loopback: bool = True
    manners: Manners | None = None

    def begin(self, peer: Peer, notify: Notify) -> tuple[Engine, SubmissionAgent]:
        """A connection has come."""
        session = Session(
            self.settings,
            self.service,
            peer.tls,
            tls_offered=self.tls_available,
            plaintext_allowed=self.plaintext_on_loopback and peer.is_loopback,
            mechanisms=self.authenticator.offers("smtp"),
        )
        return serve(session), SubmissionAgent(self, session, peer, notify)


class SubmissionAgent(Receiver):
    """One connection."""

    def __init__(self, service: Submission, session: Session, peer: Peer, notify: Notify) -> None:
        guest = None if service.manners is None else service.manners.meet(peer.address)
        super().__init__(service.house, service.room, session, peer, guest)
        self._service = service
        name = service.service.value
        log = service.house.log
        self._door = Door(service.authenticator, "smtp", name, peer.address, log, notify)
        self._sender: Address | None = None
        self._completing: Completing | None = None

    @property
    def held(self) -> int:
        return super().held + (0 if self._completing is None else self._completing.held)

    @property
    def login(self) -> Login:
        """Who has logged in; without, the dialogue asks for nothing but a password."""
        # What came before STARTTLS is forgotten, and so is a log-in (RFC 3207 §4.2).
        login = self._door.login
        assert login is not None, "nobody has logged in"
        assert self.session.account == login.address, "nobody has logged in"
        return login

    def answer(self, question: object) -> object:
        if isinstance(question, QUESTIONS):
            return self._door.ask(question)
        if isinstance(question, Expand):
            return self._expand(question.text)
        return super().answer(question)

    def mail(self, mail: Mail) -> Reply:
        address = mail.path.address
        own = parse_mailbox(self.login.address, smtputf8=True)
        if address is not None and self._service.check_sender and not self._may_send_as(address):
            return NOT_YOURS
        refusal = None if self.guest is None else self.guest.submits(self.login.account)
        if refusal is not None:
            return refusal
        if self._needs_copy and not self._may_have_copy(DECLARED.of(mail.parameters) or 1):
            return NO_COPY
        # An alias of theirs is who they want to be (RFC 6409 §8.1).
        self._sender = address if address is not None and self._service.check_sender else own
        reply = self.start(mail, self.login.account)
        if reply.positive:
            self.incoming.keeps_copy = self._service.copy_to_sent
            self.incoming.needs_copy = self._needs_copy
        return reply

    @property
    def _needs_copy(self) -> bool:
        return self._service.copy_to_sent and self._service.needs_copy

    def _may_have_copy(self, octets: int) -> bool:
        return self._service.store.read(lambda: may_file_sent(self.login.account, octets))

    def _may_send_as(self, address: Address) -> bool:
        return self._service.store.read(
            may_send_as(
                self.login.account, address.local_part, address.domain, self._service.separator
            )
        )

    def recipient(self, recipient: Recipient) -> Reply:
        address = recipient.path.address
        assert address is not None
        refusal = None if self.guest is None else self.guest.writes_to(self.login.account)
        if refusal is not None:
            return refusal
        meant = self._service.literals.meant(address, self.peer.local_address)
        if meant is None:
            return self.refuse_recipient(recipient, NO_USER)
        found = self._service.finder.find(meant)
        if found is Absent.FOREIGN_DOMAIN:
            found = [foreign(address)]
        if isinstance(found, Absent):
            return self.refuse_recipient(recipient, REFUSALS[found])
        if any(each.full for each in found):
            return self.refuse_recipient(recipient, self._service.full)
        self.incoming.add(address, found)
        return RECIPIENT_OK

    def begin(self) -> Reply:
        now = self._service.now()
        self._completing = Completing(lambda header: self._complete(header, now))
        self.incoming.begin(self.session, self.peer, now)
        return OK

    def _complete(self, header: bytes, now: float) -> bytes:
        """RFC 6409 §8"""
        return complete(
            header,
            time=now,
            message_id=f"<{self.incoming.name}@{self._service.settings.hostname}>",
            sender=self._sender,
            without_bcc=self._service.strip_bcc,
        )

    def content(self, octets: bytes) -> None:
        assert self._completing is not None
        if self.incoming.fault is not None:
            return
        try:
            self.incoming.write(self._completing.take(octets))
        except HeaderTooLarge:
            self.incoming.refuse(HEADER_TOO_LARGE, "header too large")

    def end(self, event: EndOfMessage) -> object:
        assert self._completing is not None
        if self._door.shut:  # while the content came
            self.incoming.refuse(SHUT_OUT, "shut out")
        if self.incoming.fault is None:
            self.incoming.write(self._completing.finish())
        return super().end(event)

    def abandon(self) -> None:
        super().abandon()
        self._completing = None

    def closed(self) -> None:
        super().closed()
        self._door.leave()

    def _expand(self, text: str) -> Reply:
        """The targets of an alias, for people of this site alone (RFC 5321 §7.3)."""
        try:
            address = parse_mailbox(text.removeprefix("<").removesuffix(">"))
        except ValueError:
            return NO_LIST
        found = self._service.store.read(
            resolve(address.local_part, address.domain, self._service.separator)
        )
        if not isinstance(found, Alias):
            return NO_LIST
        first, *more = (f"<{target}>" for target in found.targets)
        return Reply(250, "2.1.5", first, tuple(more))
