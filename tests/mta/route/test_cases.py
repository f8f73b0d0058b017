"""The cases of cases.txt, with a name server and the resolver."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from posthouse.mta.route.hop import Credentials, Decision, Local, NoRoute, TLSPolicy
from posthouse.mta.route.ourselves import Ourselves
from posthouse.mta.route.patterns import DomainMap
from posthouse.mta.route.router import Router
from posthouse.mta.route.static import StaticRoute, static_route
from posthouse.runtime.dns.resolver import Resolver, Settings

from ...system.nameserver import Fault, NameServer

US = Ourselves(frozenset({"mx.our.example"}), frozenset({"127.0.0.10"}))


@dataclass
class Case:
    title: str
    zone: list[str] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)
    routes: dict[str, StaticRoute] = field(default_factory=dict)
    expected: dict[str, list[str]] = field(default_factory=dict)


def cases() -> list[Case]:
    found: list[Case] = []
    domain = ""
    for line in Path(__file__).with_name("cases.txt").read_text().splitlines():
        words = line.split()
        if line.startswith("== "):
            found.append(Case(line[3:]))
            domain = ""
        elif not words or line.startswith("#"):
            continue
        elif line.startswith("> "):
            domain = line[2:]
            found[-1].expected[domain] = []
        elif domain:
            found[-1].expected[domain].append(line)
        elif words[0] == "route":
            found[-1].routes[words[1]] = route_of(*words[2:])
        elif words[-1] in Fault.__members__:
            found[-1].faults[words[0]] = Fault[words[-1]]
        else:
            found[-1].zone.append(line)
    return found


def route_of(to: str, tls: str = "opportunistic", user: str = "") -> StaticRoute:
    return static_route(to, TLSPolicy(tls), Credentials(user, "secret") if user else None)


def told(decision: Decision) -> list[str]:
    """A decision as cases.txt has it."""
    if isinstance(decision, Local):
        return ["local"]
    if isinstance(decision, NoRoute):
        assert decision.is_permanent == (decision.status[0] == "5")
        assert decision.text
        return [f"{decision.code} {decision.status}"]
    return [
        f"{hop.host}:{hop.port} {','.join(hop.addresses)} {hop.transport.value} {hop.tls.value}"
        + (f" {hop.credentials.user}" if hop.credentials else "")
        for hop in decision.hops
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.title)
def test_case(case: Case) -> None:
    async def work(dns: NameServer) -> dict[str, list[str]]:
        nothing_comes = Fault.SILENT in case.faults.values()
        settings = Settings(query_time=0.1 if nothing_comes else 10.0)
        resolver = Resolver([dns.address], settings, asyncio.get_running_loop().time)
        router = Router(
            resolver,
            lambda domain: domain == "our.example",
            US,
            Random(1),
            DomainMap(case.routes),
        )
        try:
            return {domain: told(await router.route(domain)) for domain in case.expected}
        finally:
            await resolver.close()

    with NameServer("\n".join(case.zone)) as dns:
        for name, fault in case.faults.items():
            dns.fault(name, fault)
        assert asyncio.run(work(dns)) == case.expected
