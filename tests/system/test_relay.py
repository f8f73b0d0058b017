"""Where letters go, what comes of them, and what the sender is told: a table of cases.

A case is a domain. `dns` is its records, with `@` for the domain and other names before it; `hosts`
are scripted (see peer.py), the others of `dns` have an address on which nobody listens. A letter
goes to its `to`, is `taken` by hosts, and `ends` as the queue says: relayed, failed (with the
status of the report that the sender gets), or deferred (with its reason).
"""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from posthouse.runtime.tls import CertificateFiles, make_self_signed, server_context
from tests.system.nameserver import Fault
from tests.system.net import Net, ann, until
from tests.system.peer import Peer
from tests.system.server import Server
from tests.system.user import User, letter

TAKES = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One letter."""

    name: str
    dns: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    ends: str = "relayed"
    taken: tuple[str, ...] = ()  # hosts that have the letter, once each
    asked: Mapping[str, int] = field(default_factory=dict)  # connections of a host
    to: tuple[str, ...] = ("bob",)
    tls: str = ""  # a host that offers STARTTLS, with a certificate for another name
    fault: Fault | None = None
    text: str = "Hello.\r\n"
    says: str = ""  # a line that the hosts must have heard


CASES = (
    # RFC 5321 §5.1: which hosts, in which order
    Case(
        "lowest preference first",
        "@ MX 20 second; @ MX 10 first",
        {"first": TAKES, "second": TAKES},
        taken=("first",),
        asked={"second": 0},
    ),
    Case("no MX: the domain is the host", "@ A @", {"@": TAKES}, taken=("@",)),
    Case("dead MX", "@ MX 10 dead; @ MX 20 mx", {"mx": TAKES}, taken=("mx",)),
    Case(
        "next address of a host",
        "@ MX 10 mx; mx A dead",
        {"mx": TAKES},
        taken=("mx",),
    ),
    Case(
        "null MX",
        "@ MX 0 .",
        ends="failed 5.1.10",
    ),
    Case("no such domain", "", ends="failed 5.1.2"),
    Case("the name server fails", "@ MX 10 mx", fault=Fault.SERVFAIL, ends="deferred SERVFAIL"),
    Case("all dead", "@ MX 10 dead; @ MX 20 dead2", ends="deferred port"),
    # Hosts that take no mail
    Case(
        "421 in the greeting",
        "@ MX 10 busy; @ MX 20 mx",
        {"busy": "greeting 421 4.3.2 later, close", "mx": TAKES},
        taken=("mx",),
    ),
    Case(
        "554 in the greeting of one",
        "@ MX 10 no; @ MX 20 mx",
        {"no": "greeting 554 5.3.2 no mail here, close", "mx": TAKES},
        taken=("mx",),
    ),
    Case(
        "554 in the greeting of all",
        "@ MX 10 no",
        {"no": "greeting 521 5.3.2 no mail here, close"},
        ends="failed 5.3.2",
    ),
    Case(
        "closes instead of greeting",
        "@ MX 10 odd; @ MX 20 mx",
        {"odd": "greeting close", "mx": TAKES},
        taken=("mx",),
    ),
    Case(
        "resets the connection",
        "@ MX 10 odd; @ MX 20 mx",
        {"odd": "EHLO reset", "mx": TAKES},
        taken=("mx",),
    ),
    Case("knows no EHLO", "@ MX 10 old", {"old": "EHLO 500 what?"}, taken=("old",)),
    # Replies
    Case(
        "greylister: the next try is taken",
        "@ MX 10 grey",
        {"grey": "RCPT 450 4.2.0 greylisted; 250 2.1.5 ok"},
        taken=("grey",),
    ),
    Case(
        "greylister with a second host",
        "@ MX 10 grey; @ MX 20 mx",
        {"grey": "RCPT 450 4.2.0 greylisted", "mx": TAKES},
        taken=("mx",),
    ),
    Case("unknown user", "@ MX 10 mx", {"mx": "RCPT 550 5.1.1 who?"}, ends="failed 5.1.1"),
    Case(
        "a code without enhanced status", "@ MX 10 mx", {"mx": "RCPT 550 no"}, ends="failed 5.0.0"
    ),
    Case(
        "sender refused: not tried elsewhere",
        "@ MX 10 mx; @ MX 20 other",
        {"mx": "MAIL 550 5.7.1 not you", "other": TAKES},
        ends="failed 5.7.1",
        asked={"other": 0},
    ),
    Case(
        "421 in the middle",
        "@ MX 10 busy; @ MX 20 mx",
        {"busy": "DATA 421 4.3.2 going down, close", "mx": TAKES},
        taken=("mx",),
    ),
    Case(
        "552 at the end of the message",
        "@ MX 10 mx",
        {"mx": ". 552 5.2.2 mailbox full"},
        ends="failed 5.2.2",
    ),
    Case(
        "closes after the final dot: not sent elsewhere at once",
        "@ MX 10 odd; @ MX 20 mx",
        {"odd": ". close", "mx": TAKES},
        ends="deferred may have taken it",
        asked={"mx": 0},
    ),
    Case(
        "one of two recipients",
        "@ MX 10 mx",
        {"mx": "RCPT 250 ok; 550 5.1.1 who?"},
        to=("bob", "carol"),
        ends="failed 5.1.1",
        taken=("mx",),
    ),
    Case("a tarpit is waited for", "@ MX 10 slow", {"slow": "slow 0.2"}, taken=("slow",)),
    # TLS
    Case(
        "a certificate for another name, by opportunity",
        "@ MX 10 mx",
        {"mx": TAKES},
        tls="mx",
        taken=("mx",),
        says="STARTTLS",
    ),
    Case(
        "no handshake: in the clear",
        "@ MX 10 mx",
        {"mx": "offers STARTTLS\nSTARTTLS 220 go on, close"},
        taken=("mx",),
        asked={"mx": 2},
    ),
    # Content
    Case(
        "8-bit content for a host without 8BITMIME",
        "@ MX 10 mx",
        {"mx": "without 8BITMIME"},
        text="Gr\u00fc\u00dfe aus K\u00f6ln\r\n",
        taken=("mx",),
    ),
    Case(
        "larger than the host takes",
        "@ MX 10 mx",
        {"mx": "without SIZE\noffers SIZE 100"},
        ends="failed 5.3.4",
    ),
    Case("a host without PIPELINING", "@ MX 10 mx", {"mx": "without PIPELINING"}, taken=("mx",)),
)


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with Net() as net:
        yield net


@pytest.fixture(scope="module")
def site(net: Net) -> Server:
    return net.site("a.example", workers=2)


@pytest.fixture(scope="module")
def sender(site: Server) -> User:
    return ann(site, "a.example")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    folder = tmp_path_factory.mktemp("certificate")
    files = CertificateFiles(folder / "c.pem", folder / "c.key")
    make_self_signed(files, ["elsewhere.example"])
    return files


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_letter_goes_its_way(
    net: Net, site: Server, sender: User, certificate: CertificateFiles, case: Case
) -> None:
    domain = f"case{CASES.index(case)}.example"
    peers = set_up(net, case, domain, certificate)
    recipients = [f"{name}@{domain}" for name in case.to]
    send(sender, recipients, case.text)
    kind, _, what = case.ends.partition(" ")
    if kind == "relayed":
        until(lambda: not waiting(site, domain), site.log)
    elif kind == "failed":
        until(lambda: report(sender, domain), site.log)
        assert report(sender, domain) == what
    else:
        until(lambda: any(each["reason"] for each in waiting(site, domain)), site.log)
        (entry,) = waiting(site, domain)
        assert what in entry["reason"], entry
        assert not report(sender, domain)
    assert sorted(name for name, peer in peers.items() for _ in peer.letters) == sorted(case.taken)
    for name, count in case.asked.items():
        assert len(peers[name].connections) == count, name
    if kind == "deferred":
        # Out of the way of the cases that follow; a next try may have it in hand just now.
        site.run("queue", "remove", "--recipient", recipients[0], expect=None)
    assert not case.says or any(case.says in peer.heard for peer in peers.values())
    for peer in peers.values():
        for taken in peer.letters:
            assert taken.content.isascii() or "8BITMIME" not in case.hosts


def set_up(net: Net, case: Case, domain: str, certificate: CertificateFiles) -> dict[str, Peer]:
    """The records and the hosts of a case."""

    def full(name: str) -> str:
        return domain if name == "@" else name if name == "." else f"{name}.{domain}"

    peers = {}
    for name, script in case.hosts.items():
        context = server_context(certificate) if name == case.tls else None
        peers[name] = net.peer(full(name), script, tls=context)
    for record in filter(None, case.dns.split("; ")):
        name, kind, *data = record.split(" ")
        host = data[-1]
        if kind == "MX":
            net.dns.load(f"{full(name)} MX {data[0]} {full(host)}")
            if host not in case.hosts and host != ".":
                net.dns.set(full(host), "A", net.address())
        elif host != "@":
            live = peers[name].address
            net.dns.set(full(name), "A", net.address(), live)
    if case.fault is not None:
        net.dns.fault(domain, case.fault)
    return peers


def send(sender: User, recipients: list[str], text: str) -> None:
    with sender.smtp() as client:
        message = letter("A case", recipients[0])
        message.set_content(text, cte="8bit" if not text.isascii() else "7bit")
        client.sendmail(
            sender.address,
            recipients,
            message.as_bytes(policy=email.policy.SMTP),
            ["BODY=8BITMIME"] if not text.isascii() else [],
        )


def waiting(site: Server, domain: str) -> list[dict[str, Any]]:
    """What is in the queue for a domain."""
    found: list[dict[str, Any]] = json.loads(
        site.run("queue", "list", "--json", "--recipient", f"*@{domain}")
    )
    return found


def report(sender: User, domain: str) -> str:
    """The status of the report about a domain's recipient that the sender has; empty without."""
    for message in sender.messages(0):
        parsed = email.message_from_bytes(message)
        for part in parsed.walk():
            if part.get_content_type() != "message/delivery-status":
                continue
            groups: list[Any] = list(part.get_payload())
            for group in groups:
                if (group["Final-Recipient"] or "").endswith(f"@{domain}"):
                    assert group["Action"] == "failed"
                    return str(group["Status"])
    return ""
