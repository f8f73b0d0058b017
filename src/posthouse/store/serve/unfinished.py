"""Work that may take long: from time to time the client is told that it goes on (RFC 9585)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from posthouse.protocols.imap.events import GoOn, Unfinished

EVERY = 10.0  # seconds (§4: 10 to 15)


class LongWork:
    """For one connection, which asks one question at a time."""

    def __init__(self) -> None:
        self._work: asyncio.Future[object] | None = None

    async def of(self, work: Awaitable[object]) -> object:
        """The answer, or `Unfinished`."""
        self._work = asyncio.ensure_future(work)
        return await self._wait(self._work)

    async def go_on(self, _: GoOn) -> object:
        assert self._work is not None, "there is no work"
        return await self._wait(self._work)

    async def _wait(self, work: asyncio.Future[object]) -> object:
        await asyncio.wait({work}, timeout=EVERY)
        if not work.done():
            return Unfinished()
        self._work = None
        return work.result()

    def end(self) -> None:
        """Nobody waits any more; what is with the writer already is completed all the same."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
