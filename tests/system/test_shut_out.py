"""Whoever came in by what no longer lets anybody in is shut out, in every worker."""

from __future__ import annotations

import contextlib
import poplib
import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator

import pytest

from .server import PASSWORD, Server

PATIENCE = 30.0
EACH = 4  # sessions of a service, over both workers
BYE = b"* BYE your log-in does not hold any more\r\n"
CLOSING = b"421 4.7.0 your log-in does not hold any more, closing\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(workers=2) as running:
        yield running


class Line:
    """A connection that lines are sent on, encrypted from its start."""

    def __init__(self, server: Server, service: str) -> None:
        plain = socket.create_connection(server.address(service), PATIENCE)
        self.socket: ssl.SSLSocket = server.tls().wrap_socket(plain)
        self.lines = self.socket.makefile("rb")
        self.read()

    def say(self, text: str) -> bytes:
        self.socket.sendall(text.encode() + b"\r\n")
        return self.read()

    def read(self) -> bytes:
        return self.lines.readline()

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
            return self.lines.read()
        return b""

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def imap(server: Server, address: str, password: str) -> Line:
    """In IDLE, where nothing is asked of the server."""
    line = Line(server, "imaps")
    assert line.say(f'a LOGIN {address} "{password}"').startswith(b"a OK")
    line.socket.sendall(b"b SELECT INBOX\r\n")
    while not line.read().startswith(b"b OK"):
        pass
    assert line.say("c IDLE").startswith(b"+")
    return line


def pop3(server: Server, address: str, password: str) -> Line:
    line = Line(server, "pop3s")
    line.say(f"USER {address}")
    assert line.say(f"PASS {password}").startswith(b"+OK")
    return line


def submission(server: Server, address: str, password: str) -> Line:
    line = Line(server, "submissions")
    line.socket.sendall(b"EHLO client.example\r\n")
    while line.read()[3:4] == b"-":
        pass
    shown = b64encode(f"\0{address}\0{password}".encode()).decode()
    assert line.say(f"AUTH PLAIN {shown}").startswith(b"235")
    return line


def refused(server: Server, address: str, password: str) -> bool:
    line = Line(server, "imaps")
    answer = line.say(f'a LOGIN {address} "{password}"')
    line.close()
    return answer.startswith(b"a NO")


def in_and_out(server: Server, address: str, password: str, *command: str, given: str = "") -> None:
    """All sessions of the account end when the command has run; those of another do not."""
    server.add_account("other@localhost")
    stays = imap(server, "other@localhost", PASSWORD)
    mail = [imap(server, address, password) for _ in range(EACH)]
    drop = pop3(server, address, password)
    sends = [submission(server, address, password) for _ in range(EACH)]
    server.run(*command, given=given)
    assert [each.rest() for each in mail] == [BYE] * EACH
    assert [each.rest() for each in sends] == [CLOSING] * EACH
    assert drop.rest() == b""
    assert stays.say("DONE").startswith(b"c OK")
    for each in (stays, drop, *mail, *sends):
        each.close()
    server.run("account", "remove", "other@localhost", "--yes")


def test_a_new_password(server: Server) -> None:
    anna = server.add_account("anna@localhost", "the old one")
    command = ("account", "password", anna, "--password-stdin")
    in_and_out(server, anna, "the old one", *command, given="the new one\n")
    assert refused(server, anna, "the old one")
    imap(server, anna, "the new one").close()


def test_a_disabled_account(server: Server) -> None:
    boris = server.add_account("boris@localhost")
    in_and_out(server, boris, PASSWORD, "account", "disable", boris)
    assert refused(server, boris, PASSWORD)


def test_a_removed_account(server: Server) -> None:
    clara = server.add_account("clara@localhost")
    in_and_out(server, clara, PASSWORD, "account", "remove", clara, "--yes")


def test_an_app_password_that_is_revoked(server: Server) -> None:
    """Who came in by the account's own goes on."""
    dora = server.add_account("dora@localhost")
    app = server.run("account", "app-password", "add", dora, "phone").split()[-1]
    own = imap(server, dora, PASSWORD)
    in_and_out(server, dora, app, "account", "app-password", "revoke", dora, "phone")
    assert own.say("DONE").startswith(b"c OK")
    own.close()


def test_what_was_marked_stays(server: Server) -> None:
    """POP3 ends without UPDATE (RFC 1939 §6)."""
    emil = server.add_account("emil@localhost")
    with smtplib.SMTP(*server.address("smtp")) as client:
        client.sendmail("a@b.example", emil, "Subject: kept\r\n\r\n")
    while True:
        line = pop3(server, emil, PASSWORD)
        if line.say("STAT") != b"+OK 0 0\r\n":
            break
        line.say("QUIT")
        line.close()
    assert line.say("DELE 1").startswith(b"+OK")
    command = ("account", "password", emil, "--password-stdin")
    server.run(*command, given="another one\n")
    with contextlib.suppress(OSError):
        line.socket.sendall(b"QUIT\r\n")
    assert line.rest() == b""
    line.close()
    reader = poplib.POP3_SSL(*server.address("pop3s"), context=server.tls())
    reader.user(emil)
    reader.pass_("another one")
    assert reader.stat()[0] == 1
    reader.quit()


def test_in_the_middle_of_a_command(server: Server) -> None:
    """It is not waited for the rest of it."""
    greta = server.add_account("greta@localhost")
    half = Line(server, "imaps")
    assert half.say(f'a LOGIN {greta} "{PASSWORD}"').startswith(b"a OK")
    assert half.say("b APPEND INBOX {1000}").startswith(b"+")
    half.socket.sendall(b"Subject: half")
    server.run("account", "disable", greta)
    assert half.rest() == BYE
    half.close()


def test_a_letter_that_is_being_sent_is_not_taken(server: Server) -> None:
    """It ends in 421, and nobody gets it."""
    frieda = server.add_account("frieda@localhost")
    line = submission(server, frieda, PASSWORD)
    assert line.say(f"MAIL FROM:<{frieda}>").startswith(b"250")
    assert line.say(f"RCPT TO:<{frieda}>").startswith(b"250")
    assert line.say("DATA").startswith(b"354")
    waiting = submission(server, frieda, PASSWORD)
    server.run("account", "disable", frieda)
    assert waiting.rest() == CLOSING
    assert line.say("Subject: x\r\n\r\n.") == CLOSING
    assert line.rest() == b""
    line.close()
    waiting.close()
    server.run("account", "enable", frieda)
    drop = pop3(server, frieda, PASSWORD)
    assert drop.say("STAT") == b"+OK 0 0\r\n"
    drop.close()
