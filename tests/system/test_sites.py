"""Two Posthouse sites and what is between them: letters there and back, reports, routes, loops."""

from __future__ import annotations

import email
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.runtime.tls import CertificateFiles, make_self_signed, server_context
from tests.system.net import Net, ann, until
from tests.system.peer import Peer
from tests.system.server import PASSWORD, Server
from tests.system.user import User, letter


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with Net() as net:
        yield net


@pytest.fixture(scope="module")
def there(net: Net) -> Server:
    return net.site("there.example")


@pytest.fixture(scope="module")
def here(net: Net, there: Server) -> Server:
    return net.site("here.example", workers=2)


def send(sender: User, to: str, subject: str = "Hello") -> None:
    with sender.smtp() as client:
        message = letter(subject, to)
        del message["From"]
        message["From"] = sender.address
        client.send_message(message, sender.address, [to])


def held(site: Server, next_hop: str) -> int:
    """Hold what can be held; how much is."""
    site.run("queue", "hold", "--next-hop", next_hop, expect=None)
    listed = site.run("queue", "list", "--json", "--next-hop", next_hop, "--state", "held")
    return len(json.loads(listed))


def subjects(user: User, count: int) -> list[str]:
    return [str(email.message_from_bytes(each)["Subject"]) for each in user.messages(count)]


def test_a_letter_there_and_back(here: Server, there: Server) -> None:
    at_home, abroad = ann(here, "here.example"), ann(there, "there.example")
    send(at_home, abroad.address, "There")
    (letter_there,) = abroad.messages(1)
    assert b"with ESMTPS" in letter_there
    send(abroad, str(email.message_from_bytes(letter_there)["From"]), "And back")
    assert subjects(at_home, 1) == ["And back"]


def test_an_unknown_user_comes_back_as_a_report(here: Server, there: Server) -> None:
    sender = ann(there, "there.example")
    send(sender, "nobody@here.example", "For nobody")
    until(lambda: "Not delivered: For nobody" in subjects(sender, 1), there.log)
    (report,) = (m for m in sender.messages(1) if b"Not delivered: For nobody" in m)
    assert b"Return-Path: <>" in report
    assert b"Status: 5.1.1" in report
    assert b"no such user" in report


def test_a_loop_between_two_sites_ends(net: Net) -> None:
    """Each sends the other what it takes as backup; it ends with a report, not in circles."""
    settings = {"relay.backup_for": "loop.example", "limits.received": 50}
    one = net.site("one.example", settings)
    two = net.site("two.example", settings)
    net.dns.load("loop.example MX 10 mx.loop.example")
    two_address = net.dns._records["mx.two.example", "A"][0].to_text()
    net.dns.set("mx.loop.example", "A", two_address)
    one_address = net.dns._records["mx.one.example", "A"][0].to_text()
    two.stop()
    two._settings |= {"dns.servers": net.dns.setting}
    (two.data / "posthouse.toml").write_text(
        f'[routes."loop.example"]\nto = "{one_address}:{net.port}"\n'
    )
    two.start()
    sender = ann(one, "one.example")
    send(sender, "someone@loop.example", "In circles")
    until(lambda: "Not delivered: In circles" in subjects(sender, 0), two.log, 60)
    (report,) = sender.messages(1)
    assert b"Status: 5.4.6" in report
    assert 40 < report.count(b"Received: ") <= 60


def test_a_domain_that_became_local_is_delivered(net: Net, here: Server) -> None:
    net.dns.load("moved.example MX 10 mx.moved.example")
    net.dns.set("mx.moved.example", "A", net.address())
    sender = ann(here, "here.example")
    send(sender, "ann@moved.example", "Moved")
    send(sender, "nobody@moved.example", "Moved away")
    # Between the domain and its account nobody would be there.
    until(lambda: held(here, "moved.example") == 2, here.log)
    here.add_account("ann@moved.example")
    here.run("queue", "release", "--next-hop", "moved.example")
    assert subjects(ann(here, "moved.example"), 1) == ["Moved"]
    until(lambda: "Not delivered: Moved away" in subjects(sender, 1), here.log)


