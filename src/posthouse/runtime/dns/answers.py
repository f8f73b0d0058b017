"""What the domain name system says, as data; what it cannot say, as three exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", covariant=True)

NULL_EXCHANGE = "."  # the exchange of a null MX (RFC 7505 §3)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """Records of one kind; there is always one at least."""

    name: str  # where the aliases led to (CNAME); the name asked for, if there were none
    records: tuple[T, ...]
    ttl: float  # seconds
    authenticated: bool = False  # the name server says that DNSSEC proves it (AD, RFC 4035 §3.2.3)


@dataclass(frozen=True, slots=True)
class MailExchanger:
    """An MX record (RFC 1035 §3.3.9); the exchange in lower case, without the last dot."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True)
class TLSAssociation:
    """A TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


class DNSFailure(Exception):
    """There is no answer; the message says why, for logs and reports."""


class NoSuchDomain(DNSFailure):
    """The name does not exist (NXDOMAIN), or no name can look like that."""


class NoData(DNSFailure):
    """The name exists, and has no record of this kind (RFC 2308 §2.2)."""


class Temporary(DNSFailure):
    """It cannot be known now: SERVFAIL, no answer in time, an answer that makes no sense."""
