"""What holds of routing whatever the DNS says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mta.route.hop import Credentials, Decision, Local, NoRoute, Route, TLSPolicy
from posthouse.mta.route.ourselves import Ourselves, is_of_this_machine
from posthouse.mta.route.patterns import DomainMap, normal_pattern
from posthouse.mta.route.router import Router
from posthouse.mta.route.static import StaticRoute, read_credentials, static_route
from posthouse.runtime.dns.answers import (
    Answer,
    DNSFailure,
    MailExchanger,
    NoData,
    NoSuchDomain,
    Temporary,
)

US = Ourselves(frozenset({"us.example"}), frozenset({"192.0.2.99"}))


class Told:
    """Answers that were thought of before."""

    def __init__(
        self,
        exchangers: tuple[MailExchanger, ...] | type[DNSFailure],
        hosts: dict[str, tuple[str, ...] | type[DNSFailure]],
    ) -> None:
        self._exchangers = exchangers
        self._hosts = hosts

    async def mx(self, name: str) -> Answer[MailExchanger]:
        if isinstance(self._exchangers, tuple):
            return Answer(name, self._exchangers, 60)
        raise self._exchangers(name)

    async def addresses(self, name: str) -> Answer[str]:
        found = self._hosts.get(name, NoSuchDomain)
        if isinstance(found, tuple):
            return Answer(name, found, 60)
        raise found(name)


def router(
    resolver: Told,
    chance: int = 0,
    routes: dict[str, StaticRoute] | None = None,
) -> Router:
    return Router(
        resolver,
        lambda domain: domain == "local.example",
        US,
        Random(chance),
        DomainMap(routes or {}),
    )


def decide(resolver: Told, chance: int = 0, domain: str = "example.org") -> Decision:
    return asyncio.run(router(resolver, chance).route(domain))


failures = st.sampled_from([NoSuchDomain, NoData, Temporary])
addresses = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.99", "2001:db8::1", "0.0.0.0", "x"])
names = st.sampled_from(["a.example", "b.example", "c.example", "d.example", "us.example", ".", ""])
exchangers = st.lists(st.builds(MailExchanger, st.integers(0, 5), names | st.text(max_size=5)))
tellers = st.builds(
    Told,
    st.one_of(failures, exchangers.filter(bool).map(tuple)),
    st.dictionaries(
        names | st.just("example.org"),
        failures | st.lists(addresses, min_size=1, max_size=4).map(tuple),
    ),
)


@given(tellers, st.integers())
def test_whatever_is_answered(resolver: Told, chance: int) -> None:
    """A decision always; a route has hosts with addresses, by preference, and none is us."""
    decision = decide(resolver, chance)
    if isinstance(decision, NoRoute):
        assert decision.is_permanent == (decision.status[0] == "5")
        return
    assert isinstance(decision, Route)
    assert decision.hops
    for hop in decision.hops:
        assert hop.addresses
        assert "192.0.2.99" not in hop.addresses
        assert not {"0.0.0.0", "x"} & set(hop.addresses)
    hosts = [hop.host for hop in decision.hops]
    assert "us.example" not in hosts
    assert len(set(hosts)) == len(hosts)
    records = resolver._exchangers
    if isinstance(records, tuple):
        best = {host: min(mx.preference for mx in records if mx.exchange == host) for host in hosts}
        assert list(best.values()) == sorted(best.values())
        ours = [mx.preference for mx in records if mx.exchange == "us.example"]
        assert all(preference < min(ours, default=6) for preference in best.values())
    else:
        assert hosts == ["example.org"]


@given(st.text() | st.sampled_from(["[1.2.3.4]", "[IPv6:::1]", "local.example", "a" * 300]))
def test_any_domain(domain: str) -> None:
    told = Told(NoSuchDomain, {})
    decision = decide(told, domain=domain)
    assert isinstance(decision, NoRoute | Route | Local)
    assert isinstance(router(told).key(domain), str)


def test_equals_share_the_load() -> None:
    """RFC 5321 §5.1: at random among equals, and only among them."""
    equals = [f"mx{number}.example" for number in range(4)]
    told = Told(
        (*(MailExchanger(10, name) for name in equals), MailExchanger(20, "last.example")),
        dict.fromkeys((*equals, "last.example"), ("192.0.2.1",)),
    )
    firsts = dict.fromkeys(equals, 0)
    for chance in range(200):
        decision = decide(told, chance)
        assert isinstance(decision, Route)
        firsts[decision.hops[0].host] += 1
        assert decision.hops[-1].host == "last.example"
    assert min(firsts.values()) > 25


def test_many_exchangers_are_not_all_looked_up() -> None:
    names = [f"mx{number}.example" for number in range(100)]
    told = Told(
        tuple(MailExchanger(number, name) for number, name in enumerate(names)),
        dict.fromkeys(names, ("192.0.2.1",)),
    )
    decision = decide(told)
    assert isinstance(decision, Route)
    assert [hop.host for hop in decision.hops] == names[:20]


def test_letters_of_one_way_have_one_key() -> None:
    routes = {
        ".example.net": static_route("relay.example:587"),
        "a.example": static_route("lmtp:b"),
    }
    made = router(Told(NoData, {"relay.example": ("192.0.2.1",)}), routes=routes)
    assert made.key("x.example.net") == made.key("Y.Example.NET") == "smtp:relay.example:587"
    assert made.key("a.example") == "lmtp:b:24"
    assert made.key("EXAMPLE.org") == "example.org"
    assert made.key("bücher.example") == "xn--bcher-kva.example"
    decision = asyncio.run(made.route("x.example.net"))
    assert isinstance(decision, Route)
    assert decision.key == made.key("x.example.net")


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("Geheimnis\r\nnot this\n")
    credentials = read_credentials("user", path)
    assert credentials.password == "Geheimnis"
    route = static_route("relay.example", TLSPolicy.REQUIRED, credentials)
    decision = asyncio.run(
        router(Told(NoData, {"relay.example": ("192.0.2.1",)}), routes={"*": route}).route("a.b")
    )
    assert "Geheimnis" not in f"{credentials!r} {route!r} {route.key} {decision!r}"
    for wrong in (b"", b"\n", b"\xff\n", b"x" * 2000):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="password"):
            read_credentials("user", path)


@pytest.mark.parametrize(
    "to",
    [
        "",
        ":25",
        "host:0",
        "host:70000",
        "host:x",
        "ftp:host:1",
        "::1",
        "[::1",
        "a b",
        "[x]",
        "1.2.3",
    ],
)
def test_routes_that_are_none(to: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        static_route(to)


@pytest.mark.parametrize("tls", [TLSPolicy.NONE, TLSPolicy.OPPORTUNISTIC])
def test_no_password_in_the_clear(tls: TLSPolicy) -> None:
    with pytest.raises(ValueError, match="TLS"):
        static_route("host", tls, Credentials("user", "secret"))


@pytest.mark.parametrize("pattern", ["", ".", "*.example", "a..b", "exa mple"])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normal_pattern(pattern)


def test_all_addresses_of_this_machine() -> None:
    everywhere = Ourselves(everywhere=True)
    assert everywhere.is_address("127.0.0.1")
    assert not everywhere.is_address("192.0.2.1")  # TEST-NET-1 (RFC 5737)
    assert not Ourselves().is_address("127.0.0.1")
    assert not is_of_this_machine("nonsense")


@pytest.mark.parametrize("policy", list(TLSPolicy))
def test_tls_with_mail_exchangers_is_a_setting_and_that_of_routes_another(
    policy: TLSPolicy,
) -> None:
    found = Told((MailExchanger(1, "mx.b.example"),), {"mx.b.example": ("192.0.2.1",)})
    routes = DomainMap({"routed.example": static_route("[192.0.2.2]", TLSPolicy.REQUIRED)})
    router = Router(found, lambda _: False, US, Random(0), routes, tls=policy)

    def tls(domain: str) -> TLSPolicy:
        decision = asyncio.run(router.route(domain))
        assert isinstance(decision, Route)
        return decision.hops[0].tls

    assert [tls("b.example"), tls("[192.0.2.3]")] == [policy, policy]
    assert tls("routed.example") is TLSPolicy.REQUIRED
