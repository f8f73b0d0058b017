"""What waits with a next hop that could not be reached, as the operator sees and moves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.listing import list_queue, summarise_queue
from posthouse.mta.queue.next_hops import FORGET, Memory, forget_old, remember, remembered
from posthouse.mta.queue.operating import hold, release, retry
from posthouse.mta.queue.outcome import Trouble
from posthouse.mta.queue.relaying import due_next_hops, next_due
from posthouse.mta.queue.selection import Selection
from posthouse.mta.queue.units import accept
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore

from .site import NOON, found

LATER = NOON + 600
DEAD = Trouble("no answer", "4.4.1", "mx.dead.example", "421 4.3.2 not now")
OF_DEAD = Selection(next_hop="dead.example")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectStore]:
    """Three letters for a next hop that is dead, one for another."""
    store = found(tmp_path)
    for number, domain in enumerate(("dead.example",) * 3 + ("live.example",)):
        letter = Letter("", prepare(b"Subject: a\r\n\r\n"), "test")
        store.write(accept(f"L{number}", letter, [Recipient(f"x@{domain}", domain)], NOON, "", 0))
    store.write(remember(["dead.example"], Memory(LATER, 2, DEAD), NOON))
    yield store
    store.close()


def test_it_is_shown_with_what_waits(store: DirectStore) -> None:
    entries = store.read(list_queue(OF_DEAD))
    assert {(each.state, each.due, each.reason, each.tries) for each in entries} == {
        ("ready", LATER, "no answer", 0)
    }
    assert {each.reply for each in entries} == {DEAD.reply}
    for words in ("no answer", "not now"):
        assert store.read(list_queue(Selection(reason=words))) == entries
    (dead, live) = store.read(summarise_queue())
    assert (dead.recipients, dead.reason, dead.next_due) == (3, "no answer", LATER)
    assert (live.recipients, live.reason, live.next_due) == (1, "", NOON)


def test_nothing_is_due_before_its_time(store: DirectStore) -> None:
    assert store.read(due_next_hops(NOON)) == ["live.example"]
    assert store.read(next_due(NOON)) == LATER
    assert store.read(due_next_hops(LATER)) == ["dead.example", "live.example"]


def test_the_operator_has_it_tried(store: DirectStore) -> None:
    assert store.write(retry(Selection(next_hop="live.example"), NOON)) == 0
    assert store.read(remembered("dead.example")) is not None
    assert store.write(retry(OF_DEAD, NOON)) == 3
    assert store.read(remembered("dead.example")) is None
    assert store.read(due_next_hops(NOON)) == ["dead.example", "live.example"]
    assert store.write(retry(OF_DEAD, NOON)) == 0


def test_what_is_released_is_tried(store: DirectStore) -> None:
    assert store.write(hold(OF_DEAD)) == 3
    assert store.read(remembered("dead.example")) is not None
    assert store.write(release(OF_DEAD, NOON)) == 3
    assert store.read(due_next_hops(NOON)) == ["dead.example", "live.example"]


def test_what_another_worker_has_written_stands(store: DirectStore) -> None:
    mine = Memory(LATER + 60, 9, Trouble("another", "4.4.2"))
    assert store.write(remember(["dead.example", "new.example"], mine, NOON)) == 1
    assert store.read(remembered("dead.example")) == Memory(LATER, 2, DEAD)
    assert store.write(remember(["dead.example"], mine, LATER)) == 1
    assert store.read(remembered("dead.example")) == mine


def test_it_is_forgotten_in_the_end(store: DirectStore) -> None:
    assert store.write(forget_old(LATER + FORGET)) == 0
    assert store.write(forget_old(LATER + FORGET + 1)) == 1
