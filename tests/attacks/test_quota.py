"""Many at once for the last room of an account: it never keeps more than it may."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.attacks.conftest import HASH, PATIENCE
from tests.system.net import until
from tests.system.server import Server
from tests.system.user import User

QUOTA = 50_000
LETTER = b"Subject: x\r\n\r\n" + b"0123456789" * 90 + b"\r\n" + b"y" * 900 + b"\r\n"


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    with Server(workers=2, settings=HASH) as running:
        running.add_accounts([f"{name}@localhost" for name in ("ann", "bob", "carl")], "secret")
        for name in ("ann", "bob", "carl"):
            running.run("account", "quota", f"{name}@localhost", str(QUOTA))
        running.run("alias", "add", "both@localhost", "ann@localhost", "carl@localhost")
        yield running


def kept(server: Server, address: str) -> int:
    listed = json.loads(server.run("account", "list", "--json"))
    return next(int(each["octets"]) for each in listed if each["address"] == address)


def count(server: Server, address: str) -> int:
    listed = json.loads(server.run("account", "list", "--json"))
    return next(int(each["messages"]) for each in listed if each["address"] == address)


def send(server: Server, service: str, address: str, times: int) -> list[int]:
    """The replies to the ends of letters, all over one connection, or to RCPT."""
    codes = []
    with (
        smtplib.LMTP(*server.address("lmtp"))
        if service == "lmtp"
        else smtplib.SMTP(*server.address(service), timeout=PATIENCE) as client
    ):
        client.ehlo_or_helo_if_needed()
        for _ in range(times):
            client.mail("eve@sender.example")
            code, _ = client.rcpt(address)
            if code == 250:
                code, _ = client.data(LETTER)
            codes.append(code)
            client.rset()
    return codes


@pytest.mark.parametrize(("service", "address"), [("smtp", "ann"), ("lmtp", "bob")])
def test_attack_58_letters_for_the_last_room(small: Server, service: str, address: str) -> None:
    """Each that was answered 250 is there, or waits in the queue; the others heard 452."""
    account = f"{address}@localhost"
    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(send, small, service, account, 8) for _ in range(8)]
        codes = [code for each in told for code in each.result()]
    taken = codes.count(250)
    assert set(codes) == {250, 452}
    assert taken >= QUOTA // (len(LETTER) + 200)

    def settled() -> bool:
        waiting = json.loads(small.run("queue", "list", "--json", "--recipient", account))
        return count(small, account) + len(waiting) == taken and all(
            each["state"] == "deferred" for each in waiting
        )

    until(settled, small.log)
    assert QUOTA - len(LETTER) - 200 < kept(small, account) <= QUOTA


def test_attack_58_appends_for_the_last_room(small: Server) -> None:
    carl = User(small, "carl@localhost", "secret")

    def append(_: int) -> int:
        with carl.imap() as client:
            return [client.append("INBOX", "", "", LETTER)[0] for _ in range(8)].count("OK")

    with ThreadPoolExecutor(8) as pool:
        appended = sum(pool.map(append, range(8)))
    assert appended == QUOTA // len(LETTER)
    assert kept(small, "carl@localhost") == appended * len(LETTER)


def test_one_of_many_is_full(small: Server) -> None:
    """The others get their letter; who is full waits for room."""
    small.run("account", "quota", "ann@localhost", str(QUOTA * 2))
    before = count(small, "ann@localhost")
    assert send(small, "smtp", "both@localhost", 1) == [250]
    until(lambda: count(small, "ann@localhost") > before, small.log)
    (waiting,) = json.loads(small.run("queue", "list", "--json", "--recipient", "carl@localhost"))
    assert waiting["state"] == "deferred"
    assert "full" in json.dumps(waiting)


def test_refused_when_full(tmp_path: Path) -> None:
    """By setting: 552 at RCPT and at the end, and a report for one among others."""
    settings = HASH | {"delivery.when_full": "refuse"}
    with Server(workers=1, settings=settings, data=tmp_path) as server:
        server.add_accounts([f"{name}@localhost" for name in ("ann", "bob", "eve")], "secret")
        server.run("alias", "add", "both@localhost", "ann@localhost", "bob@localhost")
        server.run("account", "quota", "bob@localhost", "1000")
        with smtplib.SMTP(*server.address("smtp"), timeout=PATIENCE) as client:
            client.ehlo()
            client.mail("eve@localhost")
            assert client.rcpt("bob@localhost")[0] == 250
            assert client.data(LETTER) == (552, b"5.2.2 the mailbox is full")
            client.mail("eve@localhost")
            client.rcpt("both@localhost")
            assert client.data(LETTER)[0] == 250
        assert len(User(server, "ann@localhost", "secret").messages(1)) == 1
        (report,) = User(server, "eve@localhost", "secret").messages(1)
        assert b"Status: 5.2.2" in report
        assert b"Return-Path: <>" in report
        with User(server, "bob@localhost", "secret").imap() as bob:
            assert bob.append("INBOX", "", "", LETTER[:900] + b"\r\n")[0] == "OK"
            assert bob.append("INBOX", "", "", LETTER[:100] + b"\r\n")[0] == "NO"
