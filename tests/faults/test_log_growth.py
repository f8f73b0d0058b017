"""The write-ahead log cannot be moved into the database: it is told, and mail is put off."""

from __future__ import annotations

import asyncio
import errno
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from posthouse.store import checkpoint
from posthouse.store.database import FILE
from posthouse.store.space import FRESH, Lack, Space
from posthouse.store.unit import Unit, Work, run

from .disk import Disk
from .house import PATIENCE, open_house

BOUND = 500_000  # octets


def fill(number: int) -> Unit[None]:
    def unit() -> Work[None]:
        yield from run("INSERT INTO fact VALUES (?1, ?2)", f"fill {number}", str(number) * 30_000)

    return unit


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  what changes it is a thread
            await asyncio.sleep(0.001)


def no_room_in_database(kind: str, name: str) -> None:
    """The log can grow, and the database file cannot."""
    if kind == "write" and name.endswith(FILE):
        raise OSError(errno.ENOSPC, "the test's", name)


def test_a_log_that_cannot_be_moved_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once there is room again all goes on by itself, though nobody writes meanwhile."""
    monkeypatch.setattr(checkpoint, "PAGES", 1)
    told: list[str] = []

    async def main() -> None:
        async with open_house(disk) as house:
            house.store.checkpoints = told.append
            seconds = itertools.count(0.0, FRESH)
            space = Space(house.store, disk.root, 0, BOUND, lambda: next(seconds))
            assert space.lack() is None
            disk.fault = no_room_in_database
            for number in range(20):
                await house.store.write(fill(number))
            await until(lambda: told)
            assert space.lack() is Lack.SPACE
            for number in range(20, 25):  # many failures, told once
                await house.store.write(fill(number))
                await until(lambda: house.store._checkpointer.trouble)
            assert len(told) == 1
            disk.fault = None
            await until(lambda: space.lack() is None)
            assert (disk.root / f"{FILE}-wal").stat().st_size == 0
            await until(lambda: len(told) > 1)
            await house.store.write(fill(25))

    with Disk(tmp_path) as disk:
        asyncio.run(main())
    failing, working = told
    assert "Full" in failing
    assert working == ""
