"""All connections of a worker, and how many there may be."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .service import Log

HANDSHAKE = 60.0  # seconds for a TLS handshake
BLOCK = 64 * 1024  # octets that are decrypted at once
OTHER_FILES = 200  # descriptors of a worker that are not of its peers


def room_for(connections: int, outgoing: int) -> int:
    """So many connections, or fewer, so that descriptors are left for those to other sites."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return connections
    return min(connections, max(files - outgoing - OTHER_FILES, files // 2))


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a worker serves, and how long a TLS handshake may take."""

    connections: int = 10_000
    connections_per_network: int = 1_000
    handshake: float = HANDSHAKE


class Counted(Protocol):
    """What a worker has of a peer: a connection, or what becomes one."""

    @property
    def held(self) -> int:
        """Octets that are kept in memory for it."""

    def finish(self) -> None:
        """End with what runs."""

    def abort(self) -> None:
        """End now."""


class Census:
    """All connections of a worker."""

    def __init__(self, limits: Limits, log: Log) -> None:
        self.limits = limits
        self.log = log
        self.connections: set[Counted] = set()
        self.finishing = False
        self.short_of_memory = False
        #: Where the loop decrypts into, for one connection at a time
        self.block = memoryview(bytearray(BLOCK))
        self._networks: dict[str, int] = {}
        self._empty: asyncio.Future[None] | None = None

    def admit(self, connection: Counted, network: str) -> bool:
        """Count a connection, unless there are too many, or no memory for it."""
        here = self._networks.get(network, 0)
        if (
            self.finishing
            or self.short_of_memory
            or len(self.connections) >= self.limits.connections
            or here >= self.limits.connections_per_network
        ):
            return False
        self._networks[network] = here + 1
        self.connections.add(connection)
        return True

    def forget(self, connection: Counted, network: str) -> None:
        """The connection has ended."""
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        here = self._networks.pop(network) - 1
        if here:
            self._networks[network] = here
        if self._empty is not None and not self.connections and not self._empty.done():
            self._empty.set_result(None)

    async def finish(self, within: float) -> None:
        """Let every session end with its next command; after `within` seconds, drop the rest."""
        self.finishing = True
        for connection in tuple(self.connections):
            connection.finish()
        if self.connections:
            self._empty = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._empty], timeout=within)
        for connection in tuple(self.connections):
            connection.abort()
