"""What an SMTP client shows the agent that runs it, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ...dialogue import TLS
from .reply import PeerReply


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, and those of its recipients for whom this peer is to have it."""

    reverse_path: str  # "ann@a.example"; "" is the null reverse-path
    recipients: tuple[str, ...]  # at least one
    size: int  # octets of the content
    eight_bit: bool = False  # some of them are not ASCII


class Unfit(Exception):
    """The letter cannot be sent to this peer: where its status is 4.y.z, not now."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


# Questions


@dataclass(frozen=True, slots=True)
class NextLetter:
    """Is there another letter for this peer? Answered with a `Letter`, or None: say QUIT.

    The connection stays open while the agent thinks.
    """


@dataclass(frozen=True, slots=True)
class NextBlock:
    """The next octets of the letter's content, cut anywhere; b"" when that was all."""


@dataclass(frozen=True, slots=True)
class Convert:
    """The peer takes ASCII alone (RFC 6152 §3). Answered with the letter in that form, whose
    content `NextBlock` then gives; or with `Unconvertible`.
    """

    letter: Letter


@dataclass(frozen=True, slots=True)
class Unconvertible:
    """An answer to `Convert`: its recipients fail."""

    status: str  # "5.6.3"
    text: str


# Events


@dataclass(frozen=True, slots=True)
class Ready:
    """The session is open: letters can be sent."""

    name: str  # what the peer calls itself
    tls: TLS | None
    offers: Mapping[str, str]  # keyword to parameters


class Fate(Enum):
    """What became of a letter for one recipient."""

    DELIVERED = "delivered"  # the peer has taken responsibility (RFC 5321 §6.1)
    REFUSED = "refused"  # for good
    TEMPORARY = "temporary"  # to be tried again
    DOUBT = "doubt"  # no reply came to the end of the message: the peer may have taken it


@dataclass(frozen=True, slots=True)
class Result:
    fate: Fate
    command: str  # what the reply was to: "greeting", "EHLO", "MAIL", "RCPT", "DATA", "." ...
    reply: PeerReply

    def __str__(self) -> str:
        return f"{self.fate.value} at {self.command}: {self.reply}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter; shown once for each that `NextLetter` gave."""

    letter: Letter  # as `NextLetter` gave it
    results: tuple[Result, ...]  # in the order of its recipients
    reusable: bool  # the connection can be used for another letter
    #: The connection, used for other letters before, had ended already: nothing was tried.
    stale: bool = False
    #: This side has broken off, no fault of the peer's: the content is not one that can be sent.
    unsendable: bool = False


@dataclass(frozen=True, slots=True)
class Unusable:
    """The session came to its end before it was open, or between two letters."""

    result: Result

    @property
    def tls_failed(self) -> bool:
        """Encryption is what failed: by opportunity, a new connection can do without."""
        return self.result.command == "STARTTLS"
