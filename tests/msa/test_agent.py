"""Submission on a real store and real connections."""

from __future__ import annotations

import asyncio
import inspect
import smtplib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from posthouse.msa.agent import SubmissionAgent
from posthouse.msa.completing import LIMIT
from posthouse.protocols.engine import FLUSH, Engine
from posthouse.runtime.service import Peer
from tests.mta.receive.house import TestHouse, in_house
from tests.protocols.transcript import play_on_sockets, read

HERE = Path(__file__).parent


async def talk(here: TestHouse, say: Callable[[smtplib.SMTP], None]) -> None:
    """Let ann talk to submission, in a thread."""
    await here.listen(here.submission)
    port = here.servers[-1].sockets[0].getsockname()[1]

    def run() -> None:
        with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=20) as client:
            client.login("ann@a.example", "secret")
            say(client)

    await asyncio.to_thread(run)


def sending(content: bytes, *to: str, sender: str = "ann@a.example") -> Callable[..., None]:
    def say(client: smtplib.SMTP) -> None:
        client.sendmail(sender, to or ["bob@a.example"], content)

    return say


def header_of(here: TestHouse) -> bytes:
    return here.queued()[0].content.partition(b"\r\n\r\n")[0] + b"\r\n"


@pytest.mark.parametrize("path", sorted(HERE.glob("transcripts/*.smtp")), ids=lambda p: p.stem)
def test_transcript(path: Path, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await asyncio.to_thread(play_on_sockets, read(path), await here.listen(here.submission))

    in_house(tmp_path, test)


def test_what_lacks_is_completed(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await talk(here, sending(b"Subject: hi\r\n\r\nHello.\r\n", "bob@a.example"))
        (letter,) = here.queued()
        assert (letter.account, letter.reverse_path) == (1, "ann@a.example")
        header = header_of(here)
        assert b" with ESMTPA id Q1\r\n" in header
        assert b"\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\n" in header
        assert b"\r\nMessage-ID: <Q1@mx.example>\r\n" in header
        assert b"\r\nFrom: ann@a.example\r\n" in header
        assert letter.content.endswith(b"\r\nSubject: hi\r\n\r\nHello.\r\n")

    in_house(tmp_path, test)


def test_what_is_complete_stays(tmp_path: Path) -> None:
    content = (
        b"From: Ann <ann@a.example>\r\nDate: Mon, 1 Jan 2024 10:00:00 +0100\r\n"
        b"Message-ID: <x@y>\r\nSubject: hi\r\n\r\nHello.\r\n"
    )

    async def test(here: TestHouse) -> None:
        await talk(here, sending(content))
        stored = here.queued()[0].content
        assert stored.endswith(b"\r\n" + content)
        assert stored.count(b"\r\nSender:") == 0

    in_house(tmp_path, test)


@pytest.mark.parametrize(("strip", "left"), [(True, 0), (False, 1)])
def test_bcc_is_taken_out_by_setting(strip: bool, left: int, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        here.submission = replace(here.submission, strip_bcc=strip)
        await talk(here, sending(b"From: ann@a.example\r\nBcc: x@y\r\n\r\n"))
        assert header_of(here).count(b"\r\nBcc:") == left

    in_house(tmp_path, test)


def test_who_writes_for_another_is_named(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await talk(here, sending(b"From: boss@a.example\r\n\r\n"))
        assert b"\r\nSender: ann@a.example\r\n" in header_of(here)

    in_house(tmp_path, test)


def test_an_alias_is_a_sender_too(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await talk(here, sending(b"From: info@a.example\r\n\r\n", sender="info@a.example"))
        assert b"\r\nSender:" not in header_of(here)

    in_house(tmp_path, test)


def test_the_sender_is_checked_by_setting(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        here.submission = replace(here.submission, check_sender=False)
        await talk(here, sending(b"From: bob@a.example\r\n\r\n", sender="bob@a.example"))
        assert here.queued()[0].reverse_path == "bob@a.example"
        assert b"\r\nSender: ann@a.example\r\n" in header_of(here)

    in_house(tmp_path, test)


@pytest.mark.parametrize(
    "content",
    [
        b"From: ann@a.example\r\nSubject: x\r\n\r\n" + b"body line\r\n" * 20_000,
        b"From: ann@a.example\r\n" + b"X-Field: value\r\n" * 5000 + b"\r\nbody\r\n",
        b"From: ann@a.example\r\nSubject: no body at all\r\n",
        b"\r\nno header at all\r\n",
        b"not a field\r\n\r\nbody\r\n",
    ],
    ids=["large body", "large header", "no body", "no header", "no field"],
)
def test_nothing_of_the_content_is_lost(content: bytes, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await talk(here, sending(content))
        assert here.queued()[0].content.endswith(b"\r\n" + content)
        assert b"\r\nDate: " in header_of(here)

    in_house(tmp_path, test)


async def say(engine: Engine, agent: SubmissionAgent, octets: bytes) -> bytes:
    """Have the agent of a connection hear something; what is answered."""
    engine.receive(octets)
    said = b""
    while (event := engine.next_event()) is not None:
        if engine.asked:
            answer = agent.ask(event)
            engine.answer(await answer if inspect.isawaitable(answer) else answer)
        elif event is not FLUSH:
            agent.show(event)
        said += engine.send()
    return said + engine.send()


@pytest.mark.parametrize(
    "end", [b"\r\n.\r\n", b"bare\r\r\n.\r\n", b"X-Field: value\r\n" * (LIMIT // 16)]
)
def test_a_header_that_is_held_back_counts_as_memory(end: bytes, tmp_path: Path) -> None:
    fields = b"X-Field: value\r\n" * 5000

    async def test(here: TestHouse) -> None:
        peer = Peer("127.0.0.1", 1, "127.0.0.1", 587, None)
        engine, agent = here.submission.begin(peer, lambda _: None)
        await say(engine, agent, b"EHLO x\r\nAUTH PLAIN AGFubkBhLmV4YW1wbGUAc2VjcmV0\r\n")
        letter = b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@a.example>\r\nDATA\r\n"
        assert b"\r\n354 " in await say(engine, agent, letter)
        await say(engine, agent, fields)
        assert agent.held >= len(fields)
        await say(engine, agent, end)
        assert agent.held == 0
        engine.close()
        agent.closed()

    in_house(tmp_path, test)


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    def say(client: smtplib.SMTP) -> None:
        client.mail("ann@a.example")
        client.rcpt("bob@a.example")
        content = b"X-Field: value\r\n" * (LIMIT // 16 + 10)
        assert client.data(content) == (554, b"5.6.0 the header is too large")

    async def test(here: TestHouse) -> None:
        await talk(here, say)
        assert here.queued() == []
        assert here.files() == []

    in_house(tmp_path, test)
