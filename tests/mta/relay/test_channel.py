"""What a channel makes of what its connections tell it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from posthouse.mta.queue.outcome import Deferred, Relayed
from posthouse.mta.queue.relaying import Taken, Waiting
from posthouse.mta.relay.carrier import Carrier, Target
from posthouse.mta.relay.channel import Channel
from posthouse.mta.relay.health import Health
from posthouse.mta.relay.job import Job
from posthouse.mta.route.hop import NextHop
from posthouse.protocols.smtp.client.events import Fate, Letter, Outcome, Result
from posthouse.protocols.smtp.client.reply import PeerReply

from .test_connections import on_a_loop

HOP = NextHop("mx.b.example", ("192.0.2.1",))
BOTH = (Waiting(0, "x@b.example"), Waiting(1, "y@b.example"))


def connection() -> Carrier:
    """One that stands; what it says is told by the test."""
    nothing: Any = None
    target = Target(HOP, "192.0.2.1")
    return Carrier(nothing, nothing, target, nothing, nothing, frozenset({target.address}))


@on_a_loop
async def test_at_the_end_what_a_host_has_taken_of_a_letter_is_written_down() -> None:
    """The first recipient was put off, the second has the letter: it must not go there again."""
    concluded: list[Job] = []
    depot: Any = SimpleNamespace(conclude=concluded.append, due_no_more=list, emptied=print)
    channel = Channel(depot, "b.example", Health(20))
    carrier = connection()
    taken = Taken(1, "L1", 1, 100, "ann@a.example", "7BIT", 0, BOTH)
    job = Job(taken, "w0-1", 0, "b.example", list(BOTH))
    letter = Letter("ann@a.example", ("x@b.example", "y@b.example"), 100)
    later = Result(Fate.TEMPORARY, "RCPT", PeerReply(450, "4.2.0", ("4.2.0 later",)))
    taken_now = Result(Fate.DELIVERED, ".", PeerReply(250, "2.0.0", ("2.0.0 ok",)))
    channel.ready(carrier)
    channel.end()
    channel.carried(carrier, job, list(BOTH), Outcome(letter, (later, taken_now), reusable=True))
    assert concluded == [job]
    assert not job.open
    assert isinstance(job.outcomes[0], Deferred)
    assert isinstance(job.outcomes[1], Relayed)
