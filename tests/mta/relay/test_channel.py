"""What a channel makes of what its connections tell it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from posthouse.mta.queue.outcome import Deferred, Relayed
from posthouse.mta.queue.relaying import Taken, Waiting
from posthouse.mta.relay.carrier import Carrier, Target
from posthouse.mta.relay.channel import Channel
from posthouse.mta.relay.health import LOSSES, Health, Standing
from posthouse.mta.relay.job import Job
from posthouse.mta.route.hop import NextHop
from posthouse.protocols.smtp.client.events import Fate, Letter, Outcome, Result
from posthouse.protocols.smtp.client.reply import PeerReply
from posthouse.protocols.smtp.client.transaction import UNREADABLE

from .test_connections import on_a_loop

HOP = NextHop("mx.b.example", ("192.0.2.1",))
BOTH = (Waiting(0, "x@b.example"), Waiting(1, "y@b.example"))


LATER = Result(Fate.TEMPORARY, "RCPT", PeerReply(450, "4.2.0", ("4.2.0 later",)))
TAKEN = Result(Fate.DELIVERED, ".", PeerReply(250, "2.0.0", ("2.0.0 ok",)))


def connection() -> Carrier:
    """One that stands; what it says is told by the test."""
    nothing: Any = None
    target = Target(HOP, "192.0.2.1")
    addresses = frozenset({target.address})
    return Carrier(nothing, nothing, target, lambda _: nothing, nothing, addresses)


def letter_to_both() -> Job:
    taken = Taken(1, "L1", 1, 100, "ann@a.example", "7BIT", 0, BOTH)
    return Job(taken, "w0-1", 0, "b.example", list(BOTH))


def said(*results: Result) -> Outcome:
    return Outcome(Letter("ann@a.example", ("x@b.example", "y@b.example"), 100), results, True)


@on_a_loop
async def test_at_the_end_what_a_host_has_taken_of_a_letter_is_written_down() -> None:
    """The first recipient was put off, the second has the letter: it must not go there again."""
    concluded: list[Job] = []
    depot: Any = SimpleNamespace(conclude=concluded.append, due_no_more=list)
    channel = Channel(depot, "b.example", Health(20))
    carrier, job = connection(), letter_to_both()
    channel.ready(carrier)
    channel.end()
    channel.carried(carrier, job, list(BOTH), said(LATER, TAKEN))
    assert concluded == [job]
    assert not job.open
    assert isinstance(job.outcomes[0], Deferred)
    assert isinstance(job.outcomes[1], Relayed)


def test_a_content_that_cannot_be_sent_says_nothing_of_the_host() -> None:
    async def test() -> None:
        depot: Any = SimpleNamespace(conclude=lambda _: None)
        channel = Channel(depot, "b.example", Health(20))
        for _ in range(LOSSES):
            carrier, job = connection(), letter_to_both()
            channel.ready(carrier)
            failed = Result(Fate.TEMPORARY, "DATA", UNREADABLE)
            outcome = replace(said(failed, failed), reusable=False, unsendable=True)
            channel.carried(carrier, job, list(BOTH), outcome)
        assert channel.health.standing is Standing.UNKNOWN
        assert channel.health.losses == 0

    asyncio.run(test())


@pytest.mark.parametrize(
    "reply",
    [
        PeerReply(452, "4.5.3", ("4.5.3 too many recipients",), stated=True),
        PeerReply(452, "4.3.1", ("too many recipients",)),
    ],
    ids=str,
)
def test_who_was_too_many_has_the_next_transaction(reply: PeerReply) -> None:
    """RFC 5321 §4.5.3.1.10; not every host says more than the code."""

    async def test() -> None:
        channel = Channel(SimpleNamespace(), "b.example", Health(20))  # type: ignore[arg-type]
        carrier, job = connection(), letter_to_both()
        channel.ready(carrier)
        too_many = Result(Fate.TEMPORARY, "RCPT", reply)
        channel.carried(carrier, job, list(BOTH), said(TAKEN, too_many))
        again = channel.next_letter(carrier)
        assert isinstance(again, Letter)
        assert again.recipients == ("y@b.example",)

    asyncio.run(test())
