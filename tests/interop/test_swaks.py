"""swaks: SMTP step by step, with TLS, AUTH and pipelining."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.program import run
from tests.system.server import Server
from tests.system.user import User

REFUSED_RCPT = 24  # swaks' exit statuses
REFUSED_AUTH = 28


def swaks(server: Server, service: str, *options: str, expect: int = 0) -> str:
    host = ("--server", "127.0.0.1", "--port", str(server.port(service)), "--timeout", "20")
    trusted = ("--tls-verify", "--tls-ca-path", str(server.data / "certificate.pem"))
    checked = trusted if any(option.startswith("--tls") for option in options) else ()
    return run("swaks", *host, *checked, "--helo", "client.example", *options, expect=expect)


def sending(sender: str, recipient: str) -> tuple[str, ...]:
    return ("--from", sender, "--to", recipient, "--header", "Subject: by swaks")


@pytest.mark.parametrize("options", [(), ("--tls",), ("--pipeline",), ("--protocol", "SMTP")])
def test_smtp(server: Server, anna: User, options: tuple[str, ...]) -> None:
    swaks(server, "smtp", *options, *sending("a@sender.example", anna.address))
    assert b"Subject: by swaks" in anna.messages(1)[0]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(
    ("service", "security"), [("submission", "--tls"), ("submissions", "--tls-on-connect")]
)
def test_submission(
    server: Server, anna: User, boris: User, service: str, security: str, mechanism: str
) -> None:
    told = swaks(
        server,
        service,
        security,
        "--auth",
        mechanism,
        "--auth-user",
        anna.address,
        "--auth-password",
        anna.password,
        *sending(anna.address, boris.address),
    )
    assert "235 2.7.0" in told
    assert b"with ESMTPSA" in boris.messages(1)[0]


def test_attachment_and_eight_bits(server: Server, anna: User, tmp_path: Path) -> None:
    (tmp_path / "attached").write_text("a piece of text\n")
    swaks(
        server,
        "smtp",
        *sending("a@sender.example", anna.address),
        "--body",
        "Grüße",
        "--attach",
        f"@{tmp_path / 'attached'}",
    )
    assert "Grüße".encode() in anna.messages(1)[0]


def test_refusals(server: Server, anna: User) -> None:
    told = swaks(
        server, "smtp", *sending("a@sender.example", "nobody-here@localhost"), expect=REFUSED_RCPT
    )
    assert "550 5.1.1" in told
    wrong = ("--auth", "PLAIN", "--auth-user", anna.address, "--auth-password", "not this one")
    told = swaks(
        server,
        "submission",
        "--tls",
        *wrong,
        *sending(anna.address, anna.address),
        expect=REFUSED_AUTH,
    )
    assert "535 5.7.8" in told
