"""Where letters go, what comes of them, what the sender is told: the cases of relay_cases.py."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from posthouse.runtime.tls import CertificateFiles, make_self_signed, server_context
from tests.system.net import Net, ann, until
from tests.system.peer import Peer
from tests.system.relay_cases import CASES, Case
from tests.system.server import Server
from tests.system.user import User, letter


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
    assert tried(peers) == [name for name in case.route if name in peers]
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


def tried(peers: Mapping[str, Peer]) -> list[str]:
    """The hosts that were connected to, in order, each once."""
    made = [(heard.since, name) for name, peer in peers.items() for heard in peer.connections]
    return list(dict.fromkeys(name for _, name in sorted(made)))


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
