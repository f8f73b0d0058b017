"""The copy of a submitted letter in the mailbox for what was sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.store.unit import Row, Work, rows_of
from tests.mta.receive.house import TestHouse, in_house

from .test_agent import sending, talk

SMALL = b"Subject: hi\r\n\r\nHello.\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"line of some length\r\n" * 10_000


def filed() -> Work[list[Row]]:
    return (
        yield from rows_of(
            "SELECT b.name, m.account, m.flags, m.content, c.refs, s.content FROM message AS m"
            " JOIN mailbox AS b ON b.account = m.account AND b.id = m.mailbox"
            " JOIN content AS c ON c.id = m.content JOIN summary AS s ON s.content = c.id"
        )
    )


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_a_copy_is_filed_with_the_letter(tmp_path: Path, content: bytes) -> None:
    async def test(here: TestHouse) -> None:
        here.submission = replace(here.submission, copy_to_sent=True)
        await talk(here, sending(content, "far@z.example"))
        (letter,) = here.queued()
        assert letter.content.endswith(content)
        ((mailbox, account, flags, number, refs, summary),) = here.store.read(filed)
        assert (mailbox, account, flags) == ("Sent", 1, "\\Seen")
        assert refs == 2
        assert summary == number

    in_house(tmp_path, test)


def test_none_if_it_is_not_wanted(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await talk(here, sending(SMALL))
        assert here.store.read(filed) == []

    in_house(tmp_path, test)
