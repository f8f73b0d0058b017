"""nsd, a name server of another make: the resolver is told the same by it as by that of the tests.

nsd is authoritative alone and follows no alias out of a zone, so the resolver has to.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.runtime.dns.answers import Answer, DNSFailure
from posthouse.runtime.dns.exchange import Server
from posthouse.runtime.dns.resolver import Resolver, Settings
from tests.interop.program import PATIENCE, need
from tests.system.nameserver import NameServer

NAMES = (
    "example.org",
    "mx.example.org",
    "six.example.org",
    "alias.example.org",
    "chain.example.org",
    "lost.example.org",
    "null.example.org",
    "many.example.org",
    "text.example.org",
    "empty.example.org",
    "gone.example.org",
    "_25._tcp.mx.example.org",
)
EXAMPLE_ORG = """
example.org. 300 MX 10 mx.example.org.
example.org. 300 MX 20 six.example.org.
mx.example.org. 60 A 127.0.0.2
mx.example.org. 60 AAAA 2001:db8::2
six.example.org. 300 AAAA 2001:db8::6
alias.example.org. 300 CNAME example.org.
chain.example.org. 300 CNAME first.example.net.
lost.example.org. 300 CNAME gone.example.net.
null.example.org. 300 MX 0 .
text.example.org. 300 TXT "v=spf1 " "-all"
below.empty.example.org. 300 TXT "x"
_25._tcp.mx.example.org. 300 TLSA 3 1 1 {digest}
{many}
""".format(
    digest="ab" * 32,
    many="\n".join(f"many.example.org. 300 MX {n} mx{n}.long-name.example.org." for n in range(90)),
)
EXAMPLE_NET = """
first.example.net. 300 CNAME second.example.net.
second.example.net. 300 MX 10 mx.example.org.
second.example.net. 300 A 127.0.0.3
"""
SOA = "{zone}. 60 IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 60\n"
NS = "{zone}. 60 IN NS ns.invalid.\n"
QUICK = Settings(query_time=1.0, look_up_time=5.0)


@pytest.fixture
def nsd(tmp_path: Path) -> Iterator[Server]:
    program = need("nsd")
    with NameServer() as free:  # it has had a port for both UDP and TCP
        host, port = free.address
    lines = [
        "server:",
        f"  ip-address: {host}@{port}",
        '  username: ""',
        "  server-count: 1",
        '  database: ""',
        f'  zonesdir: "{tmp_path}"',
        *(f'  {key}: "{tmp_path / key}"' for key in ("pidfile", "xfrdfile", "zonelistfile")),
        "remote-control:",
        "  control-enable: no",
    ]
    for zone, records in (("example.org", EXAMPLE_ORG), ("example.net", EXAMPLE_NET)):
        text = SOA.format(zone=zone) + NS.format(zone=zone) + records
        (tmp_path / f"{zone}.zone").write_text(text)
        lines += ["zone:", f'  name: "{zone}"', f'  zonefile: "{zone}.zone"']
    (tmp_path / "nsd.conf").write_text("\n".join(lines) + "\n")
    command = [program, "-d", "-c", str(tmp_path / "nsd.conf")]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait((host, port), process, tmp_path / "log")
            yield host, port
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers."""
    end = time.monotonic() + PATIENCE
    while not isinstance(asyncio.run(told(server, ["example.org"]))["MX example.org"], Answer):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()


async def told(server: Server, names: list[str]) -> dict[str, Answer[object] | type[DNSFailure]]:
    """Everything that a name server says of some names."""
    found: dict[str, Answer[object] | type[DNSFailure]] = {}
    resolver = Resolver([server], QUICK, asyncio.get_running_loop().time)
    questions = (
        ("MX", resolver.mx),
        ("A", resolver.addresses),
        ("TXT", resolver.txt),
        ("TLSA", resolver.tlsa),
    )
    for name in names:
        for kind, ask in questions:
            try:
                answer: Answer[object] = await ask(name)
                records = tuple(sorted(answer.records, key=str))
                found[f"{kind} {name}"] = Answer(answer.name, records, answer.ttl)
            except DNSFailure as failure:
                found[f"{kind} {name}"] = type(failure)
    await resolver.close()
    return found


def test_the_same_is_told_by_both(nsd: Server) -> None:
    with NameServer(EXAMPLE_ORG + EXAMPLE_NET) as ours:
        by_ours = asyncio.run(told(ours.address, list(NAMES)))
        by_nsd = asyncio.run(told(nsd, list(NAMES)))
    assert by_nsd == by_ours
    many = by_nsd["MX many.example.org"]
    assert isinstance(many, Answer)  # which came over TCP
    assert len(many.records) == 90
