"""Too often, too many wrong: counted for the machine, and only those wait whom it is about."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.attacks.conftest import HASH, PATIENCE
from tests.system.server import Server

ANNA = "anna@localhost"
OTHERS = [f"{name}@localhost" for name in ("boris", "by_smtp", "by_imap", "by_pop3")]
SETTINGS = HASH | {
    "rates.trusted": "",
    "rates.connections": 5,
    "rates.submission_connections": 25,
    "rates.imap_connections": 8,
    "rates.pop3_connections": 8,
    "rates.lmtp_connections": 3,
    "rates.recipients": 10,
    "rates.sender_messages": 4,
    "rates.account_recipients": 6,
    "rates.account_messages": 3,
    "rates.slowest_error": 2,
    "rates.slowest_log_in": 2,
    "rates.failed_log_ins": 5,
    "limits.log_ins": 100,
}


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    """Two workers, that trust nobody."""
    with Server(workers=2, settings=SETTINGS) as running:
        running.add_accounts([ANNA, *OTHERS], "secret")
        yield running


def smtp(server: Server, source: str, service: str = "smtp") -> smtplib.SMTP:
    port = server.port(service)
    return smtplib.SMTP("127.0.0.1", port, "x", timeout=PATIENCE, source_address=(source, 0))


def took(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def test_a_network_that_connects_too_often(strict: Server) -> None:
    """Over both workers; another network is not told to wait."""
    for _ in range(5):
        smtp(strict, "127.1.0.1").quit()
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        smtp(strict, "127.1.0.1")
    assert refused.value.smtp_code == 421
    assert "4.7.0" in str(refused.value.smtp_error)
    smtp(strict, "127.1.0.2").quit()


def greeting(server: Server, source: str, service: str) -> bytes:
    """The first line of a connection; nothing where it ends before that."""
    address = server.address(service)
    with socket.create_connection(address, PATIENCE, source_address=(source, 0)) as plain:
        if not service.endswith("s"):
            return plain.makefile("rb").readline()
        try:
            with server.tls().wrap_socket(plain, server_hostname="localhost") as client:
                return client.makefile("rb").readline()
        except OSError:
            return b""


@pytest.mark.parametrize(
    ("services", "most", "good", "refusal"),
    [
        (("submission", "submissions"), 25, b"220 ", b"421 4.7.0 too many connections from"),
        (("imap", "imaps"), 8, b"* OK ", b"* BYE [UNAVAILABLE] too many connections from"),
        (("pop3", "pop3s"), 8, b"+OK ", b"-ERR [SYS/TEMP] too many connections from"),
        (("lmtp",), 3, b"220 ", b"421 4.7.0 too many connections from"),
    ],
)
def test_a_network_that_connects_too_often_to_others(
    strict: Server, services: tuple[str, ...], most: int, good: bytes, refusal: bytes
) -> None:
    """A service with TLS from its start is counted with the other, and shakes no hands."""
    guest, other = "127.1.1.1", "127.1.1.2"
    for n in range(most):
        assert greeting(strict, guest, services[n % len(services)]).startswith(good)
    assert greeting(strict, guest, services[0]).startswith(refusal)
    for service in services[1:]:
        assert greeting(strict, guest, service) == b""
    for service in services:
        assert greeting(strict, other, service).startswith(good)


@pytest.mark.parametrize(
    ("network", "service", "wrong"),
    [
        ("127.4.1", "smtp", b"XYZZY\r\n"),
        ("127.4.2", "smtp", b"RCPT TO:nobody\r\n"),
        ("127.4.3", "submission", b"XYZZY\r\n"),
        ("127.4.4", "pop3", b"XYZZY\r\n"),
        ("127.4.5", "imap", b"a XYZZY\r\n"),
    ],
)
def test_attack_11_errors_are_told_ever_more_slowly(
    strict: Server, network: str, service: str, wrong: bytes
) -> None:
    """Whatever is wrong; a connection from elsewhere does not wait."""

    def err(source: str, count: int) -> list[float]:
        with socket.create_connection(
            strict.address(service), PATIENCE, source_address=(source, 0)
        ) as client:
            lines = client.makefile("rb")
            lines.readline()

            def one() -> None:
                client.sendall(wrong)
                assert lines.readline()

            return [took(one) for _ in range(count)]

    err(f"{network}.1", 3)
    slow = err(f"{network}.1", 3)[-1]
    assert slow > 0.9
    assert err(f"{network}.2", 1)[0] < slow


def test_a_sender_and_a_network_with_too_many_letters(strict: Server) -> None:
    with smtp(strict, "127.2.0.1") as first:
        first.ehlo()
        for _ in range(4):
            assert first.mail("a@many.example")[0] == 250
            first.rset()
        code, text = first.mail("b@many.example")
        assert (code, text[:5]) == (451, b"4.7.1")
        assert first.mail("a@few.example")[0] == 250
        for _ in range(10):
            assert first.rcpt(ANNA)[0] == 250
        code, text = first.rcpt(ANNA)
        assert (code, text[:5]) == (451, b"4.7.1")
    with smtp(strict, "127.2.0.2") as second:
        second.ehlo()
        assert second.mail("c@many.example")[0] == 451
        assert second.mail("")[0] == 250
        assert second.rcpt(ANNA)[0] == 250


def test_an_account_that_sends_too_much(strict: Server) -> None:
    with smtp(strict, "127.3.0.1", "submission") as client:
        client.starttls(context=strict.tls())
        client.login(ANNA, "secret")
        assert client.mail(ANNA)[0] == 250
        assert [client.rcpt(f"n{n}@far.example")[0] for n in range(7)] == [250] * 6 + [451]
        for _ in range(2):
            client.rset()
            assert client.mail(ANNA)[0] == 250
        client.rset()
        assert client.mail(ANNA) == (451, b"4.7.1 you have sent too much for now, try again later")
    with smtp(strict, "127.3.0.1", "submission") as other:
        other.starttls(context=strict.tls())
        other.login("boris@localhost", "secret")
        assert other.mail("boris@localhost")[0] == 250
        assert other.rcpt("n@far.example")[0] == 250


def harvest(server: Server, source: str, count: int) -> list[float]:
    """How long the replies to unknown recipients take."""
    with smtp(server, source) as client:
        client.ehlo()
        client.mail("a@b.example")
        return [took(lambda: client.rcpt("nobody@localhost")) for _ in range(count)]


def test_attack_11_a_dictionary_of_names(strict: Server) -> None:
    """Ever slower, also on the next connection and on another worker; others are not."""
    assert max(harvest(strict, "127.4.0.1", 3)) < 0.5
    harvest(strict, "127.4.0.1", 3)
    assert max(harvest(strict, "127.4.0.1", 2)) > 1.5
    assert max(harvest(strict, "127.4.0.2", 1)) < 0.5


def by_smtp(server: Server, source: str, password: str, name: str = ANNA) -> str:
    with smtp(server, source, "submission") as client:
        client.starttls(context=server.tls())
        client.ehlo()
        shown = b64encode(f"\0{name}\0{password}".encode()).decode()
        code, _ = client.docmd("AUTH", f"PLAIN {shown}")
        return "in" if code == 235 else str(code)


def by_imap(server: Server, source: str, password: str, name: str = ANNA) -> str:
    class Client(imaplib.IMAP4):
        def _create_socket(self, timeout: float | None) -> object:
            return socket.create_connection(
                server.address("imap"), PATIENCE, source_address=(source, 0)
            )

    client = Client("127.0.0.1", server.port("imap"))
    try:
        client.login(name, password)
    except imaplib.IMAP4.error as refused:
        return str(refused)
    finally:
        client.shutdown()
    return "in"


def by_pop3(server: Server, source: str, password: str, name: str = ANNA) -> str:
    class Client(poplib.POP3):
        def _create_socket(self, timeout: float | None) -> object:
            return socket.create_connection(
                server.address("pop3"), PATIENCE, source_address=(source, 0)
            )

    client = Client("127.0.0.1", server.port("pop3"))
    try:
        client.user(name)
        client.pass_(password)
    except poplib.error_proto as refused:
        return str(refused)
    finally:
        client.close()
    return "in"


Way = Callable[..., str]


@pytest.mark.parametrize("way", [by_smtp, by_imap, by_pop3])
@pytest.mark.parametrize("known", [True, False])
def test_attack_29_a_guesser(strict: Server, way: Way, known: bool) -> None:
    """Slowed, then put off, whichever worker is asked; the owner comes in from elsewhere."""
    number = [by_smtp, by_imap, by_pop3].index(way) * 2 + known
    guesser, owner = f"127.5.{number}.1", f"127.5.{number}.2"
    name = f"{way.__name__}@localhost" if known else f"nobody{number}@localhost"
    times = [took(partial(way, strict, guesser, f"guess {n}", name)) for n in range(5)]
    assert times[0] < 1.5
    assert times[-1] > 1.9
    # No password is checked any more: what is right cannot be told.
    answer = way(strict, guesser, "secret", name)
    assert {by_smtp: "454", by_imap: "UNAVAILABLE", by_pop3: "SYS/TEMP"}[way] in answer
    if known:
        assert took(partial(way, strict, owner, "secret", name)) < 1.5
        assert way(strict, owner, "secret", name) == "in"


def test_attack_29_a_good_log_in_forgets_the_bad_ones(strict: Server) -> None:
    for _ in range(3):
        for n in range(3):
            assert by_smtp(strict, "127.6.0.1", f"guess {n}") == "535"
        assert by_smtp(strict, "127.6.0.1", "secret") == "in"


def test_attack_29_an_old_password_tried_again_and_again(strict: Server) -> None:
    """It keeps nobody out who has the new one."""
    for _ in range(8):
        assert by_smtp(strict, "127.7.0.1", "the old one") == "535"
    assert by_smtp(strict, "127.7.0.1", "secret") == "in"


def test_attack_29_one_password_for_all_accounts(strict: Server) -> None:
    """No account has had many failures, but the network has."""
    times = [
        took(partial(by_smtp, strict, "127.8.0.1", "spring", f"name{n}@localhost"))
        for n in range(20)
    ]
    assert times[0] < 1.5
    assert times[-1] > 1
