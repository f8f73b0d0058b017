"""Connections to other hosts: the same driver the other way round.

    connection = await connect(destination, service, census)

The service's `begin` gives engine and agent, as for connections that come in. An agent is told of
the end of the connection by `closed`, as ever. A handshake that fails is Failed at `start_tls`.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from posthouse.protocols.dialogue import Failed

from .census import HANDSHAKE, Census
from .connection import Connection
from .service import Service

CONNECT = 30.0  # seconds
BLOCK = 180.0  # seconds (RFC 5321 §4.5.3.2.5)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to, and for how long to wait there."""

    address: str  # an IP address
    port: int
    server_name: str = ""  # SNI, and the name that a certificate has to prove
    local_address: str = ""  # to come from
    within: float = CONNECT  # for the connection
    block: float = BLOCK  # that the peer may leave unread what it is sent


class Outgoing(Connection):
    """One connection that this host has made."""

    def __init__(self, service: Service, census: Census, destination: Destination) -> None:
        super().__init__(service, census)
        self._destination = destination

    def pause_writing(self) -> None:
        """What is sent waits for the peer to read it."""
        self._unread = True
        self._set_deadline(self._destination.block)

    async def _handshake(self) -> asyncio.Transport | None:
        assert self._service.tls is not None, "TLS was asked for without a context"
        return await self._loop.start_tls(
            self._transport,
            self,
            self._service.tls,
            server_hostname=self._destination.server_name or self._destination.address,
            ssl_handshake_timeout=HANDSHAKE,
        )

    def _handshake_failed(self, error: Exception) -> None:
        if not self._admitted:
            return
        self._upgrading = False
        self._engine.fail(Failed(reason_of(error)))
        self._pump()
        self._transport.abort()
        # The transport has another protocol by now, and will not tell this one.
        self.connection_lost(error)


async def connect(destination: Destination, service: Service, census: Census) -> Outgoing:
    """Connect, and have engine and agent begin. Raises OSError, TimeoutError, ssl.SSLError."""
    async with asyncio.timeout(destination.within):
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Outgoing(service, census, destination),
            destination.address,
            destination.port,
            ssl=service.tls if service.tls_from_start else None,
            server_hostname=(
                destination.server_name or destination.address if service.tls_from_start else None
            ),
            local_addr=(destination.local_address, 0) if destination.local_address else None,
        )
    return connection


def client_context(verify: bool, authorities: str = "") -> ssl.SSLContext:
    """For connections to other hosts. Without `verify`, any certificate will do (RFC 7435).

    `authorities` is a PEM file of those who are trusted, in place of the system's.
    """
    context = ssl.create_default_context(cafile=authorities or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def reason_of(error: Exception) -> str:
    """A failed handshake in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    return str(error) or type(error).__name__
