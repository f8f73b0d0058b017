"""What is known of one SMTP session, on the server side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ..dialogue import LINE_LIMIT, TLS, Ask, Dialogue, Send
from ..erring import pause
from ..sasl import BY_PASSWORD
from ..sasl.mechanism import Mechanism, Offer, offer
from .reply import Reply


class Service(Enum):
    """What a port is for. An extension says on which of them it is offered."""

    SMTP = "smtp"  # from other sites
    SUBMISSION = "submission"  # from the accounts' own programs (RFC 6409)
    SUBMISSIONS = "submissions"  # the same, TLS from the start (RFC 8314 §3.3)
    LMTP = "lmtp"  # into the mailboxes, without a queue (RFC 2033)

    __hash__ = object.__hash__  # each is one object; Enum's own would hash the name, in Python

    @property
    def needs_log_in(self) -> bool:
        return self in _FOR_ACCOUNTS


_FOR_ACCOUNTS = frozenset({Service.SUBMISSION, Service.SUBMISSIONS})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server's owner decides. Times in seconds, sizes in octets."""

    hostname: str
    largest: int = 50 * 1024 * 1024  # message (RFC 1870); 0 for no limit
    recipients: int = 1000  # of a message, at least 100 (RFC 5321 §4.5.3.1.8)
    transactions: int = 10_000  # of a session
    errors: int = 20  # without a message between them
    log_ins: int = 5  # that fail
    text_line: int = LINE_LIMIT  # without CRLF, at least 998 (RFC 5321 §4.5.3.1.6)
    normalise: bool = False  # make a bare CR or LF a CRLF, do not refuse it
    command_time: float = 300.0  # RFC 5321 §4.5.3.2.7
    data_time: float = 180.0  # for the next block, RFC 5321 §4.5.3.2.5
    message_time: float = 3600.0  # for a whole message
    log_in_time: float = 120.0  # until a log-in, where one is needed
    pauses: bool = False  # the agent is asked when an error may be told


class State(Enum):
    """How far the client has come (RFC 5321 §3, §4.1.4)."""

    CONNECTED = auto()
    GREETED = auto()
    MAIL = auto()  # has a sender
    RCPT = auto()  # has a recipient
    CLOSED = auto()


@dataclass(slots=True)
class Session:
    """Verbs and extensions read and write it; the agent only reads it."""

    settings: Settings
    service: Service = Service.SMTP
    tls: TLS | None = None
    tls_offered: bool = False  # there is a certificate
    plaintext_allowed: bool = False  # a password may come in the clear: on loopback
    mechanisms: Mapping[str, Mechanism] = field(default_factory=lambda: BY_PASSWORD)
    state: State = State.CONNECTED
    domain: str = ""  # what the client calls itself
    extended: bool = False  # by EHLO
    account: str = ""  # once authenticated
    recipients: int = 0
    transactions: int = 0
    errors: int = 0
    failed_log_ins: int = 0

    @property
    def in_transaction(self) -> bool:
        return self.state is State.MAIL or self.state is State.RCPT

    @property
    def locked(self) -> bool:
        """A log-in has to come first."""
        return not self.account and self.service.needs_log_in

    @property
    def offer(self) -> Offer:
        """How the client may log in now; in the clear with no password (RFC 4954 §4)."""
        return offer(self.mechanisms, self.tls, self.tls is not None or self.plaintext_allowed)


LOG_IN_FAILED = frozenset({534, 535})  # these take their time already (RFC 4954 §6)
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors, closing")


def answer(session: Session, reply: Reply) -> Dialogue[None]:
    """Give the client a reply. Too many that say no end the session."""
    if reply.code >= 500:
        session.errors += 1
        if session.settings.pauses and reply.code not in LOG_IN_FAILED:
            yield from pause()
        if session.errors > session.settings.errors:
            reply = TOO_MANY_ERRORS
    if reply.code == 421:
        session.state = State.CLOSED  # RFC 5321 §3.8
    yield Send(bytes(reply))


def decide(session: Session, question: object) -> Dialogue[Reply]:
    """Let the agent reply to the client. Raises Failed."""
    reply = yield Ask(question)
    assert isinstance(reply, Reply), f"{question!r} was answered with {reply!r}"
    yield from answer(session, reply)
    return reply
