"""The resolver, asked over the wire: a name server in this process that may do wrong."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop
from dns import flags
from dns.message import make_query
from hypothesis import given
from hypothesis import strategies as st

from posthouse.runtime.clock import SetClock
from posthouse.runtime.dns import wire
from posthouse.runtime.dns.answers import (
    Answer,
    DNSFailure,
    MailExchanger,
    NoData,
    NoSuchDomain,
    Temporary,
    TLSAssociation,
)
from posthouse.runtime.dns.cache import Cache, Failed
from posthouse.runtime.dns.resolver import Resolver, Settings
from posthouse.runtime.dns.servers import AVOIDED, parse_server, servers_of_system

from ..system.nameserver import Fault, NameServer

ZONE = """
example.org MX 20 second.example.org.
example.org 60 MX 10 First.Example.org.
first.example.org A 127.0.0.2
first.example.org A 127.0.0.3
first.example.org AAAA 2001:db8::2
second.example.org A 127.0.0.4
alias.example.org CNAME example.org.
zero.example.org 0 A 127.0.0.5
null.example.org MX 0 .
text.example.org TXT "v=spf1 " "-all"
_25._tcp.first.example.org TLSA 3 1 0 00ff
one.loop.example.org CNAME two.loop.example.org.
two.loop.example.org CNAME one.loop.example.org.
"""
PATIENT = Settings(query_time=10.0)
QUICK = Settings(query_time=0.5, look_up_time=1.5)  # where nothing comes

Work = Callable[[Resolver, SetClock], Awaitable[None]]


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with NameServer(ZONE) as server:
        yield server


@asynccontextmanager
async def resolving(
    *servers: tuple[str, int], settings: Settings = PATIENT
) -> AsyncIterator[tuple[Resolver, SetClock]]:
    clock = SetClock()
    resolver = Resolver(servers, settings, clock.monotonic)
    try:
        yield resolver, clock
    finally:
        await resolver.close()


def run(dns: NameServer, work: Work, settings: Settings = PATIENT) -> None:
    async def main() -> None:
        async with resolving(dns.address, settings=settings) as (resolver, clock):
            await work(resolver, clock)

    asyncio.run(main())


async def fails(kind: type[DNSFailure], asking: Awaitable[object]) -> str:
    with pytest.raises(kind) as caught:
        await asking
    return str(caught.value)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_every_kind_of_record(
    dns: NameServer, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def main() -> None:
        async with resolving(dns.address) as (resolver, _):
            mx = await resolver.mx("example.org")
            assert mx == Answer(
                "example.org",
                (MailExchanger(10, "first.example.org"), MailExchanger(20, "second.example.org")),
                60,
            )
            addresses = await resolver.addresses("first.example.org")
            assert addresses.records[0] == "2001:db8::2"
            assert set(addresses.records[1:]) == {"127.0.0.2", "127.0.0.3"}
            assert (await resolver.txt("text.example.org")).records == (b"v=spf1 -all",)
            tlsa = await resolver.tlsa("_25._tcp.first.example.org")
            assert tlsa.records == (TLSAssociation(3, 1, 0, b"\x00\xff"),)
            assert (await resolver.mx("null.example.org")).records == (MailExchanger(0, "."),)
            dns.fault("example.org", Fault.TRUNCATE)
            assert (await resolver.mx("alias.example.org")).name == "example.org"

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_dead_name_server_costs_one_query_at_most(
    dns: NameServer, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A port where nobody listens is told of at once; a silent one when its time is over."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))

        silent.setblocking(False)

        async def main() -> None:
            servers = (("127.0.0.1", 1), silent.getsockname(), dns.address)
            async with resolving(*servers, settings=QUICK) as (resolver, clock):
                assert (await resolver.mx("example.org")).records
                assert silent.recv(1000)
                assert (await resolver.txt("text.example.org")).records
                with pytest.raises(BlockingIOError):  # it is asked after the others now
                    silent.recv(1000)
                clock.move(AVOIDED)
                assert (await resolver.mx("alias.example.org")).records
                assert silent.recv(1000)

        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(main())


def test_what_is_not_there(dns: NameServer) -> None:
    async def work(resolver: Resolver, _: SetClock) -> None:
        await fails(NoSuchDomain, resolver.mx("nowhere.example"))
        await fails(NoSuchDomain, resolver.addresses("nowhere.example"))
        await fails(NoData, resolver.mx("second.example.org"))
        await fails(NoData, resolver.addresses("example.org"))
        for name in ("a..b", "x" * 64, ".".join(["y" * 60] * 5), "bücher.example", "\x00"):
            await fails(NoSuchDomain, resolver.mx(name))

    run(dns, work)


def test_one_family_is_enough(dns: NameServer) -> None:
    async def work(resolver: Resolver, _: SetClock) -> None:
        dns.fault("second.example.org", Fault.SERVFAIL, "AAAA")
        assert (await resolver.addresses("second.example.org")).records == ("127.0.0.4",)
        dns.fault("second.example.org", Fault.SERVFAIL, "A")
        dns.fault("second.example.org", None, "AAAA")

    run(dns, work)

    async def other_way(resolver: Resolver, _: SetClock) -> None:
        await fails(Temporary, resolver.addresses("second.example.org"))

    run(dns, other_way)


def test_families_by_setting(dns: NameServer) -> None:
    async def work(resolver: Resolver, _: SetClock) -> None:
        found = await resolver.addresses("first.example.org")
        assert set(found.records) == {"127.0.0.2", "127.0.0.3"}

    run(dns, work, Settings(families="ipv4"))
    assert dns.asked("first.example.org", "AAAA") == 0


def test_answers_are_remembered_for_their_ttl(dns: NameServer) -> None:
    async def work(resolver: Resolver, clock: SetClock) -> None:
        for seconds in (0, 30, 29):
            clock.move(seconds)
            answer = await resolver.mx("EXAMPLE.org.")
        assert answer.ttl == 1
        assert dns.asked("example.org", "MX") == 1
        clock.move(1)
        await resolver.mx("example.org")
        assert dns.asked("example.org", "MX") == 2
        for _ in range(2):
            await resolver.addresses("zero.example.org")
        assert dns.asked("zero.example.org", "A") == 2

    run(dns, work)


def test_that_there_is_none_is_remembered_too(dns: NameServer) -> None:
    """RFC 2308 §5: by the SOA's minimum."""

    async def work(resolver: Resolver, clock: SetClock) -> None:
        for _ in range(3):
            await fails(NoSuchDomain, resolver.mx("new.example"))
            await fails(NoData, resolver.mx("second.example.org"))
        assert dns.asked("new.example", "MX") == dns.asked("second.example.org", "MX") == 1
        dns.set("new.example", "MX", "10 first.example.org.")
        clock.move(dns.negative_ttl)
        assert (await resolver.mx("new.example")).records

    run(dns, work)


