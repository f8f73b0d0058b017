"""Python's smtplib with the smtp, submission and submissions services."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from tests.system.server import Server
from tests.system.user import PATIENCE, User, letter


@pytest.fixture
def mx(server: Server) -> smtplib.SMTP:
    """A connection to the service for other sites."""
    return smtplib.SMTP(*server.address("smtp"), timeout=PATIENCE)


def parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def test_extensions(mx: smtplib.SMTP) -> None:
    with mx:
        assert mx.ehlo("client.example")[0] == 250
        for name in ("pipelining", "size", "8bitmime", "enhancedstatuscodes", "starttls"):
            assert mx.has_extn(name), name
        assert not mx.has_extn("auth")


def test_every_verb(mx: smtplib.SMTP, anna: User) -> None:
    with mx:
        assert mx.helo("client.example")[0] == 250
        assert mx.noop()[0] == 250
        assert mx.docmd("NOOP", "anything")[0] == 250
        assert mx.docmd("HELP")[0] in (211, 214)
        assert mx.rset()[0] == 250
        assert mx.verify(anna.address)[0] in (250, 251, 252)
        assert mx.expn("list")[0] in (250, 252, 502, 550)
        for verb in ("SEND", "SOML", "SAML", "TURN"):
            assert mx.docmd(verb)[0] == 502
        assert mx.docmd("XYZZY")[0] == 500
        assert mx.quit()[0] == 221


def test_order_of_commands(mx: smtplib.SMTP, anna: User) -> None:
    with mx:
        assert mx.docmd("MAIL", "FROM:<a@sender.example>")[0] == 503
        assert mx.ehlo("client.example")[0] == 250
        assert mx.rcpt(anna.address)[0] == 503
        assert mx.docmd("DATA")[0] == 503
        assert mx.mail("a@sender.example")[0] == 250
        assert mx.mail("a@sender.example")[0] == 503
        assert mx.docmd("DATA")[0] in (503, 554)
        assert mx.rset()[0] == 250
        assert mx.rcpt(anna.address)[0] == 503


def test_a_letter_from_another_site(mx: smtplib.SMTP, anna: User) -> None:
    sent = letter("from afar", anna.address)
    with mx:
        assert mx.send_message(sent, "somebody@sender.example", [anna.address]) == {}
    (content,) = anna.messages(1)
    got = parsed(content)
    assert got["Return-Path"] == "<somebody@sender.example>"
    assert got["Delivered-To"] == anna.address
    assert got["Subject"] == "from afar"
    assert " with ESMTP " in " ".join(str(got["Received"]).split()) + " "
    assert got.get_content().split() == ["The", "text."]


def test_null_reverse_path(mx: smtplib.SMTP, anna: User) -> None:
    with mx:
        mx.sendmail("", [anna.address], letter("a report").as_bytes())
    assert parsed(anna.messages(1)[0])["Return-Path"] == "<>"


def test_unknown_users_and_relaying_are_refused(mx: smtplib.SMTP, anna: User) -> None:
    with mx:
        mx.ehlo("client.example")
        assert mx.mail("a@sender.example")[0] == 250
        code, text = mx.rcpt("nobody-here@localhost")
        assert (code, text[:5]) == (550, b"5.1.1")
        code, text = mx.rcpt("someone@elsewhere.example")
        assert (code, text[:5]) == (550, b"5.7.1")
        assert mx.rcpt(anna.address)[0] == 250
        assert mx.data(letter("one of three").as_bytes())[0] == 250
    assert len(anna.messages(1)) == 1


def test_several_recipients_get_it_once_each(mx: smtplib.SMTP, anna: User, boris: User) -> None:
    with mx:
        twice = [anna.address, boris.address, anna.address]
        assert mx.sendmail("a@sender.example", twice, letter("for both").as_bytes()) == {}
    assert len(anna.messages(1)) == 1
    assert len(boris.messages(1)) == 1


def test_dots_and_long_lines_and_eight_bits_arrive_unchanged(mx: smtplib.SMTP, anna: User) -> None:
    body = b".\r\n..\r\n.hidden\r\n" + b"x" * 998 + b"\r\n" + "Grüße\r\n".encode()
    with mx:
        mx.sendmail(
            "a@sender.example",
            [anna.address],
            b"Subject: dots\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n\r\n" + body,
            mail_options=["BODY=8BITMIME"],
        )
    assert anna.messages(1)[0].endswith(b"\r\n\r\n" + body)


def test_a_large_letter(mx: smtplib.SMTP, anna: User) -> None:
    line = b"0123456789abcdef" * 4 + b"\r\n"
    body = line * 50_000
    with mx:
        mx.sendmail("a@sender.example", [anna.address], b"Subject: large\r\n\r\n" + body)
    assert anna.messages(1)[0].endswith(b"\r\n\r\n" + body)


def test_size_is_refused_before_the_data(mx: smtplib.SMTP) -> None:
    with mx:
        mx.ehlo("client.example")
        code, text = mx.mail("a@sender.example", ["SIZE=99999999999"])
        assert (code, text[:5]) == (552, b"5.3.4")


def test_sub_address(mx: smtplib.SMTP, anna: User) -> None:
    local, _, domain = anna.address.partition("@")
    with mx:
        mx.sendmail("a@sender.example", [f"{local}+lists@{domain}"], b"Subject: s\r\n\r\nt\r\n")
    assert len(anna.messages(1)) == 1


def test_tls_from_another_site(server: Server, mx: smtplib.SMTP, anna: User) -> None:
    with mx:
        assert mx.starttls(context=server.tls())[0] == 220
        mx.ehlo("client.example")
        assert not mx.has_extn("starttls")
        mx.sendmail("a@sender.example", [anna.address], b"Subject: s\r\n\r\nt\r\n")
    assert b"with ESMTPS" in anna.messages(1)[0]


def test_submission_needs_a_log_in(server: Server, anna: User) -> None:
    with smtplib.SMTP(*server.address("submission"), timeout=PATIENCE) as client:
        client.ehlo("client.example")
        code, text = client.mail(anna.address)
        assert (code, text[:5]) == (530, b"5.7.0")


def test_a_wrong_password(server: Server, anna: User) -> None:
    with smtplib.SMTP(*server.address("submission"), timeout=PATIENCE) as client:
        client.starttls(context=server.tls())
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(anna.address, "not this one")
        assert refused.value.smtp_code == 535
        assert client.login(anna.address, anna.password)[0] == 235


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_mechanisms(server: Server, anna: User, mechanism: str, initial: bool) -> None:
    with smtplib.SMTP(*server.address("submission"), timeout=PATIENCE) as client:
        client.starttls(context=server.tls())
        client.ehlo("client.example")
        assert mechanism in client.esmtp_features["auth"].split()
        client.user, client.password = anna.address, anna.password
        step = client.auth_plain if mechanism == "PLAIN" else client.auth_login
        assert client.auth(mechanism, step, initial_response_ok=initial)[0] == 235


def test_a_submitted_letter_is_completed(anna: User, boris: User) -> None:
    sent = letter("completed", boris.address)
    sent.replace_header("From", anna.address)
    sent["Bcc"] = "secret@localhost"
    with anna.smtp() as client:
        client.sendmail(anna.address, [boris.address], sent.as_bytes())
    got = parsed(boris.messages(1)[0])
    assert got["Date"]
    assert got["Message-ID"]
    assert got["Bcc"] is None
    assert "with ESMTPSA" in " ".join(str(got["Received"]).split())


def test_submissions(server: Server, anna: User, boris: User) -> None:
    address = server.address("submissions")
    with smtplib.SMTP_SSL(*address, context=server.tls(), timeout=PATIENCE) as client:
        client.login(anna.address, anna.password)
        assert not client.has_extn("starttls")
        client.sendmail(anna.address, [boris.address], letter("over TLS").as_bytes())
    assert len(boris.messages(1)) == 1


def test_what_is_for_other_sites_waits(server: Server, anna: User) -> None:
    with anna.smtp() as client:
        client.sendmail(anna.address, ["x@elsewhere.example"], letter("out").as_bytes())
    assert "elsewhere.example" in server.run("queue", "list")
