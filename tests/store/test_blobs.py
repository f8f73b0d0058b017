"""Large contents, whether the system has them in memory or the disk must be waited for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import cast

import pytest

from posthouse.protocols.imap import events
from posthouse.protocols.imap.mail_events import FetchRows, Held, Need, ReadContent, Row
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import ROW, insert_content, prepare_file
from posthouse.store.messages.append import Filed, file_message
from posthouse.store.messages.rows import INBOX
from posthouse.store.serve.imap import ImapAgent
from posthouse.store.unit import Work
from tests.store.test_imap_agent import House, answer, in_house
from tests.store.test_pop3 import OnDisk

PREFIX = b"Return-Path: <bob@b.example>\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"".join(b"%d\r\n" % n for n in range(50_000))


def deliver(name: str) -> Callable[[], Work[Filed]]:
    def unit() -> Work[Filed]:
        prepared = prepare_file(name, len(LARGE), LARGE[:ROW])
        content = yield from insert_content(prepared, 1)
        return (yield from file_message(1, INBOX, content, len(LARGE), 0, prefix=PREFIX))

    return unit


async def read(agent: ImapAgent, held: Held, start: int, stop: int) -> bytes:
    octets = await answer(agent, ReadContent(held.handle, start, stop - start))
    assert isinstance(octets, bytes)
    return octets


@pytest.mark.parametrize("files", [BlobFiles, OnDisk])
def test_blocks_of_a_message_join(tmp_path: Path, files: type[BlobFiles]) -> None:
    """The fields of this copy alone come first, however they are cut."""

    async def test(house: House) -> None:
        house.service.blobs = files(tmp_path)
        writer = house.service.blobs.begin()
        writer.write(LARGE)
        await house.store.write(deliver(writer.finish()))
        agent = await house.session()
        assert isinstance(await answer(agent, events.Select("INBOX", False)), events.Opened)
        [row] = cast("list[Row]", await answer(agent, FetchRows([1], Need.CONTENT)))
        held = row[7]
        assert isinstance(held, Held)
        whole = PREFIX + LARGE
        cuts = (0, 7, len(PREFIX), 100, ROW, len(whole) - 1, len(whole))
        for start, stop in combinations(cuts, 2):
            assert await read(agent, held, start, stop) == whole[start:stop]
        agent.closed()

    in_house(tmp_path, test)


def test_what_is_at_hand(tmp_path: Path) -> None:
    files = BlobFiles(tmp_path)
    writer = files.begin()
    writer.write(LARGE)
    name = writer.finish()
    for offset, length in ((0, 10), (10, ROW), (0, len(LARGE)), (len(LARGE), 0)):
        octets = files.read_at_hand(name, offset, length)
        assert octets in (None, LARGE[offset : offset + length])
    assert files.read_at_hand(name, len(LARGE) - 1, 2) is None
    files.remove(name)
    assert files.read_at_hand(name, 0, 10) is None
