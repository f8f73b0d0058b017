"""What waits by a clock that was wrong."""

from __future__ import annotations

from pathlib import Path

from posthouse.mta.queue.next_hops import Memory, remember, remembered
from posthouse.mta.queue.outcome import Trouble
from posthouse.mta.queue.recalling import recall
from posthouse.mta.queue.states import State
from posthouse.mta.queue.units import CHANGED, TOPIC
from posthouse.store.direct import DirectStore
from posthouse.store.migrate import migrate
from posthouse.store.unit import Work, rows_of, run

NOW, LONGEST = 1_800_000_000, 3600
DAY = 86_400


def wait_until(due: int) -> Work[None]:
    """One recipient in each state that waits for something, due then."""
    for number, state in enumerate((State.HELD, State.READY, State.LEASED, State.DEFERRED)):
        yield from run(
            "INSERT INTO queue_recipient (message, number, forward_path, domain, state, due)"
            " VALUES (1, ?1, 'a@b.example', 'b.example', ?2, ?3)",
            number,
            state,
            due,
        )


def due_now(directory: Path, due: int, beyond: int) -> tuple[set[str], list[tuple[str, int]]]:
    """Which states were recalled, and what was told."""
    migrate(directory)
    with DirectStore(directory) as store:
        store.write(lambda: wait_until(due))
        changed = store.write(recall(NOW, beyond))
        rows = store.read(lambda: rows_of("SELECT state FROM queue_recipient WHERE due = ?1", NOW))
        assert changed == len(rows)
        return {row[0] for row in rows}, [(told.topic, told.key) for told in store.told]


def test_attack_64_what_waits_is_due_when_the_clock_has_gone_back(tmp_path: Path) -> None:
    assert due_now(tmp_path, NOW + 60, 0) == ({"ready", "deferred"}, [(TOPIC, CHANGED)])


def test_next_hops_are_forgiven_though_nothing_waits(tmp_path: Path) -> None:
    assert due_now(tmp_path, NOW - 60, 0) == (set(), [(TOPIC, CHANGED)])


def test_a_start_recalls_only_what_no_schedule_can_have_set(tmp_path: Path) -> None:
    assert due_now(tmp_path, NOW + LONGEST, LONGEST) == (set(), [])


def test_attack_64_a_start_recalls_what_is_far_away(tmp_path: Path) -> None:
    assert due_now(tmp_path, NOW + 8 * DAY, LONGEST) == (
        {"ready", "deferred"},
        [(TOPIC, CHANGED)],
    )


def test_attack_64_next_hops_are_not_left_alone_for_years(tmp_path: Path) -> None:
    migrate(tmp_path)
    with DirectStore(tmp_path) as store:
        for domain, until in (("far.example", NOW + 8 * DAY), ("near.example", NOW + LONGEST)):
            store.write(remember([domain], Memory(until, 1, Trouble("dead", "4.4.1")), NOW))
        store.write(recall(NOW, LONGEST))
        assert store.read(remembered("far.example")) is None
        assert store.read(remembered("near.example")) is not None
        assert (TOPIC, CHANGED) in [(told.topic, told.key) for told in store.told]
