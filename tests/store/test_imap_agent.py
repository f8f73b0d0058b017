"""The agent of IMAP connections where something goes wrong."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from pathlib import Path
from typing import cast

import apsw
import pytest

from posthouse.message.summary import summarise
from posthouse.protocols.dialogue import Damaged
from posthouse.protocols.imap import events
from posthouse.protocols.imap.mail_events import (
    Copied,
    Copy,
    Declined,
    FetchRows,
    Held,
    Move,
    Need,
    ReadContent,
    ReadStructure,
    Row,
)
from posthouse.protocols.sasl.mechanism import Accepted, Password
from posthouse.runtime.log import open_log
from posthouse.runtime.service import Peer
from posthouse.store import subscriptions
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import ROW, prepare
from posthouse.store.mailboxes import create_default_mailboxes
from posthouse.store.messages.append import append_message
from posthouse.store.messages.rows import LAST_UID
from posthouse.store.migrate import migrate
from posthouse.store.serve import imap
from posthouse.store.serve.imap import Imap, ImapAgent, Settings
from posthouse.store.space import Space
from posthouse.store.store import Store
from posthouse.store.unit import Work, rows_of, run
from posthouse.store.views import MailboxViews
from tests.faults.disk import Disk
from tests.store.test_pop3 import OnePassword

CONTENT = b"Subject: any\r\n\r\n"
PEER = Peer("127.0.0.1", 1, "127.0.0.1", 2, None)


class House:
    def __init__(self, directory: Path, reserve: int = 0, disk: Disk | None = None) -> None:
        self.directory = directory
        self.store = Store(directory, disk.vfs if disk else None)
        self.views = MailboxViews(self.store)
        self.service = Imap(
            self.store,
            self.views,
            BlobFiles(directory, disk.layer if disk else None),
            OnePassword(),
            Settings("imap.example"),
            time.time,
            open_log(write=lambda _: None),
            False,
            space=Space(self.store, directory, reserve, 1 << 30, time.monotonic),
        )

    async def session(self) -> ImapAgent:
        _, agent = self.service.begin(PEER, lambda _: None)
        assert isinstance(await answer(agent, Password("ann", "secret")), Accepted)
        return agent

    def files(self) -> list[Path]:
        return [path for path in (self.directory / "blobs").rglob("*") if path.is_file()]


async def answer(agent: ImapAgent, question: object) -> object:
    given = agent.ask(question)
    return await cast("Awaitable[object]", given) if isawaitable(given) else given


async def append(agent: ImapAgent, size: int) -> object:
    assert await answer(agent, events.BeginAppend("INBOX", (), None, size)) is None
    agent.show(events.AppendContent(CONTENT.ljust(size, b"x")))
    return await answer(agent, events.EndAppend())


def one_account() -> Work[None]:
    yield from run("INSERT INTO account (id, address, password, created) VALUES (1, 'a', '', 0)")
    yield from create_default_mailboxes(1, 1)


def fill() -> Work[None]:
    yield from run("UPDATE mailbox SET uid_next = ?1 WHERE id = 1", LAST_UID)


def in_house(
    directory: Path, test: Callable[[House], Coroutine[object, object, None]], reserve: int = 0
) -> None:
    migrate(directory)

    async def main() -> None:
        house = House(directory, reserve)
        try:
            await house.store.write(one_account)
            await asyncio.wait_for(test(house), 20)
        finally:
            house.store.close()

    asyncio.run(main())


def test_one_can_read_though_nothing_can_be_written(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        unit = append_message(1, "INBOX", prepare(CONTENT), summarise(CONTENT), 0, "")
        await house.store.write(unit)
        house.store._disk_failed(apsw.IOError("no more"))
        agent = await house.session()
        opened = await answer(agent, events.Select("INBOX", False))
        assert isinstance(opened, events.Opened)
        assert list(opened.selected.view.uids) == [1]
        agent.closed()

    in_house(tmp_path, test)


def test_subscriptions_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there already may be said again."""
    monkeypatch.setattr(subscriptions, "MOST_SUBSCRIPTIONS", 8)

    async def test(house: House) -> None:
        agent = await house.session()
        refused = []
        for number in range(4):
            given = await answer(agent, events.Subscribe(f"name {number}"))
            refused.append(isinstance(given, Declined) and given.code)
        assert refused == [False, False, "LIMIT", "LIMIT"]
        assert await answer(agent, events.Subscribe("name 1")) is None
        await answer(agent, events.Unsubscribe("name 0"))
        assert await answer(agent, events.Subscribe("name 2")) is None
        agent.closed()

    in_house(tmp_path, test)


@pytest.mark.parametrize(("reserve", "short"), [(1 << 62, True), (0, False)])
def test_without_space_nothing_more_is_kept(reserve: int, short: bool, tmp_path: Path) -> None:
    """APPEND, COPY and MOVE hear so, as MAIL does; what is there can be read."""

    async def test(house: House) -> None:
        unit = append_message(1, "INBOX", prepare(CONTENT), summarise(CONTENT), 0, "")
        await house.store.write(unit)
        agent = await house.session()
        opened = await answer(agent, events.Select("INBOX", False))
        assert isinstance(opened, events.Opened)
        copied = await answer(agent, Copy(((1, 1),), "Trash", 1))
        answers = [
            copied,
            await answer(agent, events.BeginAppend("INBOX", (), None, 10)),
            await answer(agent, Move(opened.selected.view.version, ((1, 1),), "Trash", 1)),
        ]
        refused = [isinstance(a, Declined) and a.code == "UNAVAILABLE" for a in answers]
        assert refused == [short] * 3
        assert isinstance(copied, Declined if short else Copied)
        agent.closed()

    in_house(tmp_path, test, reserve)


