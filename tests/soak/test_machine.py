"""What a real server does while its machine is at fault, one thing at a time."""

from __future__ import annotations

import imaplib
import smtplib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.net import Net, ann, until
from tests.system.server import SOURCE, Server
from tests.system.user import letter

from .control import VARIABLE, Control

DOMAIN = "machine.example"
DAY = 86_400.0


@pytest.fixture
def net() -> Iterator[Net]:
    with Net() as net:
        yield net


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    control = Control(tmp_path / "faults")
    yield control
    control.close()


@pytest.fixture
def site(net: Net, control: Control) -> Server:
    return net.site(
        DOMAIN,
        {"queue.first_wait": 600, "queue.longest_wait": 600},
        command=(sys.executable, "-m", "tests.soak.served"),
        environment={
            VARIABLE: str(control.path),
            "PYTHONPATH": f"{SOURCE}:{SOURCE.parent}",
        },
    )


def send(site: Server, to: str, subject: str) -> None:
    with ann(site, DOMAIN).smtp() as client:
        client.sendmail(f"ann@{DOMAIN}", [to], letter(subject, to).as_bytes())


def test_attack_62_a_worker_that_starts_on_a_full_disk(
    net: Net, site: Server, control: Control
) -> None:
    """It cannot take over what its predecessor had; letters are read, and refused until there is
    room."""
    net.dns.load("silent.example MX 10 mx.silent.example")
    net.peer("mx.silent.example", "greeting silence")
    user = ann(site, DOMAIN)
    send(site, "bob@silent.example", "In hand")
    until(lambda: '"leased"' in site.run("queue", "list", "--json"), site.log)
    send(site, user.address, "Before")
    assert len(user.messages(1)) == 1
    control.full = True
    (killed,) = site.kill_workers()
    until(lambda: site.pids() not in ([], [killed]), site.log)
    until(lambda: "nothing can be written" in site.log(), site.log)
    assert b"Subject: Before" in user.messages(1)[0]
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)) as refused:
        send(site, user.address, "Meanwhile")
    code = (
        getattr(refused.value, "smtp_code", None)
        or next(iter(getattr(refused.value, "recipients", {"": (0, b"")}).values()))[0]
    )
    assert code in (451, 452)
    with user.imap() as client:
        client.select("INBOX")
        status, said = client.store("1", "+FLAGS", "(\\Flagged)")
        assert status == "NO"
        assert b"[UNAVAILABLE]" in said[0]
        assert client.noop()[0] == "OK"
    control.full = False
    send(site, user.address, "After")
    assert b"Subject: After" in user.messages(2)[1]
    assert 'level=error event="agent failed"' not in site.log()


def test_attack_64_what_waits_does_not_wait_for_a_clock_that_was_ahead(
    net: Net, site: Server, control: Control
) -> None:
    """Put off by a clock that is a day ahead, a letter goes when the clock is right again."""
    net.dns.set("later.example", "MX", "10 mx.later.example", ttl=1)
    peer = net.peer("mx.later.example", "RCPT 450 4.2.0 later; 250 2.1.5 ok")
    control.shift = DAY
    send(site, "bob@later.example", "Tomorrow")
    until(lambda: "RCPT" in " ".join(peer.heard), site.log)
    until(lambda: '"deferred"' in site.run("queue", "list", "--json"), site.log)
    control.shift = 0
    until(lambda: peer.letters, site.log)


def test_attack_64_log_ins_hold_whatever_the_clock_says(site: Server, control: Control) -> None:
    """A session, a remembered log-in and a new one: none of them is of a time of day."""
    user = ann(site, DOMAIN)
    with user.imap() as client:
        for shift in (8 * DAY, -8 * DAY, 0.0):
            control.shift = shift
            assert client.noop()[0] == "OK"
            user.imap().logout()
            with imaplib.IMAP4(*site.address("imap")) as other, pytest.raises(imaplib.IMAP4.error):
                other.login(user.address, "wrong")
