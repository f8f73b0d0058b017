"""What came of trying to hand a letter on, for one recipient."""

from __future__ import annotations

from dataclasses import dataclass

from .letter import Recipient


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a recipient did not get the letter."""

    reason: str  # for people: what was met
    status: str  # enhanced status code (RFC 3463): "4.4.1", "5.1.1"
    remote: str = ""  # the MTA that said so; empty where none was involved
    reply: str = ""  # its reply: "550 5.1.1 no such user"


@dataclass(frozen=True, slots=True)
class Relayed:
    """The next hop has taken it."""

    remote: str = ""
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It will never be taken."""

    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Deferred:
    """It was not taken now; not to be tried before `not_before`."""

    trouble: Trouble
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class Expanded:
    """Others stand in its place, and get the letter as one of its own."""

    recipients: tuple[Recipient, ...]


Outcome = Relayed | Failed | Deferred | Expanded
