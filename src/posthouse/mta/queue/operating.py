"""What the operator does to the queue. What is leased is being tried, and is let alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from posthouse.store.unit import Unit, Value, Work, one_of, rows_of, run, tell

from .concluding import Report, insert_report
from .next_hops import forget
from .selection import FROM, Selection, condition
from .states import State
from .units import CHANGED, TOPIC, forget_if_settled

T = TypeVar("T")

AT_ONCE = 1000  # recipients in one unit, so that others write in between


def hold(selection: Selection, most: int = AT_ONCE) -> Unit[int]:
    """Hold back what waits until it is released. Gives how many; if `most`, go on."""
    return _change(
        selection,
        "r.state IN ('ready', 'deferred')",
        "UPDATE queue_recipient SET state = 'held' WHERE message = ?1 AND number = ?2"
        " AND state IN ('ready', 'deferred')",
        most,
    )


def release(selection: Selection, now: int, most: int = AT_ONCE) -> Unit[int]:
    """Let go what was held."""
    return _change(
        selection,
        "r.state = 'held'",
        "UPDATE queue_recipient SET state = 'ready', due = ?3 WHERE message = ?1 AND number = ?2"
        " AND state = 'held'",
        most,
        now,
    )


def retry(selection: Selection, now: int, most: int = AT_ONCE) -> Unit[int]:
    """Have what waits for its time tried now, and what waits with its next hop."""
    with_hops = _tried_with_next_hops(selection, now)
    by_time = _change(
        replace(selection, due_after=now),
        "r.state IN ('ready', 'deferred')",
        "UPDATE queue_recipient SET state = 'ready', due = ?3 WHERE message = ?1 AND number = ?2"
        " AND state IN ('ready', 'deferred')",
        most,
        now,
    )

    def unit() -> Work[int]:
        first = yield from with_hops()
        more = yield from by_time()
        return first + more

    return unit


def and_look_at(unit: Unit[T], domains: Iterable[str], now: int) -> Unit[T]:
    """Do this, and have what waits for these domains as if they were of others looked at now.

    They are of this site since, or somebody else has the mail of one of their addresses.
    """

    def both() -> Work[T]:
        result = yield from unit()
        changed = 0
        for domain in sorted(set(domains)):
            changed += yield from run(
                "UPDATE queue_recipient SET due = ?2 WHERE account = 0 AND domain = ?1"
                " AND state IN ('ready', 'deferred') AND due > ?2",
                domain,
                now,
            )
            changed += yield from run("DELETE FROM queue_next_hop WHERE domain = ?1", domain)
        if changed:
            yield from tell(TOPIC, CHANGED, changed)
        return result

    return both


def _tried_with_next_hops(selection: Selection, now: int) -> Unit[int]:
    """The next hops of what is due, and waits with them alone, are tried now."""
    where, values = condition(selection, 2)

    def unit() -> Work[int]:
        rows = yield from rows_of(
            f"SELECT h.domain, count(*){FROM} WHERE r.state IN ('ready', 'deferred')"
            f" AND r.due <= ?1 AND h.until > ?1 AND {where} GROUP BY h.domain",
            now,
            *values,
        )
        yield from forget([domain for domain, _ in rows])()
        changed: int = sum(count for _, count in rows)
        if changed:
            yield from tell(TOPIC, CHANGED, changed)
        return changed

    return unit


def _change(selection: Selection, may: str, update: str, most: int, *given: Value) -> Unit[int]:
    """Their next hops, too, are tried at once, should that be what they then wait for."""
    where, values = condition(selection, 2)

    def unit() -> Work[int]:
        rows = yield from rows_of(
            f"SELECT r.message, r.number, h.domain{FROM} WHERE {may} AND {where} LIMIT ?1",
            most,
            *values,
        )
        for message, number, _ in rows:
            yield from run(update, message, number, *given)
        if given:
            yield from forget({domain for _, _, domain in rows if domain is not None})()
        if rows:
            yield from tell(TOPIC, CHANGED, len(rows))
        return len(rows)

    return unit


def end(
    message: int,
    numbers: Sequence[int],
    now: int,
    report: Report | None = None,
    outgoing: State = State.READY,
) -> Unit[int]:
    """End recipients that are not leased, as failed: with a report, or silently.

    All of them or, if one is leased or has gone, none; gives how many. A report to another site
    begins as `outgoing`.
    """

    def unit() -> Work[int]:
        row = yield from one_of("SELECT content FROM queue_message WHERE id = ?1", message)
        states = yield from rows_of(
            "SELECT number, state FROM queue_recipient WHERE message = ?1", message
        )
        free = {number for number, state in states if state != "leased"}
        if row is None or not free.issuperset(numbers):
            return 0
        for number in numbers:
            yield from run(
                "DELETE FROM queue_recipient WHERE message = ?1 AND number = ?2"
                " AND state IN ('held', 'ready', 'deferred')",
                message,
                number,
            )
        if report is not None:
            yield from insert_report(report, now, outgoing)
        yield from forget_if_settled(message, row[0], 0)
        return len(numbers)

    return unit
