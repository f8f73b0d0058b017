"""The writer, whatever those do who hear of what it has written."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from posthouse.store import writer
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.unit import Unit, Work, run, tell


def note(name: str) -> Unit[None]:
    def unit() -> Work[None]:
        yield from run("INSERT INTO fact (name, value) VALUES (?1, '')", name)
        yield from tell("notes", 1, 1)

    return unit


def test_a_listener_that_fails_does_not_stop_the_writer(tmp_path: Path) -> None:
    migrate(tmp_path)

    async def main() -> None:
        store = Store(tmp_path)
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: failures.append(context.get("exception"))
        )

        def fail(_key: int, _value: int) -> None:
            raise OSError("no descriptors left")

        store.listen("notes", fail)
        try:
            async with asyncio.timeout(10):
                await store.write(note("first"))
                await store.write(note("second"))
        finally:
            store.close()
        assert failures

    asyncio.run(main())


def committing_threads(directory: Path, rounds: list[int]) -> list[int]:
    """Which thread committed each group; a round submits so many units at once."""
    migrate(directory)
    committed: list[int] = []

    async def main() -> None:
        made = writer.Writer(
            directory,
            asyncio.get_running_loop(),
            lambda _told: None,
            lambda _pages: committed.append(threading.get_ident()),
        )
        name = 0
        try:
            async with asyncio.timeout(20):
                for units in rounds:
                    waiting = [made.submit(note(f"{name + unit}")) for unit in range(units)]
                    name += units
                    await asyncio.gather(*waiting)
        finally:
            made.close()

    asyncio.run(main())
    return committed


def test_units_that_come_alone_are_committed_on_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "QUICK", 10.0)
    committed = committing_threads(tmp_path, [1] * 10)
    here = threading.get_ident()
    assert [thread == here for thread in committed] == [False] * 3 + [True] * 7


def test_units_that_come_together_are_committed_by_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "QUICK", 10.0)
    committed = committing_threads(tmp_path, [1] * 5 + [2] + [1] * 3)
    here = threading.get_ident()
    assert [thread == here for thread in committed[3:]] == [True] * 2 + [False] * 4


def test_a_slow_disk_never_holds_up_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "QUICK", 0.0)
    assert threading.get_ident() not in committing_threads(tmp_path, [1] * 10)


def test_a_store_that_cannot_be_checkpointed_does_not_start(tmp_path: Path) -> None:
    """Else its log would grow until no mail is taken, and nobody would know why."""
    migrate(tmp_path)
    (tmp_path / "checkpoint.lock").mkdir()

    async def main() -> None:
        Store(tmp_path)

    with pytest.raises(IsADirectoryError):
        asyncio.run(main())
