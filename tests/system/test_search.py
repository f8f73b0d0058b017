"""SEARCH, SORT and THREAD of the running server, with its index and without."""

from __future__ import annotations

import imaplib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.server import PASSWORD, Server

ADDRESS = "ann@search.example"
COUNT = 60


@pytest.fixture(scope="module")
def indexing() -> Iterator[Server]:
    """A server that indexes at once, with letters in one INBOX."""
    with Server(workers=2, settings={"storage.index_delay": 0.05}) as running:
        running.add_accounts([ADDRESS], PASSWORD)
        with connected(running) as client:
            for number in range(COUNT):
                append(client, number)
        yield running


def connected(server: Server) -> imaplib.IMAP4:
    client = imaplib.IMAP4(*server.address("imap"))
    client.login(ADDRESS, PASSWORD)
    client.select("INBOX")
    return client


def append(client: imaplib.IMAP4, number: int) -> None:
    reply = number % 10
    fields = [
        f"From: Ann <ann{COUNT - number:03}@search.example>",
        f"Subject: {'Re: ' if reply else ''}thread {number // 10}",
        f"Message-ID: <{number}@search.example>",
    ]
    if reply:
        fields.append(f"References: <{number - reply}@search.example>")
    letter = "\r\n".join([*fields, "", f"The word is w{number}w.", ""])
    assert client.append("INBOX", None, None, letter.encode())[0] == "OK"


def numbers(answer: tuple[str, list[bytes | None]]) -> list[int]:
    status, (line,) = answer
    assert status == "OK"
    return list(map(int, (line or b"").split()))


def checked(client: imaplib.IMAP4) -> None:
    """All is found, whatever is indexed."""
    assert numbers(client.search(None, "TEXT", '"w7w"')) == [8]
    assert numbers(client.search(None, "BODY", '"WORD IS W4"')) == [5, *range(41, 51)]
    assert numbers(client.search(None, "SUBJECT", '"thread 3"')) == list(range(31, 41))
    assert numbers(client.search(None, "NOT", "FROM", "ann0", "SINCE", "1-Jan-2020")) == []
    by_author = numbers(client.sort("(FROM)", "UTF-8", "ALL"))
    assert by_author == list(range(COUNT, 0, -1))
    _, (line,) = client.thread("REFERENCES", "UTF-8", "1:10")
    assert line == b"(1 " + b"".join(b"(%d)" % number for number in range(2, 11)) + b")"


def waiting(server: Server) -> int:
    (row,) = json.loads(server.run("search", "status", "--json"))
    return int(row["waiting"])


def await_index(server: Server) -> None:
    deadline = time.monotonic() + 60
    while waiting(server):
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.1)


def test_found_before_and_after_it_is_indexed(indexing: Server) -> None:
    with connected(indexing) as client:
        checked(client)
        await_index(indexing)
        checked(client)


def test_found_when_the_index_is_lost_or_torn(indexing: Server) -> None:
    await_index(indexing)
    file = indexing.data / "search.db"
    with connected(indexing) as client:
        file.unlink()
        checked(client)
        assert indexing.run("search", "rebuild") == f"indexed {COUNT} messages\n"
        checked(client)
        torn(file)
        checked(client)
    indexing.restart(at_once=True)  # by SIGKILL
    with connected(indexing) as client:
        checked(client)
        await_index(indexing)
        checked(client)


def torn(file: Path) -> None:
    """Another file, the half of it noise, in its place."""
    octets = file.read_bytes()
    half = len(octets) // 2
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(octets[:half] + random.Random(1).randbytes(half))
    fresh.replace(file)
