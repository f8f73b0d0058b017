"""Trace fields (RFC 5321 §4.4, RFC 3848): Received, Return-Path, Delivered-To."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from posthouse.message.address import Address, format_literal, parse_domain
from posthouse.message.dates import format_date

_unsafe = re.compile(r"[^!-'*-\[\]-~]+")  # all but what may stand in a comment as it is
_atom = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+").fullmatch
_NAME_LIMIT = 255  # octets of what the client called itself


@dataclass(slots=True)  # one for each letter: not frozen, which would take three times as long
class Reception:
    """How a message came in."""

    client_name: str  # what EHLO or HELO said
    client_address: str  # its IP address, empty if it came by no network
    server_name: str
    protocol: str  # `with_keyword`
    id: str
    time: float  # seconds since 1970
    zone: int = 0  # minutes east of UTC
    recipient: Address | None = None  # only when there is one (§7.2)
    tls: str = ""  # version and cipher


def with_keyword(
    *,
    extended: bool = True,
    tls: bool = False,
    authenticated: bool = False,
    lmtp: bool = False,
) -> str:
    """The protocol for the WITH clause (RFC 3848 §1)."""
    if not extended and not lmtp:
        return "SMTP"
    name = "LMTP" if lmtp else "ESMTP"
    return name + "S" * tls + "A" * authenticated


def format_received(reception: Reception) -> bytes:
    """The Received field, one clause a line (§4.4, Stamp)."""
    client = _extended_domain(reception.client_name, reception.client_address)
    lines = [
        f"Received: from {client}",
        f"by {reception.server_name} with {reception.protocol} id {_id(reception.id)}",
    ]
    if reception.tls:
        lines.append(f"({_clean(reception.tls)})")
    if reception.recipient is not None:
        lines.append(f"for <{reception.recipient}>")
    lines[-1] += ";"
    lines.append(format_date(reception.time, reception.zone))
    return "\r\n\t".join(lines).encode("utf-8", "replace") + b"\r\n"


def format_delivery(reverse_path: str, forward_path: str) -> bytes:
    """The fields on top of a delivered copy: Return-Path (§4.4), and Delivered-To, by which a
    delivery that loops is known (RFC 9228).
    """
    fields = f"Return-Path: <{reverse_path}>\r\nDelivered-To: {forward_path}\r\n"
    return fields.encode("utf-8", "replace")


@lru_cache(256)  # a client says its name once and brings many letters
def _extended_domain(client_name: str, client_address: str) -> str:
    """Extended-Domain (§4.4). A client that gave no proper name is named by its address."""
    try:
        name = parse_domain(client_name)
    except ValueError:
        name = ""
    if not client_address:
        return name or "localhost"
    literal = format_literal(client_address)
    if name:
        return f"{name} ({literal})"
    claimed = _clean(client_name[:_NAME_LIMIT])
    return f"{literal} ({claimed or 'no name'})"


def _id(text: str) -> str:
    return text if _atom(text) is not None else "unknown"


def _clean(text: str) -> str:
    """What a stranger or a library said, fit for a comment."""
    return _unsafe.sub(" ", text).strip()
