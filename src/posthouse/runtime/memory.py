"""The memory of a process: how large blocks are kept, and what is done when there is too much.

The GNU C library learns from the first large block that is freed to take the next ones from the
heap, in between small ones. uvloop keeps a block of 256 kB for each TLS connection, of which little
is ever touched: from the heap it comes with pages that others have used. Beside the heap, it costs
the page that is used.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .census import Census

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
APART_FROM = 256 * 1024  # octets of a block that has pages of its own
FREE_AT_TOP = 1024 * 1024  # octets at the end of the heap that are kept for the next block
SELDOM = 0.5  # seconds between two looks, at most
OFTEN = 0.02  # the same, from half of the most on: a thousand peers fill the rest in a moment
FILLED = 1024**3  # octets in a second: what peers on the same machine can have a process hold
AIM = 0.9  # of the most, at which connections are taken again
LITTLE = 8 * 1024  # octets that a connection may hold without being ended for it
PAGE = os.sysconf("SC_PAGE_SIZE")


def keep_large_blocks_apart() -> None:
    """Once in a process, before it has many blocks; other C libraries have no such setting."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, APART_FROM)
        mallopt(M_TRIM_THRESHOLD, FREE_AT_TOP)


def give_back() -> None:
    """Have the system take what is free in the heap."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def resident() -> int:
    """Octets of this process that are in memory and are no file's."""
    with Path("/proc/self/statm").open("rb", buffering=0) as about:
        _, whole, shared, *_ = about.read(256).split()
    return (int(whole) - int(shared)) * PAGE


class Watchman:
    """Keeps a worker within its memory.

    As long as it has more than it may, it takes no connections, and of those it has it ends the
    ones that hold most: what they have sent and nobody has read, what they do not take, a letter on
    its way in. Those to other hosts are among them: their letters wait for another try. A
    connection that holds little is not ended.
    """

    def __init__(
        self,
        census: Census,
        outgoing: Census,
        most: int,
        used: Callable[[], int] = resident,
    ) -> None:
        self._census = census
        self._outgoing = outgoing
        self._most = most
        self._used = used

    async def run(self) -> None:
        while True:
            used = self.look()
            await asyncio.sleep(self.rest(used))

    def rest(self, used: int) -> float:
        """Seconds until the next look: fewer than it takes to come to half of the most."""
        return min(SELDOM, max(OFTEN, (self._most / 2 - used) / FILLED))

    def look(self) -> int:
        """End connections if it has to be; the octets that were in use."""
        used = self._used()
        aim = self._most * AIM
        census = self._census
        if used <= (aim if census.short_of_memory else self._most):
            census.short_of_memory = False
            return used
        give_back()
        used = self._used()
        if not census.short_of_memory:
            census.log.warning("memory is short", used=used, most=self._most)
        census.short_of_memory = True
        if used > self._most:
            self._end_some(used - aim)
        return used

    def _end_some(self, excess: float) -> None:
        """Those that hold most, until so much is freed."""
        connections = self._census.connections | self._outgoing.connections
        holding = [(each.held, each) for each in connections]
        holding = [one for one in holding if one[0] > LITTLE]
        holding.sort(key=lambda one: one[0], reverse=True)
        ended = 0
        for held, connection in holding:
            if excess <= 0:
                break
            connection.abort()
            excess -= held
            ended += 1
        if ended:
            self._census.log.warning("connections ended for their memory", connections=ended)
