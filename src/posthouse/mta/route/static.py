"""Routes of the settings, `[routes]`: to a named server, whatever the DNS says of the domain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from posthouse.message.address import format_literal, parse_domain

from .hop import Credentials, TLSPolicy, Transport

PORTS = {Transport.SMTP: 25, Transport.LMTP: 24}
PASSWORD_LIMIT = 1024  # octets

_to = re.compile(
    r"(?:(?P<transport>smtp|lmtp):)?"
    r"(?:\[(?P<literal>[^\[\]]{1,64})\]|(?P<host>[^\[\]:\s]{1,255}))"
    r"(?::(?P<port>[0-9]{1,5}))?"
).fullmatch


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """One route of the settings."""

    host: str  # a name, or an address literal
    port: int
    transport: Transport = Transport.SMTP
    tls: TLSPolicy = TLSPolicy.OPPORTUNISTIC
    credentials: Credentials | None = None

    @property
    def key(self) -> str:
        """`smtp:mail.example.net:587`: no domain looks like that, so no domain's key does."""
        return f"{self.transport.value}:{self.host}:{self.port}"


def static_route(
    to: str,
    tls: TLSPolicy = TLSPolicy.OPPORTUNISTIC,
    credentials: Credentials | None = None,
) -> StaticRoute:
    """`[smtp:|lmtp:]host[:port]`, an IPv6 address in brackets. Raises ValueError."""
    found = _to(to)
    if found is None:
        raise ValueError(f"{to!r} is not host:port, smtp:host:port or lmtp:host:port")
    transport = Transport(found["transport"] or "smtp")
    port = int(found["port"] or PORTS[transport])
    if not 0 < port < 65536:
        raise ValueError(f"{to!r} has no port that exists")
    if credentials is not None and tls.may_fail:
        raise ValueError("a password needs TLS: required or verify")
    return StaticRoute(_host(found["literal"], found["host"]), port, transport, tls, credentials)


def _host(literal: str | None, host: str | None) -> str:
    if host is None or re.fullmatch(r"[0-9.]+", host):
        return parse_domain(format_literal(literal or host or ""))
    return parse_domain(host, smtputf8=True)


def read_credentials(user: str, path: Path) -> Credentials:
    """With the password of a file: its first line. Raises OSError, ValueError."""
    with path.open("rb") as file:
        octets = file.read(PASSWORD_LIMIT + 1)
    password = octets.partition(b"\n")[0].removesuffix(b"\r")
    if not 0 < len(password) <= PASSWORD_LIMIT:
        raise ValueError(f"{path} has no password in its first line")
    try:
        return Credentials(user, password.decode())
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
