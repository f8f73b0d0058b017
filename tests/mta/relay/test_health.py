"""A next hop has as many connections as it takes, and is left alone when it is dead."""

from __future__ import annotations

from posthouse.mta.queue.next_hops import Memory
from posthouse.mta.queue.outcome import Trouble
from posthouse.mta.relay.health import (
    OTHERS,
    PROBE,
    SILENT,
    Addresses,
    Health,
    HealthBook,
    Standing,
)

PLACE = ("192.0.2.1", 25)
DEAD = Trouble("no answer", "4.4.1")


def test_it_begins_with_one_connection_and_grows_with_success() -> None:
    health = Health(20)
    assert health.connections == 1
    seen = []
    for _ in range(400):
        health.took()
        seen.append(health.connections)
    assert seen[0] == 2
    assert seen == sorted(seen)
    assert seen[-1] == 20


def test_a_lost_connection_halves_them_and_the_third_in_a_row_is_a_failure() -> None:
    health = Health(20, 16.0, Standing.GOOD)
    assert [health.lost() for _ in range(3)] == [False, False, True]
    assert health.connections == 2
    health = Health(20, 16.0, Standing.GOOD)
    assert not health.lost()
    health.took()
    assert not health.lost()


def test_each_failure_doubles_the_wait_up_to_the_longest() -> None:
    health = Health(20)
    waits = []
    for _ in range(6):
        health.failed(1000.0, 60.0, 600.0, 0.0, DEAD)
        waits.append(health.until - 1000)
    assert waits == [60, 120, 240, 480, 600, 600]
    assert health.connections == 1
    health.failed(1000.0, 60.0, 600.0, 1.0, DEAD)
    assert health.until - 1000 == 750
    health.took()
    assert (health.until, health.standing) == (0.0, Standing.GOOD)


def test_what_another_worker_has_written_counts() -> None:
    health = Health(20)
    health.compare("a.example", Memory(1000, 3, DEAD))
    # It has been tried by another, which is given the time to do so again.
    assert (health.standing, health.until, health.failures) == (Standing.FAILED, 1000 + OTHERS, 3)
    health.compare("a.example", Memory(1000, 3, DEAD))
    assert health.until == 1000 + OTHERS
    health.compare("a.example", Memory(2000, 4, DEAD))
    assert (health.until, health.failures) == (2000 + OTHERS, 4)
    # What is written no more was reached, or the operator wants it tried.
    health.compare("a.example", None)
    assert health.until == 0.0
    assert health.standing is Standing.FAILED


def test_a_failure_counts_before_it_is_written() -> None:
    health = Health(20)
    health.failed(1000.0, 60.0, 600.0, 0.0, DEAD)
    health.waiting["a.example"] = False
    health.compare("a.example", None)
    assert health.until == 1060
    health.waiting["a.example"] = True
    health.compare("a.example", health.memory)
    assert health.until == 1060


def test_how_often_it_failed_is_known_after_a_new_start() -> None:
    health = Health(20)
    health.compare("a.example", Memory(1000, 3, DEAD))
    assert health.standing is Standing.FAILED
    assert health.until < 5000
    health.failed(5000.0, 60.0, 600.0, 0.0, DEAD)
    assert health.until - 5000 == 480


def test_an_address_that_was_silent_is_tried_by_one_at_a_time() -> None:
    addresses = Addresses()
    assert addresses.trouble(PLACE, 0.0) is None
    addresses.unreachable(PLACE, DEAD, 0.0)
    assert addresses.trouble(PLACE, SILENT - 1) is DEAD
    assert addresses.trouble(PLACE, SILENT) is None  # this one tries
    assert addresses.trouble(PLACE, SILENT) is DEAD  # others do not
    assert addresses.trouble(PLACE, SILENT + PROBE) is None
    addresses.answered(PLACE)
    assert addresses.trouble(PLACE, SILENT) is None
    assert addresses.trouble(PLACE, SILENT) is None


def test_the_book_is_bounded() -> None:
    book = HealthBook(20)
    first = book.of("a.example")
    assert book.of("a.example") is first
    for number in range(20_000):
        book.of(f"h{number}.example")
    assert book.of("a.example") is not first
