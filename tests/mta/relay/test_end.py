"""The relay ends when it is told to, whatever happens at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from posthouse.mta.queue.schedule import Schedule
from posthouse.mta.queue.units import NEW, TOPIC
from posthouse.mta.relay.relay import Relay, Settings
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.store import Store

from ..queue.site import NOON, found


@pytest.mark.parametrize("turns", range(4))
def test_it_ends_while_it_hears_of_a_letter(tmp_path: Path, turns: int) -> None:
    """So many turns of the loop lie between the news and the end."""
    idle: Any = SimpleNamespace(schedule=Schedule())  # nothing is due, nothing is told

    async def work() -> None:
        store = Store(tmp_path)
        blobs = BlobFiles(tmp_path)
        relay = Relay(
            store, blobs, idle, idle, lambda: "w0", lambda: NOON, float, Settings("a"), idle
        )
        running = asyncio.ensure_future(relay.run())
        for _ in range(5):
            await asyncio.sleep(0)
        store.hear(TOPIC, NEW, 0)
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running}, timeout=5)
        assert running.cancelled()
        await relay.stop(1)
        store.close()

    found(tmp_path).close()
    asyncio.run(work())