def test_letters_for_a_domain_that_becomes_local_go_at_once(net: Net) -> None:
    """Not when its dead next hop would be tried again; and each waits for its account."""
    net.dns.load("coming.example MX 10 mx.coming.example")
    net.dns.set("mx.coming.example", "A", net.address())
    wait = {"relay.first_wait": 600, "queue.first_wait": 600, "queue.longest_wait": 600}
    site = net.site("growing.example", wait | {"relay.longest_wait": 600})
    sender = ann(site, "growing.example")
    for user in ("ann", "bob"):
        send(sender, f"{user}@coming.example", f"To {user}")
    until(lambda: "refused" in site.run("queue", "list", "--json"), site.log)
    site.add_domain("coming.example")
    until(lambda: site.run("queue", "list", "--json").count("no such user") == 2, site.log)
    site.add_account("ann@coming.example")
    assert subjects(ann(site, "coming.example"), 1) == ["To ann"]
    site.run("alias", "add", "bob@coming.example", "ann@coming.example")
    assert subjects(ann(site, "coming.example"), 2) == ["To ann", "To bob"]


def test_a_dead_next_hop_that_lives_again(net: Net, here: Server) -> None:
    net.dns.load("again.example MX 10 mx.again.example")
    net.dns.set("mx.again.example", "A", net.address(), ttl=1)
    sender = ann(here, "here.example")
    for number in range(5):
        send(sender, f"user{number}@again.example")
    until(lambda: '"deferred"' in here.run("queue", "list", "--json"), here.log)
    peer = net.peer("mx.again.example")
    until(lambda: len(peer.letters) == 5, here.log, 60)


def test_the_operator_has_a_dead_next_hop_tried_at_once(net: Net) -> None:
    net.dns.load("patient.example MX 10 mx.patient.example")
    address = net.address()
    net.dns.set("mx.patient.example", "A", address)
    wait = {"relay.first_wait": 600, "queue.first_wait": 600, "queue.longest_wait": 600}
    site = net.site("operated.example", wait)
    sender = ann(site, "operated.example")
    send(sender, "bob@patient.example")
    send(sender, "carol@patient.example")
    until(lambda: '"deferred"' in site.run("queue", "list", "--json"), site.log)
    with Peer(address, net.port) as peer:
        until(lambda: site.run("queue", "retry", "--all", expect=None), site.log)
        until(lambda: len(peer.letters) == 2, site.log)


def test_a_next_hop_that_takes_nothing_is_tried_once_whatever_waits(net: Net) -> None:
    """One connection, however many letters wait; the others are not touched, nor after a start."""
    peer = net.peer("mx.busy.example", "greeting 421 4.3.2 not now, close")
    net.dns.load("busy.example MX 10 mx.busy.example")
    site = net.site("calm.example", {"relay.first_wait": 600, "relay.longest_wait": 600})
    sender = ann(site, "calm.example")
    with sender.smtp() as client:
        for number in range(30):
            client.send_message(letter("Busy"), sender.address, [f"user{number}@busy.example"])

    def waiting() -> list[dict[str, object]]:
        listed: list[dict[str, object]] = json.loads(site.run("queue", "list", "--json"))
        return [each for each in listed if "no mail now" in str(each["reason"])]

    until(lambda: len(waiting()) == 30, site.log)
    site.restart()
    send(sender, "user30@busy.example")
    until(lambda: len(waiting()) == 31, site.log)
    assert len(peer.connections) == 1
    assert sorted(int(str(each["tries"])) for each in waiting()) == [0] * 30 + [1]


