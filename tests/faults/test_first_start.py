"""The power fails soon after a first start: the data directory is there, with what was promised."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from posthouse.store.database import FILE
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.unit import Work, run

from .disk import Disk, Remains


def promise() -> Work[None]:
    yield from run("INSERT INTO fact VALUES ('promised', '1')")


@pytest.mark.parametrize("begun_before", [False, True])
def test_attack_61_power_is_lost_after_the_first_promise(
    tmp_path: Path, begun_before: bool
) -> None:
    """Also where an earlier start has made the directories, and ended before it synced them."""
    root = tmp_path / "disk"
    root.mkdir()
    with Disk(root) as disk:
        data = root / "srv" / "mail"
        if begun_before:
            disk.layer.make_directory(data)

        async def main() -> int:
            migrate(data, disk.vfs, disk.layer)
            store = Store(data, disk.vfs)
            try:
                await store.write(promise)
                return disk.position
            finally:
                store.close()

        promised = asyncio.run(main())
        Remains(disk.log).advance(promised).build(tmp_path / "left")
    with closing(apsw.Connection(str(tmp_path / "left" / "srv" / "mail" / FILE))) as left:
        assert left.execute("SELECT value FROM fact WHERE name = 'promised'").fetchall() == [("1",)]
