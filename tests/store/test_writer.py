"""The writer, whatever those do who hear of what it has written."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
