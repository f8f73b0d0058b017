"""Settings for how mail is kept, gets into mailboxes and is read by POP3."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from .part import MEBIBYTE, Part, about, octets, seconds


class Storage(Part, frozen=True):
    """Where and how mail is kept."""

    reserve: Annotated[
        int,
        octets(
            "Free space below which new mail is put off with 452 4.3.1, and by IMAP with NO"
            " [UNAVAILABLE].",
            0,
        ),
    ] = 100 * MEBIBYTE
    longest_log: Annotated[
        int,
        octets(
            "Write-ahead log of the database from which new mail is put off in the same way, until"
            " there is room to move it into the database.",
            128 * MEBIBYTE,
        ),
    ] = 1024 * MEBIBYTE
    index_delay: Annotated[
        float,
        seconds(
            "How long new messages wait to be indexed for searches, so that delivery does not"
            " wait. Searches find them meanwhile, but slower."
        ),
    ] = 60.0


class Delivery(Part, frozen=True):
    """Delivery into the mailboxes of accounts."""

    separator: Annotated[
        str,
        Meta(
            description="What divides a user's name from a sub-address, as in ann+lists"
            " (RFC 5233). When it is empty, there are no sub-addresses.",
            max_length=1,
        ),
    ] = "+"
    when_full: Annotated[
        Literal["later", "refuse"],
        about(
            "A letter for an account that keeps as much as it may: have the sender try again"
            " (452 4.2.2), or refuse it (552 5.2.2)."
        ),
    ] = "later"
    literal_domain: Annotated[
        str,
        about(
            "The domain whose addresses are meant by those at an address of this host, as in"
            " ann@[192.0.2.1] (RFC 5321 §4.1.3). Such an address is the one that the client has"
            " connected to, where `smtp` listens, or one of relay.names. When it is empty,"
            " postmaster alone is known there."
        ),
    ] = ""


class Pop3(Part, frozen=True):
    """What those who read by POP3 may do."""

    login_delay: Annotated[
        int,
        Meta(
            description="From a log-in of an account to its next one (RFC 2449 §6.5); 0: at once.",
            ge=0,
            extra={"unit": "seconds"},
        ),
    ] = 0
    login_delay_except: Annotated[
        list[str], about("Addresses of accounts that need not wait between log-ins.")
    ] = field(default_factory=list)
    expire: Annotated[
        str,
        Meta(
            description="After how many days messages are deleted that a client has retrieved by"
            " POP3 and left in INBOX (RFC 2449 §6.7), or `never`; 0: at the end of the session.",
            pattern=r"^(never|[0-9]{1,5})$",
        ),
    ] = "never"
    expire_except: Annotated[
        list[str], about("Addresses of accounts of which nothing is so deleted.")
    ] = field(default_factory=list)
    language: Annotated[
        Literal["en", "de", "es", "fr", "ja", "ru", "zh"],
        about("The language of responses for clients that ask for the preferred one (RFC 6856)."),
    ] = "en"