def test_a_host_that_refuses_all_does_not_speak_for_one_that_is_busy(net: Net) -> None:
    """A letter that comes while the second host refuses the first is not for it to refuse."""
    busy = net.peer("mx.half.example", "RCPT 421 4.3.2 not now, close")
    no = net.peer("mx2.half.example", "slow 0.5\ngreeting 554 5.3.2 no mail here, close")
    net.dns.load("half.example MX 10 mx.half.example\nhalf.example MX 20 mx2.half.example")
    waits = {"relay.first_wait": 600, "relay.longest_wait": 600, "queue.first_wait": 600}
    site = net.site("patient.example", waits)
    sender = ann(site, "patient.example")
    send(sender, "first@half.example", "First")
    until(lambda: no.connections, site.log)
    send(sender, "second@half.example", "Second")

    def waiting() -> list[dict[str, object]]:
        listed: list[dict[str, object]] = json.loads(site.run("queue", "list", "--json"))
        return [each for each in listed if each["reason"]]

    until(lambda: len(waiting()) == 2 or subjects(sender, 0), site.log)
    assert subjects(sender, 0) == []
    assert busy.connections


def test_tarpits_do_not_delay_a_host_that_takes_letters(net: Net) -> None:
    """More of them than there are connections, and all of them silent: nobody else waits."""
    tarpit, live = net.peer("mx.tarpit.example", "greeting silence"), net.peer("mx.alive.example")
    net.dns.load("alive.example MX 10 mx.alive.example")
    site = net.site("patience.example", {"relay.connections": 8})
    sender = ann(site, "patience.example")
    send(sender, "first@alive.example")
    until(lambda: live.letters, site.log)
    for number in range(12):
        net.dns.load(f"silent{number}.example MX 10 mx.tarpit.example")
        send(sender, f"user@silent{number}.example")
    until(lambda: tarpit.connections, site.log)
    for number in range(5):
        send(sender, f"user{number}@alive.example")
    until(lambda: len(live.letters) == 6, site.log)
    # The tarpits are still waited for, one after the other.
    listed = json.loads(site.run("queue", "list", "--json"))
    assert {each["next_hop"] for each in listed} == {f"silent{n}.example" for n in range(12)}
    assert not tarpit.letters
    until(lambda: len(tarpit.connections) > 3, site.log)


#: Looks every second at what waits too long, not every minute.
EVERY_SECOND = "from posthouse.mta.relay import relay; relay.TELLING = 1.0"
IMPATIENT = (
    sys.executable,
    "-c",
    f"{EVERY_SECOND}; from posthouse.cli import main; main()",
)


def test_a_letter_that_was_never_tried_is_given_up_in_time(net: Net) -> None:
    """Its next hop is left alone for longer than it may wait; its sender gets a report."""
    peer = net.peer("mx.never.example", "greeting 421 4.3.2 not now, close")
    net.dns.load("never.example MX 10 mx.never.example")
    settings = {"relay.first_wait": 600, "relay.longest_wait": 600, "queue.give_up_after": 4}
    site = net.site("late.example", settings, command=IMPATIENT)
    sender = ann(site, "late.example")
    for number in range(3):
        send(sender, f"user{number}@never.example", f"Letter {number}")
    expected = {f"Not delivered: Letter {number}" for number in range(3)}
    until(lambda: expected <= set(subjects(sender, 0)), site.log)
    assert len(peer.connections) == 1
    report = next(each for each in sender.messages(3) if b"Not delivered: Letter 2" in each)
    for line in (b"Action: failed", b"Status: 4.3.2", b"Given up after 4 seconds"):
        assert line in report


def test_one_connection_carries_many_letters(net: Net, here: Server) -> None:
    peer = net.peer("mx.many.example")
    net.dns.load("many.example MX 10 mx.many.example")
    sender = ann(here, "here.example")
    with sender.smtp() as client:
        for number in range(60):
            client.send_message(letter("Many"), sender.address, [f"user{number}@many.example"])
    until(lambda: len(peer.letters) == 60, here.log)
    assert len(peer.connections) <= 20
    assert len({taken.recipients[0] for taken in peer.letters}) == 60


