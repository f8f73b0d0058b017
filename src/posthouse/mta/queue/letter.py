"""A letter on its way into the queue."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.message.summary import Summary
from posthouse.store.contents import Prepared


@dataclass(slots=True)  # not frozen: that would take three times as long, for each letter
class Letter:
    """An accepted letter: its envelope's sender, its content, where it came from."""

    reverse_path: str  # "" is the null reverse-path (RFC 5321 §4.5.5)
    content: Prepared
    source: str  # "192.0.2.1 (mx.example)"
    account: int = 0  # who submitted it; 0: nobody of ours
    body: str = "7BIT"  # BODY= (RFC 6152)
    octets: bytes | None = None  # the whole content, where it is small enough to be at hand
    sent: Summary | None = None  # of the content, where `account` gets a copy in Sent
    needs_copy: bool = False  # without room for that copy the letter is not taken


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of the envelope."""

    forward_path: str  # "ann@example.org", as the envelope has it
    domain: str  # of the path; what is for one of another site is leased by it
    account: int = 0  # whose mailbox; 0: not of this site
    original: str = ""  # the address of RCPT, where an alias led from it to this one
    full: bool = False  # the account keeps as much as it may
    limited: bool = False  # the account may not keep any number of octets
