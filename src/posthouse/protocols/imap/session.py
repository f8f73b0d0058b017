"""What is known of one IMAP session, on the server side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING

from ..dialogue import TLS, Dialogue
from ..sasl import BY_PASSWORD
from ..sasl.mechanism import Mechanism, Offer, offer

if TYPE_CHECKING:
    from .extension import Extension
    from .view import Selected, Wanted


class State(Enum):
    """RFC 3501 §3"""

    __hash__ = object.__hash__  # each command asks whether it is allowed now

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


ANY = frozenset(State)
OUT = frozenset({State.NOT_AUTHENTICATED})
IN = frozenset({State.AUTHENTICATED, State.SELECTED})
IN_MAILBOX = frozenset({State.SELECTED})


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in octets, times in seconds."""

    line: int = 64 * 1024
    line_before_login: int = 8 * 1024
    command: int = 1024 * 1024  # all literals and lines of one command, but not APPEND's message
    command_before_login: int = 4 * 1024
    literals: int = 1000  # in one command
    message: int = 64 * 1024 * 1024  # APPEND
    drained: int = 4 * 1024  # read and thrown away before login; more closes the connection
    saved: int = 50_000  # ranges of UIDs that a SEARCH saves (RFC 5182)
    errors: int = 50  # commands that end in BAD, one after the other
    errors_before_login: int = 10  # BAD and NO
    autologout: float = 1800.0  # RFC 3501 §5.4: at least 30 minutes
    login: float = 60.0  # for a line before login
    logging_in: float = 300.0  # for all that comes before login
    step: float = 300.0  # for a line or some octets within a command

    def unwanted(self, state: State) -> int:
        """Octets of literals that are read and thrown away; more closes the connection."""
        return self.drained if state is State.NOT_AUTHENTICATED else self.message


@dataclass(slots=True)
class Watching:
    """What NOTIFY has asked for (RFC 5465)."""

    wanted: Wanted  # of the selected mailbox, whichever it is
    others: bool  # other mailboxes are watched, too
    #: Tells what is noticed; it is given whether there may be something new
    tell: Callable[[Session, bool], Dialogue[None]]
    #: The same while no command is in progress
    tell_between: Callable[[Session, bool], Dialogue[None]]
    stale: bool = False  # the agent is to be asked what was noticed

    @property
    def listens(self) -> bool:
        """Something may have to be told while no command is in progress."""
        return self.others or self.wanted.messages


@dataclass(slots=True)
class Session:
    """Commands and extensions read and write it; the agent only reads it."""

    hostname: str = "localhost"
    extensions: tuple[Extension, ...] = ()
    mechanisms: Mapping[str, Mechanism] = field(default_factory=lambda: BY_PASSWORD)
    limits: Limits = Limits()
    state: State = State.NOT_AUTHENTICATED
    secure: bool = False  # the connection is encrypted
    tls: TLS | None = None  # how
    tls_available: bool = False  # STARTTLS may be offered
    plaintext_allowed: bool = False  # passwords may come in the clear
    pauses: bool = False  # the agent is asked when an error before the log-in may be told
    user: str = ""
    enabled: set[str] = field(default_factory=set)  # RFC 5161
    compressed: bool = False  # RFC 4978
    selected: Selected | None = None
    watch: Watching | None = None
    notices: dict[object, None] = field(default_factory=dict)  # the engine's, to be taken
    tag: bytes = b""  # of the command that is carried out
    ahead: bytes = b""  # of its responses, what is sent together with the tagged one
    numbered: bool = False  # and it names messages by their numbers: they must hold to its end
    gathered: int = 0  # octets of the literals of one command, in memory
    errors: int = 0
    capabilities: frozenset[str] = field(init=False)  # the names of its extensions

    def __post_init__(self) -> None:
        self.capabilities = _names(self.extensions)

    @property
    def utf8(self) -> bool:
        """Strings are in UTF-8, names of mailboxes too (RFC 6855 §3, RFC 9051 §5.1)."""
        enabled = self.enabled
        return bool(enabled) and not enabled.isdisjoint(("UTF8=ACCEPT", "IMAP4REV2"))

    @property
    def may_send_password(self) -> bool:
        """Else LOGINDISABLED (RFC 3501 §6.2.3)."""
        return self.secure or self.plaintext_allowed

    @property
    def offer(self) -> Offer:
        """How the client may log in by AUTHENTICATE, now."""
        return offer(self.mechanisms, self.tls, self.may_send_password)


@lru_cache(8)
def _names(extensions: tuple[Extension, ...]) -> frozenset[str]:
    return frozenset(each.capability for each in extensions)
