"""What keeps a worker's work going."""

from __future__ import annotations

import asyncio

import pytest

from posthouse import main
from posthouse.runtime.log import open_log


def test_what_fails_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "AGAIN", 0.0)
    lines: list[bytes] = []

    async def work() -> None:
        begun = asyncio.Event()
        runs = 0

        async def run() -> None:
            nonlocal runs
            runs += 1
            if runs < 3:
                raise OSError(24, "Too many open files")
            begun.set()
            await asyncio.Event().wait()

        kept = asyncio.create_task(main.keep("sweeper", run, open_log(write=lines.append)))
        async with asyncio.timeout(20):
            await begun.wait()
        kept.cancel()
        await asyncio.wait([kept])
        assert kept.cancelled()

    asyncio.run(work())
    assert len(lines) == 2
    assert all(b"what=sweeper" in line and b"Too many open files" in line for line in lines)
