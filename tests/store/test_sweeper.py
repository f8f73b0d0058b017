"""What the sweeper forgets, and what it keeps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from posthouse.message.summary import summarise
from posthouse.runtime.log import open_log
from posthouse.store import sweeper as module
from posthouse.store.blobs.files import ORPHAN, BlobFiles
from posthouse.store.changes import changes_since
from posthouse.store.contents import prepare, prepare_file
from posthouse.store.flags import added, removed
from posthouse.store.mailboxes import create_default_mailboxes, create_mailbox, delete_mailbox
from posthouse.store.messages.append import append_message
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.rows import INBOX
from posthouse.store.messages.store import store_flags
from posthouse.store.migrate import migrate
from posthouse.store.store import Store
from posthouse.store.sweeper import REMEMBERED, Sweeper
from posthouse.store.unit import Unit, Work, one_of, rows_of, run

CONTENT = b"Subject: any\r\n\r\n"
NOW = 10**9


class House:
    def __init__(self, directory: Path) -> None:
        self.store = Store(directory)
        self.blobs = BlobFiles(directory)
        self.now = NOW
        log = open_log(write=lambda _: None)
        self.sweeper = Sweeper(self.store, self.blobs, lambda: self.now, log)

    async def append(self, file: str = "") -> int:
        prepared = prepare_file(file, 10**5, CONTENT) if file else prepare(CONTENT)
        unit = append_message(1, "INBOX", prepared, summarise(CONTENT), 0, "")
        return (await self.store.write(unit)).uid

    def file(self, age: float) -> str:
        writer = self.blobs.begin()
        writer.write(CONTENT)
        name = writer.finish()
        path = next(self.store.directory.rglob(name))
        stat = path.stat()
        os.utime(path, (stat.st_atime - age, stat.st_mtime - age))
        return name

    def files(self) -> set[str]:
        return {path.name for path in self.store.directory.glob("blobs/*/*")}

    def changes(self, mailbox: int = INBOX) -> int:
        return self.store.read(count_changes(mailbox))


def count_changes(mailbox: int) -> Unit[int]:
    def unit() -> Work[int]:
        row = yield from one_of(
            "SELECT count(*) FROM change WHERE account = 1 AND mailbox = ?1", mailbox
        )
        assert row is not None
        return int(row[0])

    return unit


def one_account() -> Work[None]:
    yield from run("INSERT INTO account (id, address, password, created) VALUES (1, 'a', '', 0)")
    yield from create_default_mailboxes(1, 1)


def contents() -> Work[list[tuple[int, int]]]:
    return (yield from rows_of("SELECT id, refs FROM content"))


def in_house(directory: Path, test: Callable[[House], Coroutine[object, object, None]]) -> None:
    migrate(directory)

    async def main() -> None:
        house = House(directory)
        try:
            await house.store.write(one_account)
            await test(house)
        finally:
            house.store.close()

    asyncio.run(main())


def test_an_expunged_message_is_forgotten_in_time(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        name = house.file(0)
        uid = await house.append(name)
        await house.store.write(expunge_messages(1, INBOX, [(uid, uid)], NOW, deleted_only=False))
        house.now = NOW + REMEMBERED
        await house.sweeper.sweep(thoroughly=False)
        assert house.store.read(contents)
        assert house.files() == {name}
        house.now += 1
        await house.sweeper.sweep(thoroughly=False)
        assert not house.store.read(contents)
        assert not house.files()

    in_house(tmp_path, test)


def test_only_files_that_nothing_names_are_removed(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        named, young = house.file(2 * ORPHAN), house.file(ORPHAN / 2)
        await house.append(named)
        house.file(2 * ORPHAN)
        await house.sweeper.sweep(thoroughly=False)
        assert len(house.files()) == 3
        await house.sweeper.sweep(thoroughly=True)
        assert house.files() == {named, young}

    in_house(tmp_path, test)


def test_a_long_feed_is_trimmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHANGES_KEPT", 5)

    async def test(house: House) -> None:
        uid = await house.append()
        versions = []
        for number in range(20):
            change = removed if number % 2 else added
            flags = store_flags(1, INBOX, [(uid, uid)], change, ("\\Seen",))
            await house.store.write(flags)
            since = house.store.read(lambda: changes_since(1, INBOX, 0))
            assert since is not None
            versions.append(since.version)
        await house.sweeper.sweep(thoroughly=True)
        assert house.changes() == 5
        assert house.store.read(lambda: changes_since(1, INBOX, versions[-7])) is None
        kept = house.store.read(lambda: changes_since(1, INBOX, versions[-6]))
        assert kept is not None
        assert [row[0] for row in kept.messages] == [uid]

    in_house(tmp_path, test)


def test_a_deleted_mailbox_leaves_one_change(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        made = await house.store.write(create_mailbox(1, "box", NOW))
        for _ in range(5):
            unit = append_message(1, "box", prepare(CONTENT), summarise(CONTENT), 0, "")
            await house.store.write(unit)
        await house.store.write(delete_mailbox(1, "box", NOW))
        assert house.changes(made.id) == 1

    in_house(tmp_path, test)


def test_a_round_that_fails_is_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.01)

    async def test(house: House) -> None:
        calls = 0
        enough = asyncio.Event()

        def now() -> float:
            nonlocal calls
            calls += 1
            if calls > 2:
                enough.set()
            raise ArithmeticError("no such time")

        sweeper = Sweeper(house.store, house.blobs, now, open_log(write=lambda _: None))
        running = asyncio.create_task(sweeper.run())
        await asyncio.wait([running, asyncio.create_task(enough.wait())], timeout=10)
        running.cancel()
        assert enough.is_set()

    in_house(tmp_path, test)
