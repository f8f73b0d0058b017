"""Units of work of the queue for what goes to other sites: lease by next hop, conclude.

A token is of one lease: a worker that takes a recipient again, after its own lease has run out,
uses another. It begins with the worker's own, so that `release_leases` finds them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.store.unit import Unit, Work, one_of, rows_of, run

from .states import State
from .units import release_expired

ROWS_MORE = 10  # that a lease looks at: a letter has a row for each recipient


@dataclass(frozen=True, slots=True)
class Waiting:
    """A leased recipient of another site."""

    number: int
    forward_path: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter for one next hop, with those of its recipients that are leased for it."""

    message: int
    name: str
    content: int
    size: int
    reverse_path: str
    body: str
    received: int
    recipients: tuple[Waiting, ...]


_NEXT_HOPS = """
WITH RECURSIVE hop (name) AS (
    SELECT min(domain) FROM queue_recipient WHERE account = 0
    UNION ALL
    SELECT (SELECT min(domain) FROM queue_recipient WHERE account = 0 AND domain > hop.name)
    FROM hop WHERE hop.name IS NOT NULL)
SELECT name FROM hop WHERE name IS NOT NULL AND EXISTS (
    SELECT 1 FROM queue_recipient WHERE account = 0 AND domain = hop.name
    AND state IN ('ready', 'leased', 'deferred') AND due <= ?1)
  AND NOT EXISTS (SELECT 1 FROM queue_next_hop WHERE domain = hop.name AND until > ?1)
"""

_IS_LATE = (
    "r.state IN ('ready', 'deferred') AND r.due <= ?1"
    " AND (m.received <= ?2 OR (m.received <= ?3 AND r.warned = 0))"
)


def due_next_hops(now: int) -> Unit[list[str]]:
    """The next hops that something is due for, but for those that are left alone."""

    def unit() -> Work[list[str]]:
        rows = yield from rows_of(_NEXT_HOPS, now)
        return [row[0] for row in rows]

    return unit


def next_due(now: int) -> Unit[int | None]:
    """The first moment after `now` at which something for another site may be due."""

    def unit() -> Work[int | None]:
        first: list[int] = []
        for state in (State.READY, State.LEASED, State.DEFERRED):
            row = yield from one_of(
                "SELECT min(due) FROM queue_recipient WHERE state IN ('ready', 'leased',"
                " 'deferred') AND state = ?1 AND (account = 0) = 1 AND due > ?2",
                state,
                now,
            )
            if row is not None and row[0] is not None:
                first.append(row[0])
        row = yield from one_of("SELECT min(until) FROM queue_next_hop WHERE until > ?1", now)
        if row is not None and row[0] is not None:
            first.append(row[0])
        return min(first, default=None)

    return unit


def lease_next_hop(
    domain: str, lease: str, now: int, until: int, most: int = 20
) -> Unit[list[Taken]]:
    """Take what is due for one next hop, of `most` letters; other next hops are not touched."""

    def unit() -> Work[list[Taken]]:
        yield from release_expired(now, domain)
        taken: list[Taken] = []
        look = most + ROWS_MORE
        while len(taken) < most:
            rows = yield from rows_of(
                "SELECT message FROM queue_recipient WHERE account = 0 AND domain = ?1"
                " AND state = 'ready' AND due <= ?2 ORDER BY due LIMIT ?3",
                domain,
                now,
                look,
            )
            for message in list(dict.fromkeys(row[0] for row in rows))[: most - len(taken)]:
                letter = yield from _take(message, domain, lease, now, until)
                taken.append(letter)
            if len(rows) < look:
                break
        return taken

    return unit


def _take(message: int, domain: str, lease: str, now: int, until: int) -> Work[Taken]:
    # By the primary key: with `account = 0` all that waits for the next hop would be looked at.
    rows = yield from rows_of(
        "UPDATE queue_recipient SET state = 'leased', lease = ?4, due = ?5 WHERE message = ?1"
        " AND NOT (account <> 0) AND domain = ?2 AND state = 'ready' AND due <= ?3"
        " RETURNING number, forward_path",
        message,
        domain,
        now,
        lease,
        until,
    )
    letter = yield from one_of(
        "SELECT m.name, m.content, c.size, m.reverse_path, m.body, m.received"
        " FROM queue_message AS m JOIN content AS c ON c.id = m.content WHERE m.id = ?1",
        message,
    )
    assert letter is not None
    recipients = tuple(Waiting(*row) for row in sorted(rows))
    name, content, size, reverse_path, body, received = letter
    return Taken(message, name, content, size, reverse_path, body, received, recipients)


def extend(taken: Sequence[int], lease: str, until: int) -> Unit[None]:
    """A slow next hop needs longer for these letters."""

    def unit() -> Work[None]:
        for message in taken:
            yield from run(
                "UPDATE queue_recipient SET due = ?3 WHERE message = ?1 AND state = 'leased'"
                " AND lease = ?2",
                message,
                lease,
                until,
            )

    return unit


def give_back(message: int, lease: str, due: int) -> Unit[int]:
    """End a lease before its time, with nothing tried: as if it had run out at `due`."""

    def unit() -> Work[int]:
        return (
            yield from run(
                "UPDATE queue_recipient SET state = 'ready', lease = '', due = ?3"
                " WHERE message = ?1 AND state = 'leased' AND lease = ?2",
                message,
                lease,
                due,
            )
        )

    return unit


def late_next_hops(now: int, give_up: int, warn: int) -> Unit[list[str]]:
    """Next hops that are left alone, with letters whose senders are to be told something now.

    Those are letters that came until `give_up`, or until `warn` and nobody was told. May be long.
    """

    def unit() -> Work[list[str]]:
        rows = yield from rows_of(
            "SELECT domain FROM queue_next_hop AS h WHERE until > ?1 AND EXISTS ("  # noqa: S608
            "SELECT 1 FROM queue_recipient AS r JOIN queue_message AS m ON m.id = r.message"
            f" WHERE r.account = 0 AND r.domain = h.domain AND {_IS_LATE})",
            now,
            give_up,
            warn,
        )
        return [row[0] for row in rows]

    return unit


def lease_late(
    domain: str, lease: str, now: int, until: int, give_up: int, warn: int, most: int
) -> Unit[list[Taken]]:
    """Take such letters of one next hop. May be long."""

    def unit() -> Work[list[Taken]]:
        yield from release_expired(now, domain)
        rows = yield from rows_of(
            "SELECT DISTINCT r.message FROM queue_recipient AS r"  # noqa: S608
            " JOIN queue_message AS m ON m.id = r.message"
            f" WHERE r.account = 0 AND r.domain = ?4 AND {_IS_LATE} LIMIT ?5",
            now,
            give_up,
            warn,
            domain,
            most,
        )
        taken: list[Taken] = []
        for (message,) in rows:
            letter = yield from _take(message, domain, lease, now, until)
            taken.append(letter)
        return taken

    return unit
