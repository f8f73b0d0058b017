"""What is known of one POP3 session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from ..dialogue import TLS
from ..sasl.mechanism import Mechanism, Offer, offer
from .events import Maildrop
from .language import ENGLISH, Language
from .policy import LENIENT, Policy
from .reply import Refused

if TYPE_CHECKING:
    from .capability import Capability

EMPTY = Maildrop((), ())
SUMMARY = "maildrop has {messages} messages ({octets} octets)"


class State(Enum):
    """RFC 1939 §3"""

    AUTHORIZATION = auto()
    TRANSACTION = auto()
    UPDATE = auto()


@dataclass(slots=True)
class Session:
    """Commands and capabilities read and write it; the agent only reads it."""

    hostname: str
    capabilities: tuple[Capability, ...]
    mechanisms: Mapping[str, Mechanism] = field(default_factory=dict)
    implementation: str = "Posthouse"
    tls_available: bool = True
    plaintext_allowed: bool = False  # passwords may come in the clear
    apop: bool = False  # there are accounts that can log in by APOP
    errors_allowed: int = 20  # refused commands until the connection is closed
    logins_allowed: int = 5  # refused credentials until the connection is closed
    login_within: float = 1800.0  # seconds in the AUTHORIZATION state, whatever the client does
    policy: Policy = LENIENT
    languages: tuple[Language, ...] = (ENGLISH,)
    preferred: Language = ENGLISH  # by the operator, for LANG *
    secure: bool = False
    tls: TLS | None = None
    pauses: bool = False  # the agent is asked when an error before the log-in may be told

    state: State = State.AUTHORIZATION
    over: bool = False
    previous: str = ""  # the command before, if it succeeded
    stamp: str = ""  # the greeting's timestamp, for APOP
    name: str = ""  # given by USER
    user: str = ""  # once authenticated
    maildrop: Maildrop = EMPTY
    deleted: set[int] = field(default_factory=set)
    retrieved: set[int] = field(default_factory=set)  # where messages expire
    utf8: bool = False  # RFC 6856 §2.1
    language: Language = ENGLISH
    errors: int = 0
    logins: int = 0  # refused ones

    @property
    def private(self) -> bool:
        """A password may be sent now (RFC 2595 §2.3, RFC 5034 §4)."""
        return self.secure or self.plaintext_allowed

    @property
    def offer(self) -> Offer:
        """How the client may log in by AUTH, now (RFC 5034 §4)."""
        return offer(self.mechanisms, self.tls, self.private)

    def open(self, user: str, maildrop: Maildrop) -> None:
        """Enter the TRANSACTION state."""
        self.user = user
        self.maildrop = maildrop
        self.policy = maildrop.policy
        self.state = State.TRANSACTION

    def totals(self) -> tuple[int, int]:
        """Messages not marked as deleted, and their octets."""
        sizes = self.maildrop.sizes
        marked = sum(sizes[number - 1] for number in self.deleted)
        return len(sizes) - len(self.deleted), sum(sizes) - marked

    def summary(self) -> dict[str, int]:
        """The totals, for `SUMMARY`."""
        messages, octets = self.totals()
        return {"messages": messages, "octets": octets}

    def number(self, argument: str) -> int:
        """The message number that is meant; it must not be marked as deleted (RFC 1939 §5)."""
        number = natural(argument)
        count = len(self.maildrop.sizes)
        if not 0 < number <= count:
            raise Refused("no such message, only {messages} messages in maildrop", messages=count)
        if number in self.deleted:
            raise Refused("message {number} already deleted", number=number)
        return number


def natural(argument: str) -> int:
    """Digits of ASCII, and few enough to be meant."""
    if not (argument.isascii() and argument.isdigit() and len(argument) <= 20):
        raise Refused("expected a number")
    return int(argument)


def no_argument(argument: str) -> None:
    if argument:
        raise Refused("takes no argument")
