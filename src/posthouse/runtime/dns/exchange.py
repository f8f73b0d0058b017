"""One query and its reply: over UDP, and over TCP where the reply does not fit (RFC 7766 §5).

Each query has a socket of its own, so that a liar has to guess its port and the ID (RFC 5452 §9.2),
and the kernel lets nothing through but from the server that was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast

from .wire import REPLY_LIMIT, Malformed, Query, is_truncated

Server = tuple[str, int]  # an address and a port


async def exchange(server: Server, query: Query) -> bytes:
    """The reply. Raises OSError, EOFError, Malformed; how long it may take, the caller says."""
    reply = await _over_udp(server, query)
    return await _over_tcp(server, query) if is_truncated(reply) else reply


class _Asking(asyncio.DatagramProtocol):
    """Waits for the reply, and lets what is none pass by."""

    def __init__(self, query: Query, reply: asyncio.Future[bytes]) -> None:
        self._query = query
        self._reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.DatagramTransport", transport).sendto(self._query.octets)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self._reply.done() and self._query.is_answered_by(data):
            self._reply.set_result(data)

    def error_received(self, exc: Exception) -> None:
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionAbortedError())

    def _fail(self, error: Exception) -> None:
        if not self._reply.done():
            self._reply.set_exception(error)


async def _over_udp(server: Server, query: Query) -> bytes:
    loop = asyncio.get_running_loop()
    reply: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Asking(query, reply), remote_addr=server
    )
    try:
        return await reply
    finally:
        reply.cancel()  # so that nobody misses what comes now
        transport.close()


async def _over_tcp(server: Server, query: Query) -> bytes:
    """RFC 1035 §4.2.2: each message is preceded by its length in two octets."""
    reader, writer = await asyncio.open_connection(*server, limit=REPLY_LIMIT)
    try:
        writer.write(len(query.octets).to_bytes(2, "big") + query.octets)
        length = int.from_bytes(await reader.readexactly(2), "big")
        if length > REPLY_LIMIT:
            raise Malformed(f"a reply of {length} octets")
        reply = await reader.readexactly(length)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not query.is_answered_by(reply):
        raise Malformed("the reply to another question")
    return reply
