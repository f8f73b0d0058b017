"""However many next hops are dead or slow, those that answer get a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import pytest

from posthouse.mta.relay import connections as module
from posthouse.mta.relay.connections import Connections, Kind, Share

P = ParamSpec("P")


def on_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that needs the loop's clock."""

    @wraps(test)
    def run(*given: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*given, **named))

    return run


class Hop:
    """A next hop of one kind, with the shares it was granted."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.shares: list[Share] = []
        self.idle_given_up = 0
        self.has_one = asyncio.Event()

    def granted(self, share: Share) -> None:
        self.has_one.set()
        self.shares.append(share)

    def give_up_idle(self) -> None:
        self.idle_given_up += 1


def want(connections: Connections, kind: Kind, count: int) -> list[Hop]:
    hops = [Hop(kind) for _ in range(count)]
    for hop in hops:
        connections.want(hop)
    return hops


def granted(hops: list[Hop]) -> int:
    return sum(len(hop.shares) for hop in hops)


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has waited is tried without gaps."""
    monkeypatch.setattr(module, "PACED", ())


@on_a_loop
async def strangers_and_failed_ones() -> None:
    connections = Connections(80)
    others = [want(connections, kind, 1000) for kind in (Kind.FAILED, Kind.OLD, Kind.NEW)]
    assert [granted(hops) for hops in others] == [10, 20, 30]
    assert granted(want(connections, Kind.GOOD, 100)) == 20


def test_strangers_and_failed_ones_leave_a_quarter_to_the_good(unpaced: None) -> None:
    strangers_and_failed_ones()


@on_a_loop
async def test_what_has_waited_is_tried_one_after_the_other() -> None:
    connections = Connections(80)
    others = [want(connections, kind, 5) for kind in (Kind.OLD, Kind.FAILED)]
    assert [granted(hops) for hops in others] == [1, 0]
    assert granted(want(connections, Kind.NEW, 5)) == 5
    while (now := [granted(hops) for hops in others]) != [5, 5]:
        assert now[1] == 0 or now[0] == 5
        await asyncio.sleep(module.GAP / 4)


def test_the_gaps_are_longer_when_there_is_much_to_do() -> None:
    async def tries(busy: float) -> float:
        """Seconds from the first try to the tenth."""
        connections = Connections(80)
        hops = want(connections, Kind.OLD, 10)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while granted(hops) < 10:
            if busy:
                until = loop.time() + busy
                while loop.time() < until:
                    pass
            await asyncio.sleep(0)
        return loop.time() - began

    # A gap that has grown is longer than all that the work itself takes.
    assert asyncio.run(tries(2 * module.LATE)) > 10 * module.GAP * 1.5


@on_a_loop
async def test_a_letter_that_has_just_come_brings_its_next_hop_forward() -> None:
    connections = Connections(80)
    old = want(connections, Kind.OLD, 10)
    assert granted(old) == 1
    old[9].kind = Kind.NEW
    connections.want(old[9])
    assert granted(old[9:]) == 1
    last = Hop(Kind.FAILED)
    connections.want(last)
    await asyncio.wait_for(last.has_one.wait(), 30)
    assert [len(hop.shares) for hop in old] == [1] * 10


@on_a_loop
async def test_the_good_are_served_before_those_that_asked_earlier() -> None:
    connections = Connections(8)
    first = want(connections, Kind.GOOD, 8)
    strangers = want(connections, Kind.NEW, 1)
    good = want(connections, Kind.GOOD, 1)
    first[0].shares[0].give_back()
    assert (granted(strangers), granted(good)) == (0, 1)
    first[1].shares[0].give_back()
    assert granted(strangers) == 1


@on_a_loop
async def test_a_share_is_given_back_once() -> None:
    connections = Connections(8)
    (hop,) = want(connections, Kind.GOOD, 1)
    hop.shares[0].give_back()
    hop.shares[0].give_back()
    assert connections.busy == 0


@on_a_loop
async def test_who_answers_makes_room_for_another_stranger() -> None:
    connections = Connections(8)
    strangers = want(connections, Kind.NEW, 4)
    assert granted(strangers) == 3
    strangers[0].shares[0].good()
    assert granted(strangers) == 4


@on_a_loop
async def test_who_does_not_answer_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    connections = Connections(8)
    strangers = want(connections, Kind.NEW, 100)
    for _ in range(10):
        await asyncio.sleep(0)
    # Eight may be waited for, and the share of strangers is in use all the same.
    assert connections.used[Kind.SLOW] == 8
    assert granted(strangers) == 11
    for hop in strangers:
        for share in hop.shares:
            share.give_back()


@on_a_loop
async def test_an_idle_connection_gives_way() -> None:
    connections = Connections(2)
    idle, busy = want(connections, Kind.GOOD, 2)
    connections.idle(idle, 1)
    want(connections, Kind.GOOD, 1)
    assert (idle.idle_given_up, busy.idle_given_up) == (1, 0)
