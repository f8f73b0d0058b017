"""What the operator does to the queue. What is leased is being tried, and is let alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from posthouse.store.unit import Unit, Value, Work, one_of, rows_of, run, tell

from .concluding import Report, insert_report
from .selection import Selection, condition
from .units import CHANGED, TOPIC, forget_if_settled

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
    """Have what waits for its time tried now."""
    return _change(
        replace(selection, due_after=now),
        "r.state IN ('ready', 'deferred')",
        "UPDATE queue_recipient SET state = 'ready', due = ?3 WHERE message = ?1 AND number = ?2"
        " AND state IN ('ready', 'deferred')",
        most,
        now,
    )


def _change(selection: Selection, may: str, update: str, most: int, *given: Value) -> Unit[int]:
    where, values = condition(selection, 2)

    def unit() -> Work[int]:
        rows = yield from rows_of(
            "SELECT r.message, r.number FROM queue_message AS m"  # noqa: S608
            f" JOIN queue_recipient AS r ON r.message = m.id WHERE {may} AND {where} LIMIT ?1",
            most,
            *values,
        )
        for message, number in rows:
            yield from run(update, message, number, *given)
        if rows:
            yield from tell(TOPIC, CHANGED, len(rows))
        return len(rows)

    return unit


def end(message: int, numbers: Sequence[int], now: int, report: Report | None = None) -> Unit[int]:
    """End recipients that are not leased, as failed: with a report, or silently.

    All of them or, if one is leased or has gone, none; gives how many.
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
            yield from insert_report(report, now)
        yield from forget_if_settled(message, row[0], 0)
        return len(numbers)

    return unit