def test_the_same_question_at_once_is_asked_once(dns: NameServer) -> None:
    dns.delay = 0.05

    async def work(resolver: Resolver, _: SetClock) -> None:
        first = asyncio.create_task(resolver.mx("example.org"))
        others = [asyncio.create_task(resolver.mx("example.org")) for _ in range(20)]
        await asyncio.sleep(0)
        first.cancel()  # who asked first does not end it for the others
        assert {len((await other).records) for other in others} == {2}
        assert dns.asked("example.org", "MX") == 1

    run(dns, work)


def test_closing_tells_who_waits(dns: NameServer) -> None:
    dns.fault("*", Fault.SILENT)

    async def work(resolver: Resolver, _: SetClock) -> None:
        waiting = asyncio.create_task(resolver.mx("example.org"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await resolver.close()
        await fails(Temporary, waiting)

    run(dns, work)


def test_authenticated_data(dns: NameServer) -> None:
    dns.authenticated = True

    async def work(resolver: Resolver, _: SetClock) -> None:
        assert (await resolver.mx("example.org")).authenticated
        dns.authenticated = False
        assert not (await resolver.addresses("first.example.org")).authenticated

    run(dns, work)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.SERVFAIL,
        Fault.REFUSED,
        Fault.SILENT,
        Fault.GARBAGE,
        Fault.OTHER_QUESTION,
        Fault.CLOSE,
        Fault.ENDLESS,
    ],
)
def test_attack_44_a_name_server_at_fault(dns: NameServer, fault: Fault) -> None:
    """Temporary, in time; asked again only when it is over, and answered by another server."""
    dns.fault("example.org", fault)

    async def work(resolver: Resolver, clock: SetClock) -> None:
        begin = time.monotonic()
        assert "example.org" in await fails(Temporary, resolver.mx("example.org"))
        assert time.monotonic() - begin < QUICK.look_up_time + 3.0
        asked = len(dns.queries)
        await fails(Temporary, resolver.mx("example.org"))
        assert len(dns.queries) == asked <= 8
        clock.move(5)
        dns.fault("example.org", None)
        assert (await resolver.mx("example.org")).records

    run(dns, work, QUICK)
    dns.fault("example.org", fault)
    with NameServer(ZONE) as other:

        async def main() -> None:
            async with resolving(dns.address, other.address, settings=QUICK) as (resolver, _):
                assert (await resolver.mx("example.org")).records

        asyncio.run(main())


