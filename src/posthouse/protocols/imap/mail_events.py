"""What the dialogue asks its agent about the messages of the selected mailbox.

Each question is about the mailbox that the agent answered for last when it was selected. An agent
that will not do what is asked, for a reason the client can know, answers with `Declined`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import Any

from .sequence import Ranges
from .view import View


@dataclass(frozen=True, slots=True)
class Declined:
    """No, with a response code that says why (RFC 5530 §3): "OVERQUOTA", "NOPERM", "TRYCREATE"."""

    text: str
    code: str = ""


# Changes


@dataclass(frozen=True, slots=True)
class Refresh:
    """What has happened since the view of this version? Answered with `News`."""

    version: int


@dataclass(frozen=True, slots=True)
class News:
    """The mailbox as it is now, and what was done since the version that the question named.

    `vanished` are UIDs expunged since then, `changed` UIDs of messages whose flags changed (new
    ones may be among them); None where the agent cannot say: the views are compared instead.
    `recent` are ranges of UIDs, first and last, that became \\Recent in this session (RFC 3501
    §2.3.2: in the first session that is told of them, and in no other).
    """

    view: View
    vanished: Sequence[int] | None = None
    changed: Sequence[int] | None = None
    recent: Ranges = ()
    modified: Sequence[int] = ()  # of a `Store`: UIDs left as they are, for their mod-sequences


class Mode(Enum):
    """How STORE changes the flags (RFC 3501 §6.4.6)."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True)
class Store:
    """Change the flags of these messages. Answered with `News` since `version`, or `Declined`.

    A message that is expunged already is left out. The flags are as the client wrote them, the
    system flags as RFC 3501 does; a keyword that differs in case only is the same.
    """

    version: int
    uids: Ranges
    mode: Mode
    flags: tuple[bytes, ...]
    #: A message whose mod-sequence is larger is left as it is (RFC 7162 §3.1.3)
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Vanished:
    """Which UIDs were expunged after the mod-sequence `since`, up to `until`? (RFC 7162 §3.2.6)

    Answered with `Gone`.
    """

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Ranges of UIDs, first and last, ascending and apart.

    Where so much is not remembered: of all that were ever given to a message and are not there
    now. Some of them may have been there at `until`.
    """

    uids: Ranges
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class Expunge:
    """Remove what is \\Deleted, of these messages or (None) of all; `News` since `version`."""

    version: int
    uids: Ranges | None


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy these messages with flags and dates, or none of them.

    Answered with `Copied`, or with `Declined`, of which the code TRYCREATE says that there is no
    such mailbox. `mailbox` is the name in UTF-8 (not in modified UTF-7). What is expunged already
    is left out, but where `count` messages were named by their numbers all of them must be there:
    else EXPUNGEISSUED (RFC 2180 §4.4.1).
    """

    uids: Ranges
    mailbox: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Copied:
    """The UIDs of what was copied and, in the same order, of the copies (RFC 4315 §3)."""

    uid_validity: int
    uids: Sequence[int] = ()
    copies: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """Copy as `Copy` says and remove what was copied, both or neither (RFC 6851 §3.3).

    Answered with `Moved`, or with `Declined`.
    """

    version: int
    uids: Ranges
    mailbox: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """`news` are those since the version that the question named."""

    copied: Copied
    news: News


# Content


class Need(Flag):
    """What is wanted of each message; a column that is not may be None."""

    DATE = auto()
    SIZE = auto()
    ENVELOPE = auto()
    BODY = auto()  # the structure without extension data
    STRUCTURE = auto()
    HEADER = auto()
    CONTENT = auto()
    SENT = auto()  # the day that the Date field shows
    RARE = auto()  # what is in `Rare`
    PREVIEW = auto()  # and the preview, too
    LISTED = auto()  # of the header the fields that message/listed.py names


NOTHING = Need(0)


@dataclass(frozen=True, slots=True)
class Held:
    """Content that is too large to be given at once; read by `ReadContent`."""

    handle: object
    size: int


@dataclass(frozen=True, slots=True)
class Rare:
    """What is wanted seldom."""

    email_id: bytes  # RFC 8474 §5.1
    saved: int | None  # seconds since 1970 (RFC 8514)
    preview: bytes | None = None  # a string ready to send (RFC 8970)


#: UID, internal date (seconds since 1970, UTC), size, ENVELOPE, BODY, BODYSTRUCTURE (all three
#: as octets ready to send), header with its empty line (if no more than LISTED was wanted of it,
#: fields may be left out), content, day sent (days since 1970 as written; None where there is no
#: such date), what is wanted seldom
Row = tuple[
    int,
    int | None,
    int | None,
    bytes | None,
    bytes | None,
    bytes | None,
    bytes | None,
    bytes | Held | None,
    int | None,
    Rare | None,
]


#: Octets of a header from which others have their turn before it is looked at.
LARGE_HEADER = 32 * 1024


@dataclass(frozen=True, slots=True)
class FetchRows:
    """These messages (at most 256), as a list of `Row` in ascending order of their UIDs.

    One that was expunged is given as long as it can be, and is left out afterwards.
    """

    uids: Sequence[int]
    needs: Need


@dataclass(frozen=True, slots=True)
class ReadContent:
    """Octets of a `Held` content, from `offset`: as many as `length`, at most 128 kB."""

    handle: object
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ReadStructure:
    """The part tree of a `Held` content, as `message.structure.parse` makes it."""

    handle: object


@dataclass(frozen=True, slots=True)
class AskTime:
    """What time is it? Seconds since 1970, UTC (for RFC 5032 and RFC 9585)."""


# What the agent knows without a look at the messages


@dataclass(frozen=True, slots=True)
class FindText:
    """Which messages hold this text, folded, in a header or a body? `TextFound`, or None.

    Where a `field` is named, in small letters, only in fields of that name. None where the agent
    knows nothing; what it does not know is looked for in each message.
    """

    needle: str
    in_header: bool
    in_body: bool
    field: str = ""


@dataclass(frozen=True, slots=True)
class TextFound:
    """UIDs of messages that hold it (some may be expunged), and those of which it is not known."""

    uids: Sequence[int]
    unknown: Ranges


@dataclass(frozen=True, slots=True)
class FindOrdering:
    """What the messages of the mailbox are sorted by, as far as it is known: `Ordering`, or None.

    `columns`, one at least, are fields of `message.ordering.Keys`, or arrival, size, refs. `sent`
    is never None, but the internal date where the message has no date.
    """

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ordering:
    """UIDs of messages, ascending (some may be expunged), and the values of each column."""

    uids: Sequence[int]
    columns: Sequence[Sequence[Any]]


# The end


@dataclass(frozen=True, slots=True)
class Close:
    """The mailbox is no longer selected; `expunge` what is \\Deleted (CLOSE, RFC 3501 §6.4.2).

    Answered with None.
    """

    expunge: bool
