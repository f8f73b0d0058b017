"""What a POP3 dialogue asks its agent.

The first question is the one that a SASL mechanism ends with, `Password`; USER and PASS put the
same. It is answered with an `Outcome`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .policy import LENIENT, Policy


@dataclass(frozen=True, slots=True)
class Open:
    """Lock and list the maildrop of the user who has logged in. Answered with an `Opening`."""

    user: str
    utf8: bool = False  # messages are sent as they are (RFC 6856 §2.1)


class Opening:
    """What has come of opening a maildrop."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Maildrop(Opening):
    """The messages as they are now; the session's message n is the one at index n - 1."""

    sizes: Sequence[int]  # octets as sent, without the dots that are stuffed
    unique_ids: Sequence[str]  # 1 to 70 of ! to ~ (RFC 1939 §7)
    policy: Policy = LENIENT  # for this user


@dataclass(frozen=True, slots=True)
class Unavailable(Opening):
    """The maildrop cannot be opened."""

    code: str  # LOGIN-DELAY, IN-USE (RFC 2449 §8.1), SYS/TEMP, SYS/PERM (RFC 3206 §4)
    text: str


@dataclass(frozen=True, slots=True)
class Retrieve:
    """The content of a message, from its beginning. Answered with a `Retrieval`."""

    number: int


@dataclass(frozen=True, slots=True)
class NextBlock:
    """More of the message that was asked for last. Answered with a `Block`."""


class Retrieval:
    """What has come of asking for a message."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Block(Retrieval):
    """Some of a message's octets, cut anywhere."""

    octets: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Gone(Retrieval):
    """The message was removed by someone else since the maildrop was opened."""


@dataclass(frozen=True, slots=True)
class NeedsUtf8(Retrieval):
    """There is no form of the message for a client that has not said UTF8 (RFC 6856 §2.1)."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Shown: all of this message is on its way, and it may expire (RFC 2449 §6.7)."""

    number: int


@dataclass(frozen=True, slots=True)
class Update:
    """Delete these messages, then release the maildrop (RFC 1939 §6).

    Answered with a bool: they have all been deleted. The maildrop is released in any case.
    """

    deleted: tuple[int, ...]  # ascending
