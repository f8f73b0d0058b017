"""What an SMTP server shows the agent that runs it, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthouse.message.address import Path

# They are made anew for each letter and never changed, nor are they keys: not frozen, since a
# frozen instance takes three times as long to make.

# Questions, all answered with a Reply


@dataclass(slots=True)
class Hello:
    """May this client go on? A positive reply is replaced by the server's own (§4.1.1.1)."""

    domain: str
    extended: bool


@dataclass(slots=True)
class Mail:
    """May this sender start a transaction? (RFC 5321 §4.1.1.2)"""

    path: Path
    parameters: Mapping[str, object]


@dataclass(slots=True)
class Recipient:
    """Is responsibility taken for this address? (RFC 5321 §4.1.1.3)"""

    path: Path
    parameters: Mapping[str, object]


@dataclass(slots=True)
class BeginContent:
    """May the content come? A positive reply is replaced by the server's 354."""


@dataclass(slots=True)
class EndOfMessage:
    """The message is whole. 250 takes responsibility for it (RFC 5321 §6.1)."""

    size: int  # octets shown as `Content`
    eight_bit: bool  # some of them are not ASCII


@dataclass(slots=True)
class EndForEach:
    """The same in LMTP (RFC 2033 §4.2), answered with a tuple of a `Reply` for each RCPT that was
    accepted, in their order: 250 says that this recipient's copy is in its mailbox.
    """

    size: int
    eight_bit: bool
    recipients: int  # so many replies


@dataclass(slots=True)
class Verify:
    """Whose mailbox is this? (RFC 5321 §4.1.1.6)"""

    text: str


@dataclass(slots=True)
class Expand:
    """Who is on this list? (RFC 5321 §4.1.1.7)"""

    text: str


# Events, not answered


@dataclass(slots=True)
class Content:
    """Whole lines of the message, transparency undone."""

    octets: bytes


@dataclass(slots=True)
class Abort:
    """The transaction is over without a message; what came of it is to be forgotten."""