def test_250_recipients_go_in_portions(net: Net, here: Server) -> None:
    peer = net.peer("mx.portions.example")
    net.dns.load("portions.example MX 10 mx.portions.example")
    sender = ann(here, "here.example")
    recipients = [f"user{number}@portions.example" for number in range(250)]
    with sender.smtp() as client:
        client.send_message(letter("Portions"), sender.address, recipients)
    until(lambda: sum(len(taken.recipients) for taken in peer.letters) == 250, here.log)
    assert [len(taken.recipients) for taken in peer.letters] == [100, 100, 50]


def test_a_large_letter_is_streamed(net: Net, here: Server) -> None:
    peer = net.peer("mx.large.example")
    net.dns.load("large.example MX 10 mx.large.example")
    sender = ann(here, "here.example")
    text = "".join(f"{number:070}\r\n" for number in range(10_000))
    with sender.smtp() as client:
        client.send_message(letter("Large", text=text), sender.address, ["bob@large.example"])
    until(lambda: peer.letters, here.log)
    assert peer.letters[0].content.endswith(text.encode())


def test_what_is_in_hand_at_the_end_is_not_lost_or_doubled(net: Net) -> None:
    """A server that ends finishes the letter that is being sent, and gives back the others."""
    peer = net.peer("mx.end.example", "slow 0.04")
    net.dns.load("end.example MX 10 mx.end.example")
    site = net.site("ending.example")
    sender = ann(site, "ending.example")
    with sender.smtp() as client:
        for number in range(20):
            client.send_message(letter("End"), sender.address, [f"user{number}@end.example"])
    until(lambda: len(peer.letters) > 1, site.log)
    site.restart()
    until(lambda: len(peer.letters) == 20, site.log)
    until(lambda: json.loads(site.run("queue", "list", "--json")) == [], site.log)
    assert len({taken.recipients[0] for taken in peer.letters}) == 20


def test_killed_workers_lose_nothing(net: Net) -> None:
    """Relaying is at least once: what was being sent may come twice, everything comes."""
    peer = net.peer("mx.killed.example", "slow 0.01")
    net.dns.load("killed.example MX 10 mx.killed.example")
    site = net.site("killer.example", workers=2)
    sender = ann(site, "killer.example")
    with sender.smtp() as client:
        for number in range(60):
            client.send_message(letter("Kill"), sender.address, [f"user{number}@killed.example"])
    for count in (10, 30):
        until(lambda: len(peer.letters) >= count, site.log)  # noqa: B023
        site.kill_workers()
    until(lambda: len({taken.recipients[0] for taken in peer.letters}) == 60, site.log, 60)
    until(lambda: json.loads(site.run("queue", "list", "--json")) == [], site.log)
    # Two workers, twenty connections each, were killed twice.
    assert len(peer.letters) <= 60 + 80


def test_a_smarthost_that_proves_itself(net: Net, tmp_path: Path) -> None:
    """A Posthouse logs in at another one, by SCRAM, and sends all its letters there."""
    files = CertificateFiles(tmp_path / "c.pem", tmp_path / "c.key")
    make_self_signed(files, ["hub.example"])
    hub = net.site(
        "hub.example",
        {
            "tls.certificate": str(files.certificate),
            "tls.key": str(files.key),
            "log_in.mechanisms": "SCRAM-SHA-256",
            "submission.check_sender": False,
        },
    )
    peer = net.peer("mx.outside.example")
    net.dns.load("outside.example MX 10 mx.outside.example\nhub.example A 127.0.0.1")
    data = tmp_path / "data"
    data.mkdir()
    (data / "password").write_text(PASSWORD)
    (data / "posthouse.toml").write_text(
        f"""
[relay]
authorities = "{files.certificate}"
[routes."*"]
to = "hub.example:{hub.port("submission")}"
tls = "verify"
user = "ann@hub.example"
password_file = "password"
"""
    )
    site = net.site("spoke.example", data=data)
    send(ann(site, "spoke.example"), "bob@outside.example")
    until(lambda: peer.letters, lambda: site.log() + hub.log())
    assert b"with ESMTPSA" in peer.letters[0].content


