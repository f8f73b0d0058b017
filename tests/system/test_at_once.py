"""What one connection has changed, all others are told with their next command, in every worker."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.system.user import User, letter

CONNECTIONS = 8  # so many that each of two workers has some


@pytest.fixture
def clients(anna: User) -> Iterator[list[imaplib.IMAP4]]:
    with ExitStack() as all_of_them:
        yield [all_of_them.enter_context(anna.imap()) for _ in range(CONNECTIONS)]


def counts(client: imaplib.IMAP4, mailbox: str) -> dict[str, int]:
    _, [line] = client.status(mailbox, "(MESSAGES UNSEEN UIDNEXT RECENT DELETED)")
    return {name: int(value) for name, value in re.findall(r"([A-Z]+) (\d+)", line.decode())}


def test_counts_are_those_of_now(clients: list[imaplib.IMAP4]) -> None:
    clients[0].create("box")
    for number in range(1, 2 * CONNECTIONS):
        writer = clients[number % CONNECTIONS]
        assert writer.append("box", "", "", bytes(letter(f"no. {number}")))[0] == "OK"
        for client in clients:
            found = counts(client, "box")
            assert (found["MESSAGES"], found["UIDNEXT"]) == (number, number + 1)
            assert found["UNSEEN"] == found["RECENT"] == number


def test_a_mailbox_is_selected_as_it_is_now(clients: list[imaplib.IMAP4]) -> None:
    for number in range(1, CONNECTIONS):
        writer = clients[number]
        assert writer.append("INBOX", "", "", bytes(letter(f"no. {number}")))[0] == "OK"
        for client in clients:
            assert client.select() == ("OK", [str(number).encode()])
            assert client.select() == ("OK", [str(number).encode()])
        assert counts(clients[0], "INBOX")["RECENT"] == 0  # they have been claimed
        assert writer.store("1:*", "FLAGS", rf"(\Deleted key{number})")[0] == "OK"
        for client in clients:
            assert counts(client, "INBOX")["DELETED"] == number
            client.select(readonly=True)
            assert f"key{number}".encode() in client.untagged_responses["FLAGS"][-1]


def test_a_name_is_known_for_no_longer_than_it_is_there(clients: list[imaplib.IMAP4]) -> None:
    for number, writer in enumerate(clients):
        assert writer.create(f"new{number}")[0] == "OK"
        assert {client.select(f"new{number}")[0] for client in clients} == {"OK"}
        assert writer.rename(f"new{number}", f"old{number}")[0] == "OK"
        assert {client.select(f"new{number}")[0] for client in clients} == {"NO"}
        assert {client.status(f"old{number}", "(MESSAGES)")[0] for client in clients} == {"OK"}
        assert writer.delete(f"old{number}")[0] == "OK"
        assert {client.status(f"old{number}", "(MESSAGES)")[0] for client in clients} == {"NO"}
