"""Units of work that find the next hops of new letters, without looking at all of the queue."""

from __future__ import annotations

from posthouse.store.unit import Unit, Work, one_of, rows_of


def newest_message() -> Unit[int]:
    """The id of the newest letter in the queue; 0 if there is none."""

    def unit() -> Work[int]:
        row = yield from one_of("SELECT max(message) FROM queue_recipient")
        return 0 if row is None or row[0] is None else row[0]

    return unit


def next_hops_after(message: int) -> Unit[list[str]]:
    """The next hops of letters that came after one."""

    def unit() -> Work[list[str]]:
        # By the primary key: with `account = 0` the planner would walk an index of all next hops.
        rows = yield from rows_of(
            "SELECT domain, account FROM queue_recipient WHERE message > ?1 AND state = 'ready'",
            message,
        )
        return list(dict.fromkeys(domain for domain, account in rows if not account))

    return unit
