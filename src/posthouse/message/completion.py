"""Completing a submitted message (RFC 6409 §8): Date, Message-ID, Sender; and Bcc taken out.

All of it works on the header section alone: the content may be large. No clock and no chance
here: the date and the new identifier are given.
"""

from __future__ import annotations

import re

from posthouse.message.address import Address, canonical
from posthouse.message.addresses import parse_address_list
from posthouse.message.dates import format_date, parse_date
from posthouse.message.header import CRLF, Header, format_field, unfold
from posthouse.message.parameter import without_comments

# msg-id (RFC 5322 §3.6.4), leniently: what other programs can refer to.
_message_id = re.compile(rb"<[!-;=?-~\x80-\xff]{1,990}>").fullmatch
_first_line_is_field = re.compile(rb"[!-9;-~]+[ \t]*:").match


def has_date(header: Header) -> bool:
    """Whether there is a Date that can be read (§8.2)."""
    value = header.get(b"date")
    return value is not None and parse_date(unfold(value)) is not None


def has_message_id(header: Header) -> bool:
    """Whether there is a Message-ID of valid syntax (§8.3)."""
    value = unfold(header.get(b"message-id") or b"")
    return any(map(_message_id, (value, without_comments(value).strip())))


def has_author(header: Header) -> bool:
    """Whether a From field names someone (RFC 5322 §3.6.2)."""
    return bool(authors(header))


def authors(header: Header) -> list[tuple[bytes, bytes]]:
    """The (local part, domain) of every address of the From fields."""
    return [
        (entry.mailbox, entry.host)
        for value in header.get_all(b"from")
        for entry in parse_address_list(value)
        if entry.mailbox is not None and entry.host is not None
    ]


def complete_date(header: Header, time: float, zone: int = 0) -> Header:
    """With a Date; one that cannot be read is replaced."""
    if has_date(header):
        return header
    return _replace(header, b"date", "Date", format_date(time, zone))


def complete_message_id(header: Header, message_id: str) -> Header:
    """With a Message-ID, `<...>`; one that is not valid is replaced."""
    if has_message_id(header):
        return header
    return _replace(header, b"message-id", "Message-ID", message_id)


def complete_sender(header: Header, sender: Address) -> Header:
    """With the Sender that was authenticated, unless From is this address alone (§8.1)."""
    named = authors(header)
    if len(named) == 1 and _is(named[0], sender):
        return header
    return _replace(header, b"sender", "Sender", str(sender))


def complete_author(header: Header, author: Address) -> Header:
    """With a From, for a message that names no author."""
    return header if has_author(header) else _replace(header, b"from", "From", str(author))


def strip_bcc(header: Header) -> Header:
    """Without Bcc and Resent-Bcc (RFC 5322 §3.6.3): the envelope alone has these recipients."""
    names = (b"bcc", b"resent-bcc")
    return Header(header.without(names)) if any(header.count(name) for name in names) else header


def complete(
    header: bytes,
    *,
    time: float,
    message_id: str,
    sender: Address | None = None,
    without_bcc: bool = True,
    zone: int = 0,
) -> bytes:
    """The header section of a message fit to be relayed; the same octets if nothing lacks.

    A content without any header gets one of its own, before what is then its body.
    """
    body = b""
    if _first_line_is_field(header) is None:
        header, body = CRLF, header.removeprefix(CRLF)
    completed = Header(header)
    if without_bcc:
        completed = strip_bcc(completed)
    completed = complete_message_id(completed, message_id)
    completed = complete_date(completed, time, zone)
    if sender is not None:
        completed = complete_author(completed, sender)
        completed = complete_sender(completed, sender)
    return completed.octets + body


def _replace(header: Header, name: bytes, written: str, value: str) -> Header:
    if header.count(name):
        header = Header(header.without((name,)))
    return header.prepend(format_field(written, value))


def _is(author: tuple[bytes, bytes], address: Address) -> bool:
    """Whether an address of the header is this one."""
    local_part, domain = author
    text = f"{local_part.decode('utf-8', 'replace')}@{domain.decode('utf-8', 'replace')}"
    try:
        return canonical(text) == canonical(address)
    except ValueError:
        return False
