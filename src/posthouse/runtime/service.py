"""What is spoken on a port, with whom, and who answers; what a driver has to know of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Protocol

from posthouse.protocols.dialogue import TLS
from posthouse.protocols.engine import Engine


class Agent(Protocol):
    """Who answers an engine's questions."""

    def ask(self, question: object) -> object:
        """The answer, or an awaitable of it. What it raises becomes Failed in the dialogue."""

    def show(self, event: object) -> None:
        """Something that needs no answer."""

    def closed(self) -> None:
        """The connection has gone; called once."""


class Log(Protocol):
    """One line an event; structlog's loggers are this."""

    def debug(self, event: str, **fields: object) -> object: ...

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...

    def error(self, event: str, **fields: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end."""

    address: str
    port: int
    local_address: str
    local_port: int
    tls: TLS | None  # where the connection is encrypted from its start

    @property
    def is_loopback(self) -> bool:
        return self.address.startswith("127.") or self.address in ("::1", "::ffff:127.0.0.1")


Notify = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class Service:
    """What is spoken on a port."""

    name: str
    begin: Callable[[Peer, Notify], tuple[Engine, Agent]]
    tls: ssl.SSLContext | None = None
    tls_from_start: bool = False
    overloaded: bytes = b""  # the greeting of a server that has too many connections
    apology: bytes = b""  # the last word when something of ours is broken
    welcome: Callable[[str], bool] = lambda _: True  # whether one more may come from an address
    too_often: bytes = b""  # the greeting when it may not


def network_of(address: str) -> str:
    """What is counted as one peer: an IPv4 address, or the IPv6 network that a site gets (/64)."""
    if ":" not in address:
        return address
    number = IPv6Address(address.partition("%")[0])
    return str(number.ipv4_mapped or IPv6Address(number.packed[:8].ljust(16, b"\0")))
