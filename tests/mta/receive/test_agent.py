"""Our MX on a real store and real connections."""

from __future__ import annotations

import asyncio
import errno
import smtplib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.accounts.accounts import set_quota
from posthouse.message.address import parse_path
from posthouse.mta.receive import recipients
from posthouse.mta.receive.literals import OwnLiterals
from posthouse.protocols.smtp.events import (
    BeginContent,
    Content,
    EndOfMessage,
    Mail,
    Recipient,
)
from posthouse.runtime.service import Peer
from tests.mta.receive.house import TestHouse, in_house
from tests.protocols.transcript import play_on_sockets, read

HERE = Path(__file__).parent
SMALL = b"Subject: hi\r\n\r\nHello.\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"line of some length\r\n" * 10_000
RECEIVED = b"Received: from client.example ([127.0.0.1])\r\n\tby mx.example with ESMTP id Q1"


def connect(port: int) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", port, "client.example", timeout=20)
    client.ehlo()
    return client


async def ask(here: TestHouse, talk: Callable[[smtplib.SMTP], object]) -> None:
    """Let a client talk to our MX, in a thread."""
    await here.listen(here.transfer)
    port = here.servers[-1].sockets[0].getsockname()[1]

    def run() -> None:
        with connect(port) as client:
            talk(client)

    await asyncio.to_thread(run)


@pytest.mark.parametrize("path", sorted(HERE.glob("transcripts/*.smtp")), ids=lambda p: p.stem)
def test_transcript(path: Path, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await asyncio.to_thread(play_on_sockets, read(path), await here.listen(here.transfer))

    in_house(tmp_path, test)


def test_an_alias_for_too_many_is_refused_for_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "MOST", 2)

    def talk(client: smtplib.SMTP) -> None:
        client.mail("eve@f.example")
        assert client.rcpt("staff@a.example")[0] == 451
        assert client.rcpt("info@a.example")[0] == 250

    async def test(here: TestHouse) -> None:
        await ask(here, talk)

    in_house(tmp_path, test)


