"""Long work on messages is not done on the loop; shown by which thread does it, not by time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from posthouse.message.header import selector
from posthouse.message.summary import summarise
from posthouse.protocols.imap import events
from posthouse.protocols.imap.mail_events import FetchRows, Need, Row
from posthouse.store.contents import insert_content, prepare
from posthouse.store.messages.append import file_message
from posthouse.store.messages.expunge import expunge_messages
from posthouse.store.messages.rows import INBOX
from posthouse.store.serve import reading
from posthouse.store.serve.imap import ImapAgent
from posthouse.store.summaries import insert_summary
from posthouse.store.unit import Work, run
from tests.store.test_imap_agent import House, answer, in_house

LARGE = b"Subject: any\r\n" + b"X-Field: %b\r\n" % (b"y" * 900) * 200 + b"\r\ntext\r\n"
SMALL = b"Subject: any\r\n\r\ntext\r\n"
WANTED = FetchRows((1, 2, 3), Need.ENVELOPE | Need.HEADER)


class Watched:
    """A function, and the threads that have called it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.threads: list[int] = []

    def __call__(self, *arguments: object) -> object:
        self.threads.append(threading.get_ident())
        return self.function(*arguments)


def older_maker() -> Work[None]:
    yield from run("UPDATE summary SET version = 0")


def nothing() -> Work[None]:
    yield from run("UPDATE fact SET value = value WHERE false")


async def filled(house: House) -> ImapAgent:
    """Three messages, two with headers larger than a row, whose summaries are of an older maker."""
    agent = await house.session()
    for content in (LARGE, SMALL, LARGE):
        assert await answer(agent, events.BeginAppend("INBOX", (), None, len(content))) is None
        agent.show(events.AppendContent(content))
        await answer(agent, events.EndAppend())
    await house.store.write(older_maker)
    assert isinstance(await answer(agent, events.Select("INBOX", False)), events.Opened)
    return agent


def test_what_is_not_at_hand_is_made_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each summary once; then they are kept, and only the headers are read again."""

    async def test(house: House) -> None:
        agent = await filled(house)
        made = Watched(summarise)
        read = Watched(house.service.blobs.read)
        monkeypatch.setattr(reading, "summarise", made)
        monkeypatch.setattr(house.service.blobs, "read", read)
        rows = await answer(agent, WANTED)
        assert isinstance(rows, list)
        assert [row[3] for row in rows] == [summarise(c).envelope for c in (LARGE, SMALL, LARGE)]
        assert [len(row[6]) for row in rows] == [len(c) - 6 for c in (LARGE, SMALL, LARGE)]
        assert (len(made.threads), len(read.threads)) == (3, 4)  # two of them, and their headers
        assert threading.get_ident() not in {*made.threads, *read.threads}
        await house.store.write(nothing)  # it comes after the summaries
        assert await answer(agent, WANTED) == rows
        assert (len(made.threads), len(read.threads)) == (3, 6)
        # What is in the database is read where one stands.
        assert isinstance(agent.ask(FetchRows((1, 2, 3), Need.ENVELOPE)), list)
        assert isinstance(agent.ask(FetchRows((2,), Need.HEADER)), list)
        agent.closed()

    in_house(tmp_path, test)


def test_a_client_that_goes_meanwhile_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test(house: House) -> None:
        agent = await filled(house)
        waiting = asyncio.ensure_future(answer(agent, WANTED))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        rows = await answer(agent, WANTED)
        assert isinstance(rows, list)
        assert len(rows) == 3
        agent.closed()

    in_house(tmp_path, test)


FIELDS = b"From: ann@a.example\r\nSubject: any\r\n\r\n"
TRACED = b"X-Trace: long\r\n" + FIELDS + b"text\r\n"
PREFIX = b"Return-Path: <>\r\n"


def deliver() -> Work[None]:
    prepared = prepare(TRACED)
    content = yield from insert_content(prepared, 1)
    yield from insert_summary(content, summarise(TRACED))
    yield from file_message(1, INBOX, content, prepared.size, 0, prefix=PREFIX)


def changed(sql: str) -> Callable[[], Work[None]]:
    def unit() -> Work[None]:
        yield from run(sql)

    return unit


@pytest.mark.parametrize(
    "change", ["UPDATE summary SET listed = NULL", "UPDATE summary SET version = 0", ""]
)
def test_fields_that_are_listed_do_not_need_the_header(tmp_path: Path, change: str) -> None:
    """Which is read where they are not known, or by an older maker; also of an expunged message."""

    async def test(house: House) -> None:
        await house.store.write(deliver)
        if change:
            await house.store.write(changed(change))
        agent = await house.session()
        assert isinstance(await answer(agent, events.Select("INBOX", False)), events.Opened)
        header = PREFIX + (TRACED[:-6] if change else FIELDS)
        [row] = cast("list[Row]", await answer(agent, FetchRows((1,), Need.LISTED)))
        assert (row[0], row[6]) == (1, header)
        both = Need.LISTED | Need.ENVELOPE
        [row] = cast("list[Row]", await answer(agent, FetchRows((1,), both)))
        assert row[3] == summarise(TRACED).envelope
        assert selector([b"Subject"])(row[6] or b"") == b"Subject: any\r\n\r\n"
        for needs in (Need.LISTED | Need.HEADER, Need.LISTED | Need.CONTENT):
            [row] = cast("list[Row]", await answer(agent, FetchRows((1,), needs)))
            assert row[6] == PREFIX + TRACED[:-6]
        await house.store.write(expunge_messages(1, INBOX, None, 0, deleted_only=False))
        [row] = cast("list[Row]", await answer(agent, FetchRows((1,), Need.LISTED)))
        assert row[6] in (header, PREFIX + FIELDS)  # it may have been summed up again
        agent.closed()

    in_house(tmp_path, test)
