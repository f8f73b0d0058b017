"""The queue of a running server, its reports and its commands; and accounts that are full."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy

from tests.system.server import Server
from tests.system.user import PATIENCE, User, letter, until


def test_a_bounced_letter_comes_back_at_once(server: Server, anna: User) -> None:
    recipient = "Somebody@elsewhere.invalid"
    with anna.smtp() as client:
        client.sendmail(anna.address, [recipient], letter("Far away").as_bytes())

    def bounced() -> bool:
        """It may be tried at the moment; what is being tried is let alone."""
        done = server.run("queue", "bounce", "--recipient", recipient, "--text", "No.", expect=None)
        return done == "bounced 1 recipient\n"

    until(bounced, "a bounce")
    (content,) = anna.messages(1)
    assert content.startswith(b"Return-Path: <>\r\n")
    report = message_from_bytes(content, policy=policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report["Subject"] == "Not delivered: Far away"
    text, _, returned = report.iter_parts()
    assert recipient in text.get_content()
    assert "Final-Recipient: rfc822; Somebody@elsewhere.invalid" in report.as_string()
    assert returned.get_content()["Subject"] == "Far away"
    assert recipient not in server.run("queue", "list")


def test_a_full_account(server: Server, anna: User) -> None:
    anna.fill(1)
    server.run("account", "quota", anna.address, "10")
    with smtplib.SMTP(*server.address("smtp"), timeout=PATIENCE) as mx:
        mx.ehlo("client.example")
        assert mx.mail("eve@sender.example")[0] == 250
        assert mx.rcpt(anna.address) == (452, b"4.2.2 the mailbox is full, try again later")
    with anna.imap() as client:
        status, words = client.append("INBOX", "", "", letter("more").as_bytes())
        assert (status, words[0][:11]) == ("NO", b"[OVERQUOTA]")
        client.select("INBOX")
        status, words = client.copy("1", "Trash")
        assert (status, words[0][:11]) == ("NO", b"[OVERQUOTA]")
    server.run("account", "quota", anna.address, "1M")
    anna.fill(1)
    assert len(anna.messages(2)) == 2
