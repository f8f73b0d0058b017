"""What a peer says, as people and programs will read it."""

from __future__ import annotations

import pytest

from posthouse.mta.queue.outcome import Trouble
from posthouse.mta.relay.dialling import Closed, gravest
from posthouse.mta.relay.judging import KEPT, trouble_of, unreachable, where
from posthouse.mta.route.hop import NextHop
from posthouse.protocols.smtp.client.events import Fate, Result
from posthouse.protocols.smtp.client.reply import PeerReply, ours

HOP = NextHop("mx.b.example", ("192.0.2.1",))
LITERAL = NextHop("[192.0.2.1]", ("192.0.2.1",))


def said(code: int, text: str) -> PeerReply:
    return PeerReply(code, text.partition(" ")[0], (text,))


@pytest.mark.parametrize(
    ("result", "trouble"),
    [
        (
            Result(Fate.REFUSED, "RCPT", said(550, "5.1.1 who?")),
            Trouble(
                "mx.b.example [192.0.2.1] refused the recipient.",
                "5.1.1",
                "mx.b.example",
                "550 5.1.1 who?",
            ),
        ),
        (
            Result(Fate.TEMPORARY, ".", said(451, "4.3.0 oops")),
            Trouble(
                "mx.b.example [192.0.2.1] put off the message.",
                "4.3.0",
                "mx.b.example",
                "451 4.3.0 oops",
            ),
        ),
        (
            Result(Fate.REFUSED, "greeting", said(554, "5.3.2 no")),
            Trouble(
                "mx.b.example [192.0.2.1] takes no mail at all.",
                "5.3.2",
                "mx.b.example",
                "554 5.3.2 no",
            ),
        ),
        (
            Result(Fate.TEMPORARY, "DATA", ours("4.4.2", "the connection was lost")),
            Trouble(
                "mx.b.example [192.0.2.1]: the connection was lost (at DATA)",
                "4.4.2",
                "mx.b.example",
            ),
        ),
        (
            Result(Fate.DOUBT, ".", ours("4.4.2", "the connection was lost")),
            Trouble(
                "mx.b.example [192.0.2.1]: the connection was lost, after all of the message was"
                " sent; it may have taken it",
                "4.4.2",
                "mx.b.example",
            ),
        ),
    ],
)
def test_a_result_in_words(result: Result, trouble: Trouble) -> None:
    assert trouble_of(result, HOP, "192.0.2.1") == trouble


@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.DOUBT])
def test_of_an_endless_reply_the_beginning_is_kept(fate: Fate) -> None:
    """It is kept for each recipient."""
    trouble = trouble_of(Result(fate, ".", said(550, "5.1.1 " + "no " * 10_000)), HOP, "192.0.2.1")
    assert len(trouble.reply) <= KEPT
    assert len(trouble.reason) <= KEPT + 200
    assert "no no no" in trouble.reply + trouble.reason


def test_no_connection_in_words() -> None:
    refused = unreachable(ConnectionRefusedError(111, "Connection refused"), HOP, "192.0.2.1", 30)
    assert refused.reason == "mx.b.example [192.0.2.1], port 25: Connection refused"
    late = unreachable(TimeoutError(), LITERAL, "192.0.2.1", 30)
    assert late.reason == "[192.0.2.1], port 25: no connection within 30 seconds"
    assert where(LITERAL, "192.0.2.1") == "[192.0.2.1]"


def test_of_several_hosts_the_one_that_leaves_most_open_counts() -> None:
    silent = Closed(Trouble("silent", "4.4.1"))
    busy = Closed(Trouble("busy", "4.3.2", "mx", "421 busy"))
    never = Closed(Trouble("never", "5.3.2", "mx", "521 never"), permanent=True)
    assert gravest([never, silent, busy]) is busy
    assert gravest([never, silent]) is silent
    assert gravest([never]) is never
