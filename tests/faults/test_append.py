"""A large message comes by APPEND, and the disk fails just when it is committed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from posthouse.protocols.imap import events
from posthouse.store.contents import ROW
from posthouse.store.database import StoreUnavailable
from posthouse.store.migrate import migrate
from tests.store.test_imap_agent import House, append, one_account

from .checks import open_found
from .disk import Disk, Remains

LARGE = ROW + 1


def test_a_row_without_a_file_is_never_found(tmp_path: Path) -> None:
    """What the failed commit has left in the log may be taken for committed by the next start."""
    directory = tmp_path / "run"
    directory.mkdir()
    failed, end = False, list[int]()

    def fault(kind: str, name: str) -> None:
        nonlocal failed
        failed = failed or (kind == "sync" and name.endswith("-wal"))
        if failed and name.endswith("-wal"):
            raise OSError(errno.EIO, "the test's", name)

    async def main() -> None:
        house = House(directory, disk=disk)
        await house.store.write(one_account)
        agent = await house.session()
        assert isinstance(await append(agent, LARGE), events.Appended)
        disk.fault = fault
        with pytest.raises(StoreUnavailable):
            await append(agent, LARGE)
        await asyncio.sleep(0)
        agent.closed()
        end.append(disk.position)
        with contextlib.suppress(apsw.Error):
            house.store.close()

    with Disk(directory) as disk:
        migrate(directory, disk.vfs)
        asyncio.run(main())
    back = tmp_path / "back"
    Remains(disk.log, drops=False).advance(end[0]).build(back, random.Random(0), 1.0)
    found = open_found(back)
    with closing(found.connection):
        files = [file for (file,) in found.rows("SELECT file FROM content")]
    assert len(files) == 2  # the second one, too
    assert all((back / "blobs" / file[:2] / file).exists() for file in files)
