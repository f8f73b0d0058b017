"""What is done for a letter does not grow with what waits for others: steps of the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse.mta.queue.concluding import Move, conclude
from posthouse.mta.queue.letter import Letter, Recipient
from posthouse.mta.queue.relaying import lease_next_hop, next_due
from posthouse.mta.queue.states import State
from posthouse.mta.queue.units import accept
from posthouse.mta.relay.news import newest_message, next_hops_after
from posthouse.store.contents import prepare
from posthouse.store.direct import DirectStore

from .site import NOON, found

STEPS = 10  # of SQLite's virtual machine, between two counts
MANY = 2000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectStore]:
    store = found(tmp_path)
    store._connection.execute("PRAGMA synchronous = OFF")
    yield store
    store.close()


class Steps:
    """Counts the steps of units."""

    def __init__(self, store: DirectStore) -> None:
        self._store = store
        self.count = 0
        store._connection.set_progress_handler(self._step, STEPS)

    def _step(self) -> bool:
        self.count += STEPS
        return False

    def of_a_letter(self, domain: str) -> tuple[int, int]:
        """For finding and leasing one that has just come, and for all until it is relayed."""
        store = self._store
        newest = store.read(newest_message())
        accept_one(store, domain)
        self.count = 0
        assert store.read(newest_message()) > newest
        assert store.read(next_hops_after(newest)) == [domain]
        (taken,) = store.write(lease_next_hop(domain, "w0-1", NOON, NOON + 60, 1))
        found = self.count
        store.write(conclude(taken.message, "w0-1", [Move(0, State.RELAYED)], NOON))
        store.read(next_due(NOON))
        return found, self.count


def accept_one(store: DirectStore, domain: str, due: int = NOON) -> Any:
    letter = Letter("", prepare(b"Subject: a\r\n\r\n"), "test")
    return store.write(accept("A", letter, [Recipient(f"x@{domain}", domain)], due, "", 0))


def test_a_letter_costs_the_same_however_many_wait(store: DirectStore) -> None:
    steps = Steps(store)
    accept_one(store, "first.example")
    alone = steps.of_a_letter("living.example")
    for number in range(MANY):
        accept_one(store, f"dead{number % 100}.example")
    beside = steps.of_a_letter("living.example")
    assert max(beside) <= max(alone) + 150
    # Nor with what waits for the same next hop.
    assert max(steps.of_a_letter("dead7.example")) <= max(alone) + 150


def test_letters_with_many_recipients_are_leased_together(store: DirectStore) -> None:
    recipients = [Recipient(f"user{number}@b.example", "b.example") for number in range(50)]
    for number in range(5):
        letter = Letter("", prepare(b"Subject: a\r\n\r\n"), "test")
        store.write(accept(f"L{number}", letter, recipients, NOON, "", 0))
    taken = store.write(lease_next_hop("b.example", "w0-1", NOON, NOON + 60, 4))
    assert [len(each.recipients) for each in taken] == [50] * 4
    assert len(store.write(lease_next_hop("b.example", "w0-2", NOON, NOON + 60, 4))) == 1
