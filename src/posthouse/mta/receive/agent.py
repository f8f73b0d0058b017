"""Our MX: letters that other sites bring for the people of this one (RFC 5321 §2.3.10, §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from posthouse.accounts.directory import Absent
from posthouse.mta.route.backup import NONE, BackupDomains
from posthouse.protocols.engine import Engine
from posthouse.protocols.smtp.events import Mail, Recipient
from posthouse.protocols.smtp.reply import Reply
from posthouse.protocols.smtp.server import serve
from posthouse.protocols.smtp.session import Service, Session, Settings
from posthouse.runtime.service import Notify, Peer

from .incoming import House
from .literals import NO_LITERALS, OwnLiterals
from .manners import Guest, Manners
from .receiver import NO_USER, OK, RECIPIENT_OK, REFUSALS, Receiver
from .recipients import Finder, foreign
from .room import FULL_NOW, Room


@dataclass(frozen=True, slots=True)
class Transfer:
    """The service `smtp`: an engine and an agent for each connection."""

    house: House
    room: Room
    finder: Finder
    settings: Settings
    now: Callable[[], float]
    tls_available: bool = False
    full: Reply = FULL_NOW  # to a letter for an account that keeps as much as it may
    backup_for: BackupDomains = NONE
    literals: OwnLiterals = NO_LITERALS
    manners: Manners | None = None

    def begin(self, peer: Peer, _notify: Notify) -> tuple[Engine, TransferAgent]:
        """A connection has come."""
        session = Session(self.settings, Service.SMTP, peer.tls, self.tls_available)
        guest = None if self.manners is None else self.manners.meet(peer.address)
        return serve(session), TransferAgent(self, session, peer, guest)


class TransferAgent(Receiver):
    """One connection. Nothing is relayed, but for the domains that we are to be a backup for."""

    def __init__(
        self, service: Transfer, session: Session, peer: Peer, guest: Guest | None
    ) -> None:
        super().__init__(service.house, service.room, session, peer, guest)
        self._service = service

    def mail(self, mail: Mail) -> Reply:
        if self.guest is not None:
            domain = mail.path.address.domain if mail.path.address else ""
            refusal = self.guest.sends(domain)
            if refusal is not None:
                return refusal
        return self.start(mail)

    def recipient(self, recipient: Recipient) -> Reply:
        address = recipient.path.address
        assert address is not None
        refusal = None if self.guest is None else self.guest.addresses()
        if refusal is not None:
            return refusal
        meant = self._service.literals.meant(address, self.peer.local_address)
        if meant is None:
            return self.refuse_recipient(recipient, NO_USER)
        found = self._service.finder.find(meant)
        if found is Absent.FOREIGN_DOMAIN and address.domain in self._service.backup_for:
            found = [foreign(address)]
        if isinstance(found, Absent):
            return self.refuse_recipient(recipient, REFUSALS[found])
        if any(each.full for each in found):
            return self.refuse_recipient(recipient, self._service.full)
        self.incoming.add(address, found)
        return RECIPIENT_OK

    def begin(self) -> Reply:
        self.incoming.begin(self.session, self.peer, self._service.now())
        return OK
