"""What the dialogue asks its agent about mailboxes, and shows it.

`sasl.mechanism.Password` comes before, answered with `Accepted` or `Denied`. An agent that will
not do what is asked answers with `Declined`, of which the code is one of RFC 5530 §3; where
nothing else is said, the answer is None. Names are in Unicode, with "/" between their levels, and
INBOX in capitals. Questions about the messages of the selected mailbox are in `mail_events`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ..dialogue import Ask, Dialogue, ask, send
from .mail_events import Declined, News
from .result import No
from .view import Selected

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """No answer yet, after ten seconds or so: the work goes on, and `GoOn` asks for the answer."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Of what was asked last; it may be unfinished again."""


def decide(question: object, answer: type[T]) -> Dialogue[T]:
    """The agent's answer of type `answer`. Raises No where it declined, and Failed."""
    return (yield from decided((yield Ask(question)), answer))


def decided(given: object, answer: type[T]) -> Dialogue[T]:
    """The same, of a question that has been asked, and perhaps answered.

    While it takes long, the client is told that somebody is there (RFC 9585 §4).
    """
    while isinstance(given, Unfinished):
        yield from send(b"* OK [INPROGRESS] still working\r\n")
        given = yield from ask(GoOn(), object)
    if isinstance(given, Declined):
        raise No(given.text, given.code)
    assert isinstance(given, answer), f"the answer was {given!r}"
    return given


def obey(question: object) -> Dialogue[None]:
    """Have the agent do something. Raises No where it declined, and Failed."""
    yield from decide(question, type(None))


# The client


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Shown: nobody is logged in any more, and nothing selected (RFC 8437)."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Shown: what the client says it is (RFC 2971). It proves nothing."""

    fields: Mapping[str, str | None]


# The list of mailboxes


@dataclass(frozen=True, slots=True)
class ListMailboxes:
    """All mailboxes and subscriptions of the user, in any order: a tuple of `Mailbox`.

    Where items of STATUS are named, mailboxes have their counts.
    """

    status: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox, or a name that is only subscribed to (RFC 3501 §6.3.6).

    Parents that are no mailboxes need not be listed.
    """

    name: str
    subscribed: bool = False
    exists: bool = True
    special_use: str = ""  # RFC 6154 §2: "\\Sent"
    counts: Counts | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """ALREADYEXISTS where it does. What lies above it may be created too (§6.3.3).

    Answered with `Created`; USEATTR where it cannot have the special use (RFC 6154 §3).
    """

    name: str
    special_use: str = ""


@dataclass(frozen=True, slots=True)
class Created:
    mailbox_id: str  # RFC 8474 §4.1


@dataclass(frozen=True, slots=True)
class Delete:
    """Its inferiors stay (§6.3.4). NONEXISTENT; CANNOT for INBOX."""

    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """With all its inferiors; but INBOX keeps them, and stays, empty (§6.3.5)."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    name: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    name: str


# One mailbox


@dataclass(frozen=True, slots=True)
class Status:
    """Answered with `Counts`."""

    name: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """§6.3.10; `recent`, `deleted` and `deleted_size` are right where their items are named."""

    messages: int
    unseen: int
    uid_next: int
    uid_validity: int
    recent: int = 0
    highest_modseq: int = 0
    size: int = 0  # octets of all messages (RFC 8438)
    deleted: int = 0  # messages (RFC 9208 §4.1.4)
    deleted_size: int = 0  # their octets
    mailbox_id: str = ""  # RFC 8474 §4
    #: Responses that were made of them, by all that they depend on beside
    told: dict[object, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Select:
    """Open a mailbox; answered with `Opened`.

    The one that is open is closed before, also where this one is declined; else it is closed by
    `mail_events.Close`.
    """

    name: str
    read_only: bool
    parameters: Mapping[str, object] = field(default_factory=dict)  # RFC 4466 §2.1


@dataclass(slots=True)
class Opened:
    """§6.3.1"""

    selected: Selected
    uid_next: int
    first_unseen: int = 0  # its sequence number; 0 where all is seen
    keywords: tuple[bytes, ...] = ()  # those in use
    mailbox_id: str = ""  # RFC 8474 §4.2
    #: Responses that were made of all this and the view; the same again while these are the same
    told: dict[object, bytes] = field(default_factory=dict, compare=False, repr=False)


# APPEND (§6.3.11): BeginAppend, AppendContent..., for each message (RFC 3502); then EndAppend,
# Replace or AbandonAppend


@dataclass(frozen=True, slots=True)
class BeginAppend:
    """May a message of `size` octets be added? TRYCREATE, OVERQUOTA.

    One that is `binary` may have NULs and bare CRs and LFs (RFC 3516 §4.4).
    """

    mailbox: str
    flags: tuple[bytes, ...]
    date: datetime | None
    size: int
    binary: bool = False
    utf8: bool = False  # its header may be in UTF-8 (RFC 6855 §4)
    replaces: int = 0  # the UID of a message that goes when this one is added


@dataclass(frozen=True, slots=True)
class AppendContent:
    """Shown: some of its octets."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AbandonAppend:
    """Shown: it will not be ended; of several messages none is added."""


@dataclass(frozen=True, slots=True)
class EndAppend:
    """All octets have been shown. Answered with `Appended`, when all of them are durable."""


@dataclass(frozen=True, slots=True)
class Appended:
    """RFC 4315 §3; a UID for each message."""

    uid_validity: int
    uids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Replace:
    """The message that came with the command is added, and this one removed: both or neither.

    It ends what `BeginAppend` began (RFC 8508). Answered with `Replaced`, or with `Declined`.
    """

    version: int
    uid: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """`news` are those since the version that the question named."""

    appended: Appended
    news: News


# QUOTA (RFC 9208)


@dataclass(frozen=True, slots=True)
class GetQuota:
    """Answered with `Quota`."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What the account keeps and may keep, in octets."""

    used: int
    limit: int  # 0: there is none


# METADATA (RFC 5464); the empty name is the account as a whole


@dataclass(frozen=True, slots=True)
class GetAnnotations:
    """Answered with a dictionary of entries and values, of these and so many levels below."""

    mailbox: str
    entries: tuple[str, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class SetAnnotations:
    """Set entries, or remove those of which the value is None; all or none of them."""

    mailbox: str
    values: Mapping[str, bytes | None]