def test_a_smarthost_with_a_password(net: Net, tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "c.pem", tmp_path / "c.key")
    make_self_signed(files, ["smarthost.example"])
    smarthost = net.peer("smarthost.example", "offers AUTH PLAIN", tls=server_context(files))
    wrong = net.peer("wrong.example", "offers AUTH PLAIN", tls=server_context(files))
    data = tmp_path / "data"
    data.mkdir()
    (data / "password").write_text("open sesame\n")
    (data / "posthouse.toml").write_text(
        f"""
[relay]
authorities = "{files.certificate}"
[routes."*"]
to = "smarthost.example:{net.port}"
tls = "verify"
user = "relay"
password_file = "password"
[routes."wrong.example"]
to = "wrong.example:{net.port}"
tls = "verify"
"""
    )
    site = net.site("smart.example", data=data)
    sender = ann(site, "smart.example")
    send(sender, "bob@anywhere.example")
    send(sender, "bob@wrong.example")
    until(lambda: smarthost.letters, site.log)
    (connection,) = smarthost.connections
    assert connection.tls
    assert "AUTH PLAIN AHJlbGF5AG9wZW4gc2VzYW1l" in connection.lines
    until(lambda: "certificate" in site.run("queue", "list", "--json"), site.log)
    assert not wrong.letters


def test_mail_exchangers_that_have_to_prove_their_names(net: Net, tmp_path: Path) -> None:
    """`relay.tls`: those that cannot get nothing, and the letters wait."""
    files = CertificateFiles(tmp_path / "c.pem", tmp_path / "c.key")
    make_self_signed(files, ["mx.right.example"])
    right = net.peer("mx.right.example", tls=server_context(files))
    others = [
        net.peer("mx.other.example", tls=server_context(files)),
        net.peer("mx.clear.example"),
        net.peer("mx.changed.example", "offers STARTTLS\nSTARTTLS 502 5.5.1 not known"),
    ]
    for name in ("right", "other", "clear", "changed"):
        net.dns.load(f"{name}.example MX 10 mx.{name}.example")
    site = net.site(
        "strict.example", {"relay.tls": "verify", "relay.authorities": str(files.certificate)}
    )
    sender = ann(site, "strict.example")
    for name in ("right", "other", "clear", "changed"):
        send(sender, f"bob@{name}.example")
    until(lambda: right.letters, site.log)
    for name, reason in (
        ("other", "certificate"),
        ("clear", "STARTTLS is not offered"),
        ("changed", "refused STARTTLS"),
    ):
        listed = ("queue", "list", "--json", "--next-hop", f"{name}.example")
        until(lambda: reason in site.run(*listed), site.log)  # noqa: B023
    assert not any(other.letters for other in others)


def test_delivery_on_another_node_by_lmtp(net: Net, tmp_path: Path, there: Server) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "posthouse.toml").write_text(
        f'[routes."there.example"]\nto = "lmtp:127.0.0.1:{there.port("lmtp")}"\n'
    )
    site = net.site("front.example", data=data)
    sender = ann(site, "front.example")
    with sender.smtp() as client:
        client.send_message(
            letter("By LMTP"), sender.address, ["ann@there.example", "nobody@there.example"]
        )
    abroad = ann(there, "there.example")
    until(lambda: "By LMTP" in subjects(abroad, 1), site.log)
    assert any(b"with LMTPS" in each for each in abroad.messages(1))
    until(lambda: "Not delivered: By LMTP" in subjects(sender, 0), site.log)
