"""The service `lmtp` on a real store and real connections."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from posthouse.accounts.accounts import set_quota
from posthouse.mda.lmtp import LmtpDelivery
from posthouse.mta.queue.listing import list_queue
from posthouse.mta.queue.states import State
from posthouse.runtime.connection import Connection
from posthouse.runtime.service import Service
from posthouse.store.blobs.files import FileLayer
from posthouse.store.contents import read_content
from posthouse.store.messages.rows import LAST_UID
from posthouse.store.summing import AT_ONCE
from posthouse.store.unit import Unit, Work, rows_of, run
from tests.mta.receive.house import NOON, TestHouse, in_house
from tests.protocols.transcript import play_on_sockets, read

HERE = Path(__file__).parent
SMALL = b"Subject: hi\r\n\r\nHello.\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"line of some length\r\n" * 10_000
LARGER = LARGE + b"line of some length\r\n" * (AT_ONCE // 20)


@dataclass(frozen=True, slots=True)
class Found:
    """A message in an INBOX."""

    account: int
    content: int
    octets: bytes  # with the fields of this copy


async def serve(here: TestHouse) -> socket.socket:
    """A connection to the service."""
    delivery = LmtpDelivery(
        here.transfer.house,
        here.transfer.room,
        here.store,
        here.transfer.finder,
        here.transfer.settings,
        lambda: NOON,
    )
    offer = Service("lmtp", delivery.begin)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(offer, here.census), "127.0.0.1", 0
    )
    here.servers.append(server)
    return socket.create_connection(server.sockets[0].getsockname(), 10)


async def send(here: TestHouse, content: bytes, *recipients: str) -> list[str]:
    """Bring a letter by LMTP; the replies to its end."""
    lines = ["LHLO client.example", "MAIL FROM:<eve@f.example>"]
    lines += [f"RCPT TO:<{recipient}>" for recipient in recipients]
    octets = "".join(f"{line}\r\n" for line in [*lines, "DATA"]).encode()
    connection = await serve(here)

    def talk() -> bytes:
        with connection:
            connection.sendall(octets + content + b".\r\nQUIT\r\n")
            return b"".join(iter(lambda: connection.recv(65536), b""))

    said = (await asyncio.to_thread(talk)).decode()
    assert "354 " in said, said
    return said.partition("354 ")[2].split("\r\n")[1:-2]


def found(here: TestHouse) -> list[Found]:
    rows = here.store.read(_messages)
    result = []
    for account, content, prefix in rows:
        stored = here.store.read(lambda content=content: read_content(content))  # type: ignore[misc]
        assert stored is not None
        octets = stored.octets
        if octets is None:
            assert stored.file is not None
            octets = here.blobs.read_all(stored.file)
        result.append(Found(account, content, prefix + octets))
    return result


def _messages() -> Work[list[tuple[int, int, bytes]]]:
    return (yield from rows_of("SELECT account, content, prefix FROM message ORDER BY account"))


def references() -> Work[list[tuple[int, int]]]:
    return (yield from rows_of("SELECT id, refs FROM content"))


def fill(account: int) -> Unit[int]:
    """Have an INBOX give out its last UID."""

    def unit() -> Work[int]:
        return (
            yield from run("UPDATE mailbox SET uid_next = ?2 WHERE account = ?1", account, LAST_UID)
        )

    return unit


def test_transcript(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        connection = await serve(here)
        path = HERE / "transcripts" / "lmtp.smtp"
        await asyncio.to_thread(play_on_sockets, read(path), lambda: connection)
        assert [each.account for each in found(here)] == [1, 1, 2]

    in_house(tmp_path, test)


@pytest.mark.parametrize("content", [SMALL, LARGE, LARGER], ids=["small", "large", "larger"])
def test_each_mailbox_has_its_copy_with_its_trace(content: bytes, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        replies = await send(here, content, "ann@a.example", "bob@a.example")
        assert [reply[:10] for reply in replies] == ["250 2.1.5 "] * 2
        ann, bob = found(here)
        assert (ann.account, bob.account) == (1, 2)
        assert ann.content == bob.content
        for each, name in ((ann, b"ann"), (bob, b"bob")):
            assert each.octets.startswith(
                b"Return-Path: <eve@f.example>\r\nDelivered-To: " + name + b"@a.example\r\n"
                b"Received: from client.example ([127.0.0.1])\r\n\tby mx.example with LMTP id "
            )
            assert each.octets.endswith(b"\r\n" + content)
        assert here.store.read(references) == [(ann.content, 2)]
        assert here.queued() == []

    in_house(tmp_path, test)


def test_two_rcpt_for_one_mailbox_are_one_message_and_two_replies(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        replies = await send(here, SMALL, "ann@a.example", "ann+x@a.example", "info@a.example")
        assert [reply[:3] for reply in replies] == ["250"] * 3
        assert len(found(here)) == 1

    in_house(tmp_path, test)


def test_who_cannot_have_it_is_told_apart(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await here.store.write(fill(1))
        replies = await send(here, SMALL, "ann@a.example", "bob@a.example", "staff@a.example")
        assert [reply[:9] for reply in replies] == ["452 4.2.2", "250 2.1.5", "452 4.2.2"]
        assert [each.account for each in found(here)] == [2]
        assert here.queued() == []

    in_house(tmp_path, test)


def test_the_fields_of_a_copy_count_for_the_quota(tmp_path: Path) -> None:
    """As they do where the queue delivers."""

    async def test(here: TestHouse) -> None:
        assert (await send(here, SMALL, "ann@a.example"))[0].startswith("250 ")
        (first,) = found(here)
        quota = 2 * len(first.octets)
        await here.store.write(set_quota("ann@a.example", quota - 1))
        assert (await send(here, SMALL, "ann@a.example"))[0].startswith("452 4.2.2 ")
        await here.store.write(set_quota("ann@a.example", quota))
        assert (await send(here, SMALL, "ann@a.example"))[0].startswith("250 ")

    in_house(tmp_path, test)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_is_kept_when_nobody_can_have_it(content: bytes, tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        await here.store.write(fill(1))
        assert (await send(here, content, "ann@a.example"))[0].startswith("452 4.2.2 ")
        assert here.store.read(references) == []
        assert here.files() == []

    in_house(tmp_path, test)


def test_who_cannot_have_it_is_told_though_its_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_layer: FileLayer, path: Path) -> None:
        raise PermissionError(f"{path} cannot be removed")

    async def test(here: TestHouse) -> None:
        await here.store.write(fill(1))
        monkeypatch.setattr(FileLayer, "unlink", refuse)
        assert (await send(here, LARGE, "ann@a.example"))[0].startswith("452 4.2.2 ")

    in_house(tmp_path, test)


def test_an_alias_that_leads_outside_is_for_the_queue(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        assert (await send(here, SMALL, "staff@a.example"))[0].startswith("250 2.1.5 ")
        ann, bob = found(here)
        (letter,) = here.queued()
        assert letter.recipients == [("far@f.example", 0)]
        assert here.store.read(references) == [(ann.content, 3)]
        assert bob.content == ann.content

    in_house(tmp_path, test)


def test_what_leads_outside_is_held_where_all_of_that_is(tmp_path: Path) -> None:
    async def test(here: TestHouse) -> None:
        here.transfer.house.queue.outgoing = State.HELD
        assert (await send(here, SMALL, "staff@a.example"))[0].startswith("250 2.1.5 ")
        (waiting,) = here.store.read(list_queue())
        assert (waiting.forward_path, waiting.state) == ("far@f.example", "held")

    in_house(tmp_path, test)
