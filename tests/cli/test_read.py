"""Messages on a terminal: what a stranger wrote cannot speak to it (no escapes)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.accounts.accounts import find_account
from posthouse.message.summary import summarise
from posthouse.mua.cli.house import printable
from posthouse.mua.letters import shown_fields, text_of
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore
from posthouse.store.messages.append import append_message
from posthouse.store.unit import run as execute

from .conftest import Run

LETTER = (
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.net>\r\n"
    b"To: ann@example.org\r\n"
    b"Subject: =?utf-8?q?red_=1B[31m_and_=07?= \x1b]0;title\x07\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n'
    b"\r\n"
    b"--b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"Gr=C3=BC=C3=9Fe\r\n"
    b"=1B]0;owned=07 =C2=9B31m\ttab\r\n"
    b"--b\r\n"
    b"Content-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="plan\x1b.pdf"\r\n'
    b"\r\n"
    b"%PDF\r\n"
    b"--b--\r\n"
)


@pytest.fixture
def letter(run: Run, data: Path) -> int:
    """The UID of a letter in the INBOX of ann@example.org."""
    run("domain", "add", "example.org")
    run("account", "add", "ann@example.org", "--random-password")
    with DirectStore(data) as store:
        account = store.read(find_account("ann@example.org"))
        assert account is not None
        now = int(time.time())
        filed = store.write(
            append_message(account, "INBOX", prepare(LETTER), summarise(LETTER), now, "")
        )
        return filed.uid


def _harmless(text: str) -> bool:
    return text.replace("\n", "").isprintable()


def test_the_list(run: Run, letter: int) -> None:
    shown = run("read", "list", "ann@example.org").stdout
    assert _harmless(shown)
    assert "Jörg <joerg@example.net>" in shown
    assert "red \\u{1b}[31m" in shown
    (line,) = json.loads(run("read", "list", "ann@example.org", "--json").stdout)
    assert line["uid"] == letter
    assert line["octets"] == len(LETTER)


def test_a_message(run: Run, letter: int) -> None:
    shown = run("read", "show", "ann@example.org", str(letter)).stdout
    assert _harmless(shown)
    assert "Grüße\n\\u{1b}]0;owned\\u{7} \\u{9b}31m" in shown
    assert "application/pdf plan" in shown
    raw = run("read", "show", "ann@example.org", str(letter), "--raw").stdout
    assert "=1B]0;owned" in raw
    assert run("read", "show", "ann@example.org", "77", status=1).stderr.count("\n") == 1


def test_a_damaged_message(run: Run, letter: int, data: Path) -> None:
    with DirectStore(data) as store:
        store.write(lambda: execute("UPDATE content_octets SET checksum = checksum + 1"))
    refused = run("read", "show", "ann@example.org", str(letter), status=1).stderr
    assert refused == "posthouse: the content cannot be read: a content is not what was written\n"


def test_the_mailboxes(run: Run, letter: int) -> None:
    boxes = json.loads(run("read", "mailboxes", "ann@example.org", "--json").stdout)
    assert {box["name"]: box["messages"] for box in boxes}["INBOX"] == 1
    assert "Sent is empty" in run("read", "list", "ann@example.org", "--mailbox", "Sent").stderr
    missing = run("read", "list", "ann@example.org", "--mailbox", "None", status=1)
    assert "posthouse read mailboxes" in missing.stderr


@given(st.text())
def test_attack_71_whatever_is_printed(text: str) -> None:
    shown = printable(text)
    assert all(c.isprintable() or c in "\n\u200c\u200d\u00ad" for c in shown)
    assert printable(shown) == shown


@given(st.binary(), st.sampled_from([b"", b"Subject: x\r\nContent-Type: text/plain\r\n\r\n"]))
def test_whatever_is_read(octets: bytes, before: bytes) -> None:
    text_of(before + octets)
    shown_fields(before + octets)