def test_a_letter_is_in_the_queue_with_its_trace(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await ask(here, lambda c: c.sendmail("eve@f.example", ["ann@a.example"], SMALL))
        (letter,) = here.queued()
        assert letter.reverse_path == "eve@f.example"
        assert letter.recipients == [("ann@a.example", 1)]
        assert letter.content.startswith(RECEIVED)
        assert b"\r\n\tfor <ann@a.example>;\r\n" in letter.content
        assert letter.content.endswith(b"\r\n" + SMALL)
        assert letter.source == "127.0.0.1 (client.example)"
        assert (letter.account, letter.body, letter.in_file) == (0, "7BIT", False)

    in_house(tmp_path, test)


def test_a_large_letter_lies_in_a_file(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await ask(here, lambda c: c.sendmail("eve@f.example", ["ann@a.example"], LARGE))
        (letter,) = here.queued()
        assert letter.in_file
        assert letter.content.startswith(RECEIVED)
        assert letter.content.endswith(b"\r\n" + LARGE)
        assert len(here.files()) == 1

    in_house(tmp_path, test)


def test_each_mailbox_gets_a_letter_once(tmp_path: Path) -> None:
    to = ["all@a.example", "ann@a.example", "bob+x@a.example", "BOB@a.example"]

    async def test(here: TestHouse) -> None:
        await ask(here, lambda c: c.sendmail("eve@f.example", to, SMALL))
        (letter,) = here.queued()
        assert sorted(letter.recipients) == [
            ("ann@a.example", 1),
            ("bob@a.example", 2),
            ("far@f.example", 0),
        ]
        assert b"for <" not in letter.content.partition(b"\r\n\r\n")[0]

    in_house(tmp_path, test)


def test_eight_bit_content_is_known(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        text = SMALL + b"gr\xc3\xbc\xc3\x9fe\r\n"
        await ask(here, lambda c: c.sendmail("eve@f.example", ["ann@a.example"], text))
        assert here.queued()[0].body == "8BITMIME"

    in_house(tmp_path, test)


@pytest.mark.parametrize(("hops", "code"), [(50, 250), (51, 554)])
def test_attack_49_a_loop_is_broken(hops: int, code: int, tmp_path: Path) -> None:
    content = b"Received: from x\r\n\tby y; then\r\n" * hops + SMALL

    def talk(client: smtplib.SMTP) -> None:
        client.mail("eve@f.example")
        client.rcpt("ann@a.example")
        found, text = client.data(content)
        assert found == code, text
        assert code == 250 or text.startswith(b"5.4.6")

    async def test(here: TestHouse) -> None:
        await ask(here, talk)
        assert len(here.queued()) == (code == 250)

    in_house(tmp_path, test)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_is_left_of_a_message_that_broke_off(content: bytes, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        def talk() -> None:
            wire = connection()
            wire.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@a.example>\r\nDATA\r\n" + content)
            wire.shutdown(1)
            while wire.recv(65536):
                pass
            wire.close()

        connection = await here.listen(here.transfer)
        await asyncio.to_thread(talk)
        await here.census.finish(5)  # it was noticed
        assert here.queued() == []
        assert here.files() == []

    in_house(tmp_path, test)


@pytest.mark.parametrize("content", [b"x\n" + LARGE, LARGE * 5], ids=["bare", "too large"])
def test_nothing_is_left_of_a_message_that_is_refused(content: bytes, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        def talk() -> None:
            wire = connection()
            wire.sendall(
                b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@a.example>\r\nDATA\r\n"
                + content
                + b".\r\nQUIT\r\n"
            )
            said = b""
            while octets := wire.recv(65536):
                said += octets
            wire.close()
            assert b"\r\n55" in said

        connection = await here.listen(here.transfer)
        await asyncio.to_thread(talk)
        assert here.queued() == []
        assert here.files() == []

    in_house(tmp_path, test)


def test_nothing_is_left_of_a_letter_that_a_mailbox_has_no_room_for(tmp_path: Path) -> None:
    """How large it is, is known at its end."""

    def talk(client: smtplib.SMTP) -> None:
        client.mail("eve@f.example")
        client.rcpt("ann@a.example")
        full = (452, b"4.2.2 the mailbox is full, try again later")
        assert client.data(LARGE) == full

    async def test(here: TestHouse) -> None:
        await here.store.write(set_quota("ann@a.example", 1000))
        await ask(here, talk)
        assert here.queued() == []
        assert here.files() == []

    in_house(tmp_path, test)


@pytest.mark.parametrize("call", ["write", "sync"])
@pytest.mark.parametrize(("error", "code"), [(errno.ENOSPC, 452), (errno.EIO, 451)])
def test_a_disk_that_does_not_take_a_letter_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int, code: int
) -> None:
    """452 4.3.1 says that room is what lacks (RFC 3463 §3.4)."""

    def fails(*_: object) -> None:
        raise OSError(error, "the test's")

    def talk(client: smtplib.SMTP) -> None:
        client.mail("eve@f.example")
        client.rcpt("ann@a.example")
        assert client.data(LARGE)[0] == code

    async def test(here: TestHouse) -> None:
        monkeypatch.setattr(here.blobs._layer, call, fails)
        await ask(here, talk)
        assert here.queued() == []
        assert here.files() == []

    in_house(tmp_path, test)


def test_without_room_mail_is_put_off(tmp_path: Path) -> None:
    def talk(client: smtplib.SMTP) -> None:
        assert client.mail("eve@f.example") == (452, b"4.3.1 no space left, try again later")

    in_house(tmp_path, lambda here: ask(here, talk), reserve=1 << 62)


def test_many_messages_on_one_connection(tmp_path: Path) -> None:
    def talk(client: smtplib.SMTP) -> None:
        for _ in range(20):
            client.sendmail("eve@f.example", ["ann@a.example"], SMALL)

    async def test(here: TestHouse) -> None:
        await ask(here, talk)
        assert len(here.queued()) == 20

    in_house(tmp_path, test)


def test_nothing_is_left_of_a_large_message_whose_client_goes_before_it_is_ours(
    tmp_path: Path,
) -> None:
    async def test(here: TestHouse) -> None:
        peer = Peer("192.0.2.1", 1, "192.0.2.2", 25, None)
        _, agent = here.transfer.begin(peer, lambda _: None)
        agent.ask(Mail(parse_path("<eve@f.example>"), {}))
        agent.ask(Recipient(parse_path("<ann@a.example>"), {}))
        agent.ask(BeginContent())
        agent.show(Content(LARGE))
        assert len(here.files()) == 1
        ending = agent.ask(EndOfMessage(len(LARGE), False))
        assert isinstance(ending, asyncio.Future)
        await asyncio.sleep(0)
        ending.cancel()
        agent.closed()
        await asyncio.get_running_loop().shutdown_default_executor()
        await asyncio.wait([ending])
        for _ in range(3):  # the thread's end is told by the loop, and that by a callback
            await asyncio.sleep(0)
        assert here.files() == []
        assert here.queued() == []

    in_house(tmp_path, test)


@pytest.mark.parametrize("service", ["transfer", "submission"])
def test_a_domain_may_be_meant_by_our_literals(tmp_path: Path, service: str) -> None:
    """Its people are there; a literal of another host is not taken for ours."""

    async def test(here: TestHouse) -> None:
        ours = OwnLiterals("192.0.2.1".__eq__, "a.example")
        offered = replace(getattr(here, service), literals=ours)
        await here.listen(offered)
        port = here.servers[-1].sockets[0].getsockname()[1]

        def talk() -> None:
            with connect(port) as client:
                if service == "submission":
                    client.login("ann@a.example", "secret")
                client.mail("ann@a.example")
                for literal in ("[127.0.0.1]", "[192.0.2.1]"):
                    assert client.rcpt(f"ann@{literal}")[0] == 250
                    assert client.rcpt(f"staff@{literal}")[0] == 250
                    code, text = client.rcpt(f"nobody@{literal}")
                    assert (code, text[:5]) == (550, b"5.1.1")
                code, text = client.rcpt("bob@[192.0.2.2]")
                assert code == (250 if service == "submission" else 550)
                client.data(SMALL)

        await asyncio.to_thread(talk)
        (letter,) = here.queued()
        relayed = [("bob@[192.0.2.2]", 0)] if service == "submission" else []
        assert letter.recipients == [
            ("ann@a.example", 1),
            ("bob@a.example", 2),
            ("far@f.example", 0),
            *relayed,
        ]

    in_house(tmp_path, test)
