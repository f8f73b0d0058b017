"""`posthouse route`: settings, name server and router together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..system.nameserver import NameServer
from .conftest import Run

ZONE = """
example.org MX 10 first.example.org
example.org MX 20 second.example.org
first.example.org A 127.0.0.2
second.example.org A 127.0.0.3
loop.example MX 10 mx.our.example
other.example MX 10 other.our.example
other.our.example A 127.0.0.10
null.example MX 0 .
"""


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with NameServer(ZONE) as server:
        yield server


@pytest.fixture
def site(run: Run, data: Path, dns: NameServer) -> Run:
    """A site that asks the name server of the test, with a smarthost for one domain."""
    (data / "posthouse.toml").write_text(
        'hostname = "mx.our.example"\n[listen]\nsmtp = ["127.0.0.10:2525"]\n'
        f'[dns]\nservers = ["{dns.setting}"]\n[relay]\nport = 2500\n'
        '[routes."example.net"]\nto = "[127.0.0.4]:587"\ntls = "required"\nuser = "me"\n'
        'password_file = "password"\n'
    )
    (data / "password").write_text("Geheimnis\n")
    run("domain", "add", "our.example")
    return run


def test_for_people(site: Run) -> None:
    said = site("route", "ann@example.org", "example.net", "our.example").stdout
    assert said.splitlines() == [
        "example.org",
        "  smtp first.example.org port 2500 (127.0.0.2), TLS opportunistic",
        "  smtp second.example.org port 2500 (127.0.0.3), TLS opportunistic",
        "example.net",
        "  smtp [127.0.0.4] port 587 (127.0.0.4), TLS required, as me",
        "our.example",
        "  local: it is a domain of this site",
    ]
    assert "Geheimnis" not in site("config", "show").stdout


def test_no_way(site: Run) -> None:
    rows = json.loads(
        site("route", "--json", "loop.example", "other.example", "null.example", status=1).stdout
    )
    assert [row["status"] for row in rows] == ["5.4.6", "5.4.6", "5.1.10"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("dns.servers=ns.example", "dns.servers: expected addresses"),
        ("relay.names=a b", "relay.names: "),
        ("routes.a..b.to=h", "routes: 'a..b'"),
        ("routes.example.net.password_file=none", "routes.example.net: "),
    ],
)
def test_settings_that_cannot_be_used(site: Run, override: str, words: str) -> None:
    assert words in site("route", "--set", override, "example.org", status=1).stderr
