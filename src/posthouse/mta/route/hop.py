"""Where a letter goes next, as data: what routing decides and relaying carries out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Transport(Enum):
    """What is spoken with the next hop; the value is how settings say it."""

    SMTP = "smtp"
    LMTP = "lmtp"  # RFC 2033


class TLSPolicy(Enum):
    """Whether the connection to the next hop is secured by STARTTLS (RFC 3207)."""

    NONE = "none"  # never
    OPPORTUNISTIC = "opportunistic"  # where it is offered; with any certificate (RFC 7435)
    REQUIRED = "required"  # or nothing is sent; with any certificate
    VERIFY = "verify"  # or nothing is sent; the certificate must be for the host's name

    @property
    def may_fail(self) -> bool:
        """Whether the letter may go in the clear."""
        return self in (TLSPolicy.NONE, TLSPolicy.OPPORTUNISTIC)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What we log in with at a next hop (RFC 4954). The password is in no `repr`, so in no log."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NextHop:
    """One host that would take the letter; its addresses are tried in order."""

    host: str  # its name, or the literal `[192.0.2.1]`
    addresses: tuple[str, ...]
    port: int = 25
    transport: Transport = Transport.SMTP
    tls: TLSPolicy = TLSPolicy.OPPORTUNISTIC
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """The domain is one of this site."""


@dataclass(frozen=True, slots=True)
class Route:
    """The hosts in the order in which they are tried (RFC 5321 §5.1); there is one at least."""

    key: str  # the same for all letters that go this way
    hops: tuple[NextHop, ...]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """The letter cannot go on: for good (`code` 5yz), or it can be tried later (4yz)."""

    code: int
    status: str  # enhanced status code (RFC 3463)
    text: str

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500


Decision = Local | Route | NoRoute