@pytest.mark.parametrize("size", [100, ROW + 1])
def test_a_mailbox_without_uids_takes_nothing(size: int, tmp_path: Path) -> None:
    async def test(house: House) -> None:
        await house.store.write(fill)
        agent = await house.session()
        refusal = await append(agent, size)
        assert isinstance(refusal, Declined)
        assert refusal.code == "LIMIT"
        assert not house.files()

    in_house(tmp_path, test)


def test_a_client_that_goes_leaves_all_of_its_message_or_nothing(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        for turns in range(8):
            agent = await house.session()
            appending = asyncio.create_task(append(agent, ROW + 1))
            for _ in range(turns):
                await asyncio.sleep(0.001)
            appending.cancel()
            agent.closed()
            await asyncio.wait([appending])
            await house.store.write(one_more_change)
            kept = house.store.read(files_of_messages)
            async with asyncio.timeout(10):
                while len(house.files()) > len(kept):  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(0.01)
            assert {path.name for path in house.files()} == kept

    in_house(tmp_path, test)


def one_more_change() -> Work[None]:
    yield from run("UPDATE account SET created = created + 1")


def files_of_messages() -> Work[set[str]]:
    rows = yield from rows_of("SELECT file FROM content WHERE file IS NOT NULL")
    return {row[0] for row in rows}


def test_sessions_are_counted_though_a_select_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(house: House) -> None:
        agent = await house.session()
        assert isinstance(await answer(agent, events.Select("INBOX", False)), events.Opened)
        shared = await house.views.open(1, 1)
        assert shared is not None
        assert shared.sessions == 2

        def fail(*_: object) -> None:
            raise ArithmeticError("broken")

        with monkeypatch.context() as broken:
            broken.setattr(imap, "opened_of", fail)
            for _ in range(3):
                with pytest.raises(ArithmeticError):
                    await answer(agent, events.Select("INBOX", False))
        assert shared.sessions == 2
        agent.closed()
        assert shared.sessions == 1

    in_house(tmp_path, test)


def damage() -> Work[None]:
    yield from run("UPDATE content_octets SET packed = 1, body = x'00'")


def test_a_content_that_is_damaged_is_said_to_be_so(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        agent = await house.session()
        await append(agent, 100)
        await house.store.write(damage)
        await append(agent, ROW + 1)
        assert isinstance(await answer(agent, events.Select("INBOX", False)), events.Opened)
        with pytest.raises(Damaged):
            await answer(agent, FetchRows([1], Need.CONTENT))
        [row] = cast("list[Row]", await answer(agent, FetchRows([2], Need.CONTENT)))
        held = row[7]
        assert isinstance(held, Held)
        for path in house.files():
            path.unlink()
        with pytest.raises(Damaged):
            await answer(agent, ReadContent(held.handle, 0, 10))
        agent.closed()

    in_house(tmp_path, test)


def forget_summaries() -> Work[None]:
    yield from run("DELETE FROM summary")


def test_nothing_is_made_of_a_part_of_a_content(tmp_path: Path) -> None:
    """Neither a summary, which would be kept, nor a structure, of which a part would seem whole."""

    async def test(house: House) -> None:
        agent = await house.session()
        await append(agent, 100)
        await house.store.write(damage)
        await append(agent, ROW + 1)
        for path in house.files():
            os.truncate(path, ROW)
        await house.store.write(forget_summaries)
        assert isinstance(await answer(agent, events.Select("INBOX", False)), events.Opened)
        for uid in (1, 2):
            with pytest.raises(Damaged):
                await answer(agent, FetchRows([uid], Need.STRUCTURE))
        [row] = cast("list[Row]", await answer(agent, FetchRows([2], Need.CONTENT)))
        held = row[7]
        assert isinstance(held, Held)
        with pytest.raises(Damaged):
            await answer(agent, ReadStructure(held.handle))
        with pytest.raises(Damaged):
            await answer(agent, ReadContent(held.handle, ROW - 1, 2))
        assert await answer(agent, ReadContent(held.handle, ROW - 1, 1)) == b"x"
        agent.closed()

    in_house(tmp_path, test)


def test_literals_count_as_memory_until_the_next_command(tmp_path: Path) -> None:
    """It is what a worker goes by that has to end some of its connections."""
    part = b"x" * 50_000

    async def test(house: House) -> None:
        engine, agent = house.service.begin(PEER, lambda _: None)
        for sent in (b"a1 LOGIN ann secret\r\n", b"a2 SEARCH TEXT {120000+}\r\n", part):
            engine.receive(sent)
            while (event := engine.next_event()) is not None:
                if engine.asked:
                    engine.answer(await answer(agent, event))
        assert agent.held == 50_000
        engine.receive(part)
        assert engine.next_event() is None
        assert agent.held == 100_000
        engine.receive(b"x" * 20_000 + b"\r\n")  # which is refused, as nothing is selected
        assert engine.next_event() is None
        assert agent.held == 0

    in_house(tmp_path, test)
