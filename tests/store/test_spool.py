"""Content that is abandoned at any time leaves nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from pathlib import Path

import pytest

from posthouse.store.blobs.files import TOGETHER, BlobFiles, FileLayer
from posthouse.store.contents import ROW
from posthouse.store.spool import Spool


class SlowDisk(FileLayer):
    """Syncs when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let = threading.Event()
        self.closed: list[int] = []

    def sync(self, descriptor: int) -> None:
        self.asked.set()
        assert self.let.wait(10)
        super().sync(descriptor)

    def close(self, descriptor: int) -> None:
        assert not (self.asked.is_set() and not self.let.is_set()), "closed under the thread"
        super().close(descriptor)


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_while_a_thread_finishes_it(tmp_path: Path) -> None:
    disk = SlowDisk()

    async def main() -> None:
        spool = Spool(BlobFiles(tmp_path, disk))
        spool.write(b"x" * (ROW + 1))
        finishing = asyncio.create_task(spool.finish())
        assert await asyncio.to_thread(disk.asked.wait, 10)
        finishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finishing
        spool.abandon()
        assert files(tmp_path)
        disk.let.set()
        async with asyncio.timeout(10):
            while files(tmp_path):  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.01)

    asyncio.run(main())


@pytest.mark.parametrize("size", [10, ROW + 1])
def test_what_was_abandoned_is_not_finished(size: int, tmp_path: Path) -> None:
    """A letter would be empty otherwise."""

    async def main() -> None:
        spool = Spool(BlobFiles(tmp_path))
        spool.write(b"x" * size)
        spool.abandon()
        with pytest.raises(OSError, match="abandoned"):
            await spool.finish()
        assert not files(tmp_path)

    asyncio.run(main())


def test_after_it_is_whole(tmp_path: Path) -> None:
    async def main() -> None:
        spool = Spool(BlobFiles(tmp_path))
        spool.write(b"x" * (ROW + 1))
        await spool.finish()
        assert len(files(tmp_path)) == 1
        spool.abandon()
        spool.abandon()
        assert not files(tmp_path)

    asyncio.run(main())


def test_files_lie_together_and_their_folders_are_synced_with_them(tmp_path: Path) -> None:
    """A folder's own name once, the names in it with each file."""
    synced: list[Path] = []

    class Noting(FileLayer):
        def sync_directory(self, path: Path, descriptor: int | None = None) -> None:
            if descriptor is not None:
                assert os.path.samestat(os.fstat(descriptor), path.stat())
            super().sync_directory(path, descriptor)
            synced.append(path)

    blobs = BlobFiles(tmp_path, Noting())
    names = []
    for _ in range(2 * TOGETHER):
        writer = blobs.begin()
        writer.write(b"x")
        names.append(writer.finish())
    assert [blobs.read_all(name) for name in names] == [b"x"] * len(names)
    folders = [name[:2] for name in names]
    assert len(set(folders[:TOGETHER])) == len(set(folders[TOGETHER:])) == 1
    top = tmp_path / "blobs"
    expected = [tmp_path]
    for number, folder in enumerate(folders):
        expected.append(top / folder)
        if number % TOGETHER == 0:
            expected.append(top)
    assert synced == expected


def test_a_folder_that_takes_no_file_is_left(tmp_path: Path) -> None:
    blobs = BlobFiles(tmp_path)
    first = blobs.begin()
    first.abandon()
    shutil.rmtree(tmp_path / "blobs" / first.name[:2])
    with pytest.raises(FileNotFoundError):
        blobs.begin()
    writer = blobs.begin()
    writer.write(b"x")
    assert blobs.read_all(writer.finish()) == b"x"
