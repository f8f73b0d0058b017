"""Work that takes long is asked about again and again, and done once."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.protocols.imap.events import GoOn, Unfinished
from posthouse.store.serve import unfinished
from posthouse.store.serve.unfinished import LongWork


def test_it_is_unfinished_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 0.001)

    async def main() -> None:
        may_end, its = asyncio.Event(), LongWork()

        async def work() -> str:
            await may_end.wait()
            return "done"

        assert await its.of(work()) == Unfinished()
        assert await its.go_on(GoOn()) == Unfinished()
        may_end.set()
        answer: object = Unfinished()
        while answer == Unfinished():
            answer = await its.go_on(GoOn())
        assert answer == "done"

    asyncio.run(asyncio.wait_for(main(), 20))


def test_what_fails_has_failed_for_who_asks() -> None:
    async def main() -> None:
        async def work() -> None:
            raise OSError("no more")

        with pytest.raises(OSError, match="no more"):
            await LongWork().of(work())

    asyncio.run(main())


def test_who_goes_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 0.001)

    async def main() -> None:
        ended, its = asyncio.Event(), LongWork()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        assert await its.of(work()) == Unfinished()
        its.end()
        await ended.wait()

    asyncio.run(asyncio.wait_for(main(), 20))
