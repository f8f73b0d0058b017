"""posthouse search, and posthouse read search."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from posthouse.accounts.accounts import find_account
from posthouse.message.summary import summarise
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.messages.append import append_message

from .conftest import Run


@pytest.fixture
def letters(run: Run, data: Path) -> None:
    """Three letters in the INBOX of ann@example.org."""
    run("domain", "add", "example.org")
    run("account", "add", "ann@example.org", "--random-password")
    with DirectStore(data) as store:
        account = store.read(find_account("ann@example.org"))
        assert account is not None
        for word in (b"lantern", b"orchard", b"LANTERN"):
            letter = b"From: bob@example.net\r\nSubject: about\r\n\r\nThe %b.\r\n" % word
            store.write(
                append_message(
                    account, "INBOX", prepare(letter), summarise(letter), int(time.time()), ""
                )
            )


def found(run: Run, text: str) -> list[int]:
    said = run("read", "search", "ann@example.org", text, "--json")
    return [line["uid"] for line in json.loads(said.stdout)]


def status(run: Run) -> dict[str, int]:
    (row,) = json.loads(run("search", "status", "--json").stdout)
    assert isinstance(row, dict)
    return row


def test_search_before_and_after_it_is_indexed(run: Run, letters: None) -> None:
    assert found(run, "Lantern.") == [1, 3]
    assert status(run)["waiting"] == 3
    assert run("search", "rebuild").stdout == "indexed 3 messages\n"
    assert found(run, "Lantern.") == [1, 3]
    assert found(run, "orchards") == []
    shown = status(run)
    assert (shown["messages"], shown["waiting"]) == (3, 0)
    assert shown["octets"] > 0


def test_status_of_a_damaged_index(run: Run, letters: None, data: Path) -> None:
    (data / "search.db").write_bytes(b"x" * 10_000)
    assert status(run)["waiting"] == 3
    assert found(run, "orchard") == [2]
    assert run("search", "rebuild").stdout == "indexed 3 messages\n"


def test_nothing_found(run: Run, letters: None) -> None:
    assert (
        "nothing in INBOX holds 'zebra'" in run("read", "search", "ann@example.org", "zebra").stderr
    )