@pytest.mark.parametrize("fault", [Fault.TRUNCATE, Fault.FORMERR, Fault.OTHER_ID])
def test_attack_44_faults_with_a_way_out(dns: NameServer, fault: Fault) -> None:
    """TCP after TC, no EDNS after FORMERR, the true reply after many false ones."""
    dns.fault("example.org", fault)

    async def work(resolver: Resolver, _: SetClock) -> None:
        assert len((await resolver.mx("example.org")).records) == 2

    run(dns, work)


def test_attack_44_aliases(dns: NameServer) -> None:
    """Followed by the server or by us; loops and endless chains end."""
    for number in range(20):
        dns.set(f"n{number}.chain.example", "CNAME", f"n{number + 1}.chain.example.")
    dns.set("n20.chain.example", "A", "127.0.0.9")

    async def work(resolver: Resolver, _: SetClock) -> None:
        assert (await resolver.addresses("n15.chain.example")).records == ("127.0.0.9",)
        await fails(Temporary, resolver.addresses("n0.chain.example"))
        await fails(Temporary, resolver.mx("one.loop.example.org"))
        dns.fault("*", Fault.ONE_ALIAS)
        assert (await resolver.mx("alias.example.org")).records
        assert (await resolver.addresses("n14.chain.example")).records == ("127.0.0.9",)
        await fails(Temporary, resolver.addresses("n1.chain.example"))
        await fails(Temporary, resolver.mx("two.loop.example.org"))

    run(dns, work)


def test_attack_44_storms_are_bounded(dns: NameServer) -> None:
    """Names that do not exist, many and at once: few queries at a time, and a small cache."""
    settings = Settings(queries=5, entries=50)
    dns.delay = 0.002

    async def work(resolver: Resolver, _: SetClock) -> None:
        asking = (resolver.mx(f"x{number}.example") for number in range(300))
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {NoSuchDomain}
        assert len(resolver._cache) == 50

    run(dns, work, settings)


def test_attack_44_large_answers(dns: NameServer) -> None:
    """What is more than anybody needs is left out, or refused where it is too much to read."""
    dns.set("many.example", "MX", *(f"{n} mx{n}.example." for n in range(1, 151)))
    dns.set("huge.example", "MX", *(f"{n} mx{n}.example." for n in range(1, 1500)))

    async def work(resolver: Resolver, _: SetClock) -> None:
        records = (await resolver.mx("many.example")).records
        assert [mx.preference for mx in records] == list(range(1, 101))
        await fails(Temporary, resolver.mx("huge.example"))

    run(dns, work)


