"""What TLS has decrypted, on its way to a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection


class Decrypted(asyncio.BufferedProtocol):
    """Between TLS and a connection: takes what is decrypted out of a block that all share.

    A protocol that is given octets has a new block made for each of them, as large as any may be.
    """

    __slots__ = ("__weakref__", "_block", "_connection")

    def __init__(self, connection: Connection, block: memoryview) -> None:
        self._connection = connection
        self._block = block

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connection.connection_made(transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._block  # loops take slices of it, which have to be views

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.data_received(bytes(self._block[:nbytes]))

    def eof_received(self) -> bool:
        return self._connection.eof_received()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)
