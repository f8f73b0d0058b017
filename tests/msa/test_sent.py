"""The copy of a submitted letter in the mailbox for what was sent."""

from __future__ import annotations

import smtplib
from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.store.unit import Row, Work, rows_of, run
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


def limit(octets: int) -> Work[None]:
    yield from run("UPDATE account SET quota = ?1 WHERE id = 1", octets)


@pytest.mark.parametrize("content", [SMALL, LARGE])
def test_without_room_the_letter_goes_out_without_a_copy(tmp_path: Path, content: bytes) -> None:
    """And its sender is told so."""

    async def test(here: TestHouse) -> None:
        here.submission = replace(here.submission, copy_to_sent=True)
        await here.store.write(lambda: limit(10))

        def say(client: smtplib.SMTP) -> None:
            client.mail("ann@a.example")
            client.rcpt("far@z.example")
            code, text = client.data(content)
            assert (code, text) == (
                250,
                b"2.0.0 queued as Q1, but your mailbox is full and no copy is kept",
            )

        await talk(here, say)
        (letter,) = here.queued()
        assert letter.content.endswith(content)
        assert here.store.read(filed) == []

    in_house(tmp_path, test)


def test_by_setting_nothing_is_sent_without_room_for_a_copy(tmp_path: Path) -> None:
    """Refused at MAIL where it is known by then, by a full mailbox or SIZE; else at the end."""

    async def test(here: TestHouse) -> None:
        here.submission = replace(here.submission, copy_to_sent=True, needs_copy=True)
        await here.store.write(lambda: limit(5000))
        refusal = (452, b"4.2.2 your mailbox is full, no copy of what you send can be kept")

        def say(client: smtplib.SMTP) -> None:
            client.ehlo()
            assert client.mail("ann@a.example", ["SIZE=5001"]) == refusal
            assert client.mail("ann@a.example")[0] == 250
            client.rcpt("far@z.example")
            assert client.data(LARGE) == refusal
            client.sendmail("ann@a.example", "far@z.example", SMALL)

        await talk(here, say)
        assert [letter.content.endswith(SMALL) for letter in here.queued()] == [True]
        assert len(here.store.read(filed)) == 1
        await here.store.write(lambda: limit(1))

        def again(client: smtplib.SMTP) -> None:
            assert client.mail("ann@a.example") == refusal

        await talk(here, again)

    in_house(tmp_path, test)


def test_who_has_no_mailbox_for_a_copy_sends_without_one(tmp_path: Path) -> None:
    """Full or not: nothing is wanted of their room."""

    def without_sent() -> Work[None]:
        yield from run("UPDATE mailbox SET special_use = '' WHERE special_use = '\\Sent'")

    async def test(here: TestHouse) -> None:
        here.submission = replace(here.submission, copy_to_sent=True, needs_copy=True)
        await here.store.write(lambda: limit(1))
        await here.store.write(without_sent)

        def say(client: smtplib.SMTP) -> None:
            client.sendmail("ann@a.example", "far@z.example", LARGE)

        await talk(here, say)
        assert [letter.content.endswith(LARGE) for letter in here.queued()] == [True]

    in_house(tmp_path, test)