def test_attack_44_compression_that_goes_on_and_on() -> None:
    """A chain of pointers, and hundreds of names that begin at its end."""
    query = wire.compose("example.org", "MX", 1, edns=True)
    chain = b"".join(
        (0xC000 + 12 + 17 + 12 + 2 * hop - 2).to_bytes(2, "big") for hop in range(4000)
    )
    head = query.octets[:2] + b"\x81\x80\0\1" + (599).to_bytes(2, "big") + bytes(4)
    question = query.octets[12 : 12 + len(query.question)]
    text = b"\0\0\x10\0\1\0\0\0\1" + len(chain).to_bytes(2, "big") + chain
    end = (0xC000 + 12 + len(question) + len(text) - 2).to_bytes(2, "big")
    reply = head + question + text + (end + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1") * 590
    assert query.is_answered_by(reply)
    begin = time.perf_counter()
    with pytest.raises(wire.Malformed):
        wire.read(reply[: wire.REPLY_LIMIT], "MX")
    assert time.perf_counter() - begin < 0.5


@given(st.binary(max_size=600), st.sampled_from(["A", "MX", "TXT", "TLSA"]), st.booleans())
def test_attack_44_any_octets(octets: bytes, kind: str, after_a_head: bool) -> None:
    """Read, or Malformed, or Unhelpful."""
    query = wire.compose("example.org", kind, 7, edns=True)
    if after_a_head:
        octets = (
            query.octets[:2] + b"\x81\x80\0\1\0\2\0\0\0\0" + query.octets[12 : 12 + 17] + octets
        )
    with suppress(wire.Malformed, wire.Unhelpful):
        wire.read(octets, kind)


@given(st.data())
def test_attack_44_any_change_of_a_reply(data: st.DataObject) -> None:
    server = NameServer(ZONE)
    query = wire.compose("alias.example.org", "MX", 7, edns=True)
    replies: list[bytes] = []
    server._receive(query.octets, "udp", replies.append)
    changed = bytearray(replies[0])
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(wire.Malformed, wire.Unhelpful):
        wire.read(bytes(changed), "MX")


def test_the_cache_forgets_what_was_not_used_for_longest() -> None:
    clock = SetClock()
    cache = Cache(3, 1000, clock.monotonic)
    outcome = Failed(NoData, "none")
    for number in range(3):
        cache.put((str(number), "A"), outcome, 10, 100)
    assert cache.get(("0", "A")) == (outcome, 10)
    cache.put(("3", "A"), outcome, 10, 100)
    assert cache.get(("1", "A")) is None
    cache.put(("large", "TXT"), outcome, 10, 850)
    assert len(cache) == 2  # with what was used last: it all fits into the octets
    cache.put(("too large", "TXT"), outcome, 10, 1001)
    assert cache.get(("too large", "TXT")) is None
    clock.move(10)
    assert cache.get(("large", "TXT")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("fe80::1%eth0", ("fe80::1%eth0", 53)),
        ("ns.example.org", None),
        ("192.0.2.1:0", None),
        ("192.0.2.1:x", None),
        ("", None),
    ],
)
def test_name_servers_as_settings_have_them(text: str, expected: tuple[str, int] | None) -> None:
    if expected is not None:
        assert parse_server(text) == expected
        return
    with pytest.raises(ValueError, match=r"address|port"):
        parse_server(text)


def test_name_servers_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    assert servers_of_system(path) == [("127.0.0.1", 53)]
    path.write_text(
        "# nameserver 1.1.1.1\nnameserver 192.0.2.1\nnameserver\nnameserver x\n"
        "search example.org\nnameserver 2001:db8::1\n"
    )
    assert servers_of_system(path) == [("192.0.2.1", 53), ("2001:db8::1", 53)]


@pytest.mark.parametrize("edns", [True, False])
@pytest.mark.parametrize("kind", ["A", "AAAA", "MX", "TXT", "TLSA"])
@pytest.mark.parametrize("name", ["example.org", "Mixed.Example.", "a" * 63 + ".x", "."])
def test_a_query_is_what_dnspython_makes_of_it(name: str, kind: str, edns: bool) -> None:
    message = make_query(
        name,
        kind,
        use_edns=0 if edns else False,
        payload=wire.PAYLOAD,
        flags=flags.RD | flags.AD,
        id=4711,
    )
    assert wire.compose(name, kind, 4711, edns=edns).octets == message.to_wire()
