"""Wrong protocols, TLS at the wrong time, commands hidden behind it."""

from __future__ import annotations

import random
import socket
import ssl

import pytest

from posthouse.protocols.dialogue import TLS, StartTLS
from tests.attacks.conftest import connect, read_all, read_until, works
from tests.fuzz.engines import BoundedImapStage, EachSmtpStage, Run
from tests.protocols.pop3.stage import Stage as Pop3Stage
from tests.system.server import Server

SERVICES = ("smtp", "submission", "submissions", "lmtp", "pop3", "pop3s", "imap", "imaps")
REQUEST = (
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\n"
    b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<anna@localhost>\r\nDATA\r\n\r\n.\r\n"
    b"USER anna@localhost\r\nPASS secret\r\nSTAT\r\na LOGIN anna@localhost secret\r\n"
)
STARTTLS = {
    "smtp": (b"EHLO x\r\n", b"STARTTLS\r\n", b"NOOP\r\n"),
    "submission": (b"EHLO x\r\n", b"STARTTLS\r\n", b"NOOP\r\n"),
    "pop3": (b"", b"STLS\r\n", b"CAPA\r\n"),
    "imap": (b"", b"a STARTTLS\r\n", b"b NOOP\r\n"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_attack_08_a_browser_is_led_here(server: Server, service: str) -> None:
    """It is hung up on at its first line; nothing in its request is obeyed."""
    with connect(server, service) as wire:
        wire.sendall(REQUEST)
        said = read_all(wire)
    assert not any(word in said for word in (b"250 2", b"354", b"maildrop has", b"a OK"))
    assert said.count(b"\r\n") <= 2


@pytest.mark.parametrize("service", ["submissions", "pop3s", "imaps"])
def test_attack_08_no_tls_where_it_is_expected(server: Server, service: str) -> None:
    with socket.create_connection(server.address(service), 20) as wire:
        wire.sendall(REQUEST)
        said = read_all(wire)
    assert b"EHLO" not in said
    assert not said.startswith((b"220", b"+OK", b"* OK"))


@pytest.mark.parametrize("service", STARTTLS)
def test_attack_03_what_comes_with_starttls_is_dropped(server: Server, service: str) -> None:
    before, command, injected = STARTTLS[service]
    with connect(server, service) as wire:
        read_until(wire, b"220 ", b"+OK", b"* OK")
        if before:
            wire.sendall(before)
            read_until(wire, b"250 ")
        wire.sendall(command + injected * 3)
        read_until(wire, b"220 ", b"+OK", b"a OK")
        with server.tls().wrap_socket(wire) as secure:
            secure.settimeout(0.5)
            with pytest.raises(TimeoutError):
                secure.recv(100)
            secure.settimeout(20)
            secure.sendall(b"NOOP\r\n" if service != "imap" else b"c NOOP\r\n")
            assert read_until(secure, b"250", b"503", b"-ERR", b"c OK")


@pytest.mark.parametrize("service", STARTTLS)
def test_attack_04_starttls_within_tls(server: Server, service: str) -> None:
    before, command, _ = STARTTLS[service]
    with connect(server, service) as wire:
        read_until(wire, b"220 ", b"+OK", b"* OK")
        wire.sendall(before)
        if before:
            read_until(wire, b"250 ")
        wire.sendall(command)
        read_until(wire, b"220 ", b"+OK", b"a OK")
        with server.tls().wrap_socket(wire) as secure:
            secure.sendall(before + command)
            marks = (b"503 ", b"500 ", b"502 ", b"-ERR", b"a BAD", b"a NO")
            assert read_until(secure, *marks).splitlines()[-1].startswith(marks)


@pytest.mark.parametrize("service", STARTTLS)
def test_attack_04_a_handshake_of_rubbish(server: Server, service: str) -> None:
    before, command, _ = STARTTLS[service]
    with connect(server, service) as wire:
        read_until(wire, b"220 ", b"+OK", b"* OK")
        wire.sendall(before)
        if before:
            read_until(wire, b"250 ")
        wire.sendall(command)
        read_until(wire, b"220 ", b"+OK", b"a OK")
        wire.sendall(b"NOOP\r\n" * 20)
        said = read_all(wire)
        assert not said or said[0] == 0x15  # an alert of TLS, if anything
    works(server)


WORDS = {
    "smtp": [b"EHLO x", b"HELO x", b"STARTTLS", b"MAIL FROM:<a@b>", b"RCPT TO:<c@d>", b"RSET",
             b"NOOP", b"AUTH PLAIN AGFubgBzZWNyZXQ=", b"DATA\r\n.", b"STARTTLS x"],
    "pop3": [b"STLS", b"USER ann", b"PASS secret", b"STAT", b"CAPA", b"AUTH PLAIN AGFubgBzZWNyZXQ=",
             b"STLS x", b"NOOP"],
    "imap": [b"a STARTTLS", b"a LOGIN ann secret", b"a SELECT INBOX", b"a NOOP", b"a CAPABILITY",
             b"a AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=", b"a STARTTLS x", b"a UNSELECT"],
}  # fmt: skip


class _Once(Run):
    """Counts handshakes; what was known before one must not be known after it."""

    def __init__(self, stage: object) -> None:
        super().__init__(stage)
        self.handshakes = 0

    def happened(self, event: object) -> None:
        if isinstance(event, StartTLS):
            self.handshakes += 1
            self.engine.receive(b"RCPT TO:<c@d>\r\nPASS secret\r\nz SELECT INBOX\r\n")
            self.engine.answer(TLS("TLSv1.3", ""))
            return
        super().happened(event)


@pytest.mark.parametrize("protocol", WORDS)
@pytest.mark.parametrize("seed", range(60))
def test_attack_04_random_walks_around_starttls(protocol: str, seed: int) -> None:
    """Whatever came before: one handshake at most, and nothing that came in the clear counts."""
    chance = random.Random(f"{protocol} {seed}")
    stage: object
    if protocol == "smtp":
        stage = EachSmtpStage({"service": "submission", "tls": "offered", "plaintext": "yes"})
    elif protocol == "pop3":
        stage = Pop3Stage({"tls": "yes", "plaintext": "yes"})
    else:
        stage = BoundedImapStage({"logged-in": "no", "tls": "yes"})
    scene = _Once(stage)
    for _ in range(12):
        words = chance.choices(WORDS[protocol], k=chance.randrange(1, 4))
        scene.give(b"".join(word + b"\r\n" for word in words))
        assert scene.handshakes <= 1


def test_attack_08_wrong_alpn(server: Server) -> None:
    """ALPACA: a client that wants to speak HTTP over TLS is not served mail."""
    context = server.tls()
    context.set_alpn_protocols(["http/1.1"])
    for service in ("submissions", "pop3s", "imaps"):
        with socket.create_connection(server.address(service), 20) as plain:
            try:
                with context.wrap_socket(plain) as wire:
                    assert wire.selected_alpn_protocol() is None
                    wire.sendall(REQUEST)
                    assert read_all(wire).count(b"\r\n") <= 2
            except ssl.SSLError:
                continue
