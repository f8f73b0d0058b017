"""imap_tools, a library for Python above imaplib, with TLS that is verified."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.letters import ATTACHED, FILE, NAME, SUBJECT, rich
from tests.interop.program import certificate, need_module
from tests.system.user import User, letter

imap_tools = need_module("imap_tools")


@pytest.fixture(params=["imaps", "starttls"])
def mailbox(anna: User, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = ssl.create_default_context(cafile=str(certificate(anna.server, tmp_path)))
    if request.param == "imaps":
        made = imap_tools.MailBox("localhost", anna.server.port("imaps"), ssl_context=context)
    else:
        made = imap_tools.MailBoxStartTls(
            "localhost", anna.server.port("imap"), ssl_context=context
        )
    with made.login(anna.address, anna.password) as logged_in:
        yield logged_in


def test_letters(mailbox: Any, anna: User) -> None:
    sent = rich(anna.address, "b@there.example")
    mailbox.append(sent.as_bytes(), "INBOX", flag_set=[imap_tools.MailMessageFlags.SEEN])
    mailbox.append(letter("plain").as_bytes(), "INBOX")
    (found,) = mailbox.fetch(imap_tools.AND(subject=SUBJECT), charset="UTF-8", mark_seen=False)
    assert found.subject == SUBJECT
    assert found.from_values.name == NAME
    assert "Boxkämpfer" in found.text
    assert "<b>" in found.html
    (attached,) = found.attachments
    assert (attached.filename, attached.payload) == (FILE, ATTACHED)
    assert "\\Seen" in found.flags
    assert mailbox.uids(imap_tools.AND(seen=False)) == ["2"]
    assert mailbox.numbers(imap_tools.OR(subject="plain", text="Boxkämpfer"), "UTF-8") == ["1", "2"]


def test_changes(mailbox: Any, anna: User) -> None:
    anna.fill(6)
    mailbox.folder.create("Räume|x")
    assert mailbox.folder.exists("Räume|x")
    mailbox.folder.rename("Räume|x", "Räume")
    mailbox.folder.set("INBOX")
    mailbox.flag(["1", "2"], imap_tools.MailMessageFlags.FLAGGED, True)
    mailbox.copy(["1"], "Räume")
    mailbox.move(["2", "3"], "Räume")
    mailbox.delete(["4"])
    assert mailbox.folder.status("Räume")["MESSAGES"] == 3
    listed = {each.name: each.flags for each in mailbox.folder.list()}
    assert "\\Sent" in listed["Sent"]
    with anna.imap() as wire:
        assert wire.select("INBOX") == ("OK", [b"3"])
        assert wire.uid("SEARCH", "ALL") == ("OK", [b"1 5 6"])
        assert wire.select('"R&AOQ-ume"') == ("OK", [b"3"])
        assert wire.search(None, "FLAGGED") == ("OK", [b"1 2"])
    mailbox.folder.delete("Räume")


def test_idle(mailbox: Any, anna: User) -> None:
    mailbox.idle.start()
    anna.fill(1)
    told = mailbox.idle.poll(timeout=20)
    assert b"* 1 EXISTS" in told
    mailbox.idle.stop()
    assert mailbox.uids() == ["1"]
