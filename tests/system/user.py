"""An account of the server under test, and what its person does with Python's own clients."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage

from tests.system.server import PASSWORD, Server

ACCOUNTS = tuple(f"user{number}@localhost" for number in range(200))
SETTINGS = {"passwords.memory": 64, "passwords.passes": 1}  # the hash is not what is tested
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class User:
    """An address on a server."""

    server: Server
    address: str
    password: str = PASSWORD

    def smtp(self) -> smtplib.SMTP:
        """A connection to submission, over TLS and logged in."""
        client = smtplib.SMTP(*self.server.address("submission"), timeout=PATIENCE)
        client.starttls(context=self.server.tls())
        client.login(self.address, self.password)
        return client

    def pop3(self) -> poplib.POP3:
        client = poplib.POP3(*self.server.address("pop3"), timeout=PATIENCE)
        try:
            client.user(self.address)
            client.pass_(self.password)
        except poplib.error_proto:
            client.close()
            raise
        return client

    def imap(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(*self.server.address("imap"), timeout=PATIENCE)
        # imaplib writes a literal and the CRLF after it apart: 40 ms an APPEND without this.
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.login(self.address, self.password)
        return client

    def messages(self, count: int) -> list[bytes]:
        """The contents of the INBOX, once it has at least `count` messages."""
        with self.imap() as client:
            client.select("INBOX", readonly=True)
            found: list[bytes] = []

            def arrived() -> bool:
                client.noop()
                status, data = client.search(None, "ALL")
                assert status == "OK"
                found[:] = data[0].split()
                return len(found) >= count

            until(arrived, f"{count} messages for {self.address}")
            return [contents(client, number.decode()) for number in found]

    def fill(self, count: int, mailbox: str = "INBOX") -> None:
        """Append letters no. 1 to `count`."""
        with self.imap() as client:
            for number in range(1, count + 1):
                status, _ = client.append(mailbox, "", "", letter(f"no. {number}").as_bytes())
                assert status == "OK"


def contents(client: imaplib.IMAP4, number: str) -> bytes:
    """BODY[] of one message, without setting \\Seen."""
    status, data = client.fetch(number, "(BODY.PEEK[])")
    assert status == "OK"
    assert isinstance(data[0], tuple)
    content: bytes = data[0][1]
    return content


def letter(
    subject: str, to: str = "someone@localhost", text: str = "The text.\r\n"
) -> EmailMessage:
    """A plain letter."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Somebody <somebody@sender.example>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    return message


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
