"""Delivery status notifications (RFC 3464) as multipart/report (RFC 6522).

What became of a letter, told three times: in words, in fields for programs, and by the letter
itself, whole or its header alone. Everything that other sites and senders wrote is escaped: a
field is one field, and a text shows no controls.
"""

from __future__ import annotations

import binascii
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from posthouse.message.dates import format_date
from posthouse.message.downgrade import Unconvertible, quoted_printable, to_seven_bit
from posthouse.message.encodings import decode_words, encode_words
from posthouse.message.header import CRLF, Header, format_field

from .advice import advice

TEXT_LIMIT = 1000  # characters of what a peer said
SUBJECT_LIMIT = 120
WIDTH = 72
WORD_LIMIT = 500  # octets; a line, which is folded at spaces, has 998 at most (RFC 5322 §2.1.1)

_status = re.compile(r"[245]\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2})").fullmatch
_message_id = re.compile(rb"<[!-;=?-~]{1,900}>").fullmatch
_long_words = re.compile(rf"(\S{{{WORD_LIMIT}}})(?=\S)").sub


class Action(StrEnum):
    """§2.3.3"""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """What became of the letter for one recipient (§2.3)."""

    final: str  # the address as this site accepted it (§2.3.2)
    action: Action
    status: str  # enhanced status code (RFC 3463); what is none becomes x.0.0
    reason: str = ""  # what happened, in our words
    remote: str = ""  # the MTA that said so; empty where none was involved (§2.3.5)
    reply: str = ""  # its words
    original: str = ""  # as the sender gave it, where the envelope said so (§2.3.1)
    tried: int = 0  # time of the last try; 0: there was none
    retry_until: int = 0  # of a delayed one


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One notification, about one letter."""

    hostname: str  # of the reporting MTA
    sender: str  # the reverse-path that it goes to
    time: float
    message_id: str  # of the notification: `<...>`
    name: str  # queue id of the letter
    received: int
    recipients: Sequence[RecipientStatus]
    header: bytes = b""  # of the letter; empty: it is not returned
    content: bytes | None = None  # all of it, where it is to be returned whole if it can be


def compose(report: DeliveryReport) -> bytes:
    """The notification as content, of ASCII but for the address of the sender."""
    parts = [_explanation(report), _delivery_status(report), *_returned(report)]
    boundary = _boundary(report.message_id, parts)
    delimiter = b"\r\n--" + boundary
    return b"".join(
        [
            *_top(report, boundary.decode()),
            CRLF,
            b"This is a report in MIME format (RFC 6522).\r\n",
            *(delimiter + CRLF + part for part in parts),
            delimiter + b"--\r\n",
        ]
    )


def _top(report: DeliveryReport, boundary: str) -> Iterator[bytes]:
    letter = Header(report.header)
    delayed = all(each.action is Action.DELAYED for each in report.recipients)
    failed = any(each.action is Action.FAILED for each in report.recipients)
    about = "Delayed" if delayed else "Not delivered" if failed else "Delivery report"
    subject = _subject(report.header)
    yield format_field("Date", format_date(report.time))
    yield format_field("From", f"Mail delivery <postmaster@{report.hostname}>")
    yield format_field("To", f"<{report.sender}>")
    yield format_field("Subject", encode_words(f"{about}: {subject}" if subject else about))
    yield format_field("Message-ID", report.message_id)
    answered = (letter.get(b"message-id") or b"").strip()
    if _message_id(answered) is not None:
        yield format_field("In-Reply-To", answered)
        yield format_field("References", answered)
    yield format_field("Auto-Submitted", "auto-replied")  # RFC 3834 §3.1.7
    yield format_field("MIME-Version", "1.0")
    yield b'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="'
    yield f'{boundary}"\r\n'.encode()


def _subject(header: bytes) -> str:
    return decode_words(Header(header).get(b"subject") or b"").strip()[:SUBJECT_LIMIT]


def _boundary(message_id: str, parts: Sequence[bytes]) -> bytes:
    """What stands in no part. Parts hold what others wrote, so it is looked for."""
    seed = binascii.hexlify(message_id.encode("utf-8", "replace")[1:17])
    number = 0
    while True:
        boundary = b"=_report_%d_%b" % (number, seed)
        if not any(boundary in part for part in parts):
            return boundary
        number += 1


# In words


def _explanation(report: DeliveryReport) -> bytes:
    text = "\r\n".join(_lines(report)) + "\r\n"
    if text.isascii():
        return b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + text.encode()
    return (
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quoted_printable(text.encode("utf-8", "replace"))
    )


_OPENINGS = {
    Action.FAILED: "Your message was not delivered to:",
    Action.DELAYED: "Your message has not been delivered yet to:",
    Action.DELIVERED: "Your message was delivered to:",
    Action.RELAYED: "Your message was handed on, to a site that may report no further, for:",
    Action.EXPANDED: "Your message was handed on to those who stand behind:",
}


def _lines(report: DeliveryReport) -> Iterator[str]:
    yield f"This is the mail server {report.hostname}."
    for action, opening in _OPENINGS.items():
        concerned = [each for each in report.recipients if each.action is action]
        if not concerned:
            continue
        yield ""
        yield from textwrap.wrap(opening, WIDTH)
        for each in concerned:
            yield ""
            yield from _story(each)
    yield ""
    subject = _shown(_subject(report.header))
    about = f'It is about "{subject}", a message that' if subject else "It is a message that"
    yield from textwrap.wrap(
        f"{about} came here on {format_date(report.received)} and is known here as {report.name}."
        f" If you need help, write to postmaster@{report.hostname} and send this report along.",
        WIDTH,
    )


def _story(each: RecipientStatus) -> Iterator[str]:
    """One recipient: what happened, what the other side said, what to do."""
    yield f"  <{_shown(each.final)}>"
    if each.reason:
        yield from _indented(_shown(each.reason))
    if each.reply:
        who = f"The server {_shown(each.remote)} said:" if each.remote else "The answer was:"
        yield from _indented(who)
        yield from _indented(f'"{_shown(each.reply)}"', "      ")
    if each.action is Action.DELAYED:
        until = f" until {format_date(each.retry_until)}" if each.retry_until else ""
        yield from _indented(
            f"It will be tried again{until}. You need not do anything now: do not send it again."
        )
    elif each.action is Action.FAILED:
        yield from _indented(advice(each.status))


def _indented(text: str, indent: str = "    ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _shown(text: str) -> str:
    """What a stranger wrote, on one line and without controls or marks that turn the text."""
    text = " ".join(text[:TEXT_LIMIT].split())
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


# For programs


def _delivery_status(report: DeliveryReport) -> bytes:
    """message/delivery-status (§2.1): groups of fields, each after a blank line."""
    groups = [_group(_per_message(report))]
    groups += [_group(_per_recipient(each)) for each in report.recipients]
    return b"Content-Type: message/delivery-status\r\n\r\n" + CRLF.join(groups)


def _group(fields: Iterator[tuple[str, str]]) -> bytes:
    return b"".join(format_field(name, value) for name, value in fields)


def _per_message(report: DeliveryReport) -> Iterator[tuple[str, str]]:
    """§2.2"""
    yield "Reporting-MTA", f"dns; {_ascii(report.hostname)}"
    yield "Arrival-Date", format_date(report.received)
    yield "X-Posthouse-Queue-ID", _ascii(report.name)


def _per_recipient(each: RecipientStatus) -> Iterator[tuple[str, str]]:
    """§2.3"""
    if each.original:
        yield "Original-Recipient", _typed_address(each.original)
    yield "Final-Recipient", _typed_address(each.final)
    yield "Action", each.action
    yield "Status", status_code(each.status, each.action)
    if each.remote:
        yield "Remote-MTA", f"dns; {_ascii(each.remote)}"
    if each.reply:
        yield "Diagnostic-Code", "smtp; " + _long_words(r"\1 ", _ascii(each.reply))
    if each.tried:
        yield "Last-Attempt-Date", format_date(each.tried)
    if each.retry_until and each.action is Action.DELAYED:
        yield "Will-Retry-Until", format_date(each.retry_until)


def status_code(status: str, action: Action) -> str:
    """§2.3.4; in place of what is none, the class that the action has."""
    if _status(status) is not None:
        return status
    return {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0"}.get(action, "2.0.0")


def _typed_address(address: str) -> str:
    """address-type ";" generic-address (§2.1.2); utf-8-addr-xtext for the others (RFC 6533 §3)."""
    if address.isascii():
        return f"rfc822; {_ascii(address)}"
    return "utf-8; " + "".join(
        c if "!" <= c <= "~" and c not in "\\+=" else f"\\x{{{ord(c):02X}}}"
        for c in address[:TEXT_LIMIT]
    )


def _ascii(text: str) -> str:
    return _shown(text).encode("ascii", "backslashreplace").decode()


# The letter


def _returned(report: DeliveryReport) -> Iterator[bytes]:
    """RFC 6522 §3: in seven bits, so that every next hop takes it; else the header alone."""
    if report.content is not None:
        try:
            content = to_seven_bit(report.content)
        except Unconvertible:
            pass
        else:
            yield b"Content-Type: message/rfc822\r\n\r\n" + content
            return
    if report.header:
        yield _headers(report.header)


def _headers(header: bytes) -> bytes:
    """RFC 6522 §4: text/rfc822-headers, in quoted-printable where it is not of ASCII."""
    kind = b"Content-Type: text/rfc822-headers\r\n"
    header = header.removesuffix(CRLF)
    if header.isascii():
        return kind + CRLF + header
    encoding = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    return kind + encoding + quoted_printable(header)
