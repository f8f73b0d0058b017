"""Looking into the queue: its recipients, one letter, and a summary by next hop."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.store.unit import Unit, Work, rows_of

from .selection import ALL, DUE, FROM, Selection, condition, own_or


@dataclass(frozen=True, slots=True)
class Entry:
    """A recipient that waits, with what its letter's row says."""

    message: int
    number: int
    name: str
    received: int
    size: int
    content: int
    reverse_path: str
    source: str
    forward_path: str
    original: str
    account: int
    next_hop: str
    state: str
    lease: str
    due: int
    tries: int
    tried: int
    warned: bool
    reason: str
    status: str
    remote: str
    reply: str


_COLUMNS = (
    "SELECT r.message, r.number, m.name, m.received, c.size, m.content, m.reverse_path, m.source,"
    " r.forward_path, r.original, r.account,"
    f" CASE WHEN r.account = 0 THEN r.domain ELSE 'local' END, r.state, r.lease, {DUE}, r.tries,"
    f" r.tried, r.warned, {own_or('reason')}, {own_or('status')}, {own_or('remote')},"
    f" {own_or('reply')}"
)
_FROM = f"{FROM} JOIN content AS c ON c.id = m.content WHERE "


def list_queue(selection: Selection = ALL, most: int = 10_000) -> Unit[list[Entry]]:
    """The recipients that wait, the oldest letter first."""
    where, values = condition(selection, 2)

    def unit() -> Work[list[Entry]]:
        rows = yield from rows_of(
            f"{_COLUMNS}{_FROM}{where} ORDER BY m.id, r.number LIMIT ?1", most, *values
        )
        return [Entry(*row) for row in rows]

    return unit


def recipients_of(message: int) -> Unit[list[Entry]]:
    """What waits of one letter."""

    def unit() -> Work[list[Entry]]:
        rows = yield from rows_of(f"{_COLUMNS}{_FROM}m.id = ?1 ORDER BY r.number", message)
        return [Entry(*row) for row in rows]

    return unit


@dataclass(frozen=True, slots=True)
class NextHop:
    """What waits for one next hop, for one reason."""

    next_hop: str
    reason: str
    recipients: int
    held: int
    ready: int
    leased: int
    deferred: int
    oldest: int  # when the oldest letter came
    next_due: int


def summarise_queue(selection: Selection = ALL) -> Unit[list[NextHop]]:
    """Recipients counted by next hop and reason, the most first."""
    where, values = condition(selection)

    def unit() -> Work[list[NextHop]]:
        rows = yield from rows_of(
            "SELECT CASE WHEN r.account = 0 THEN r.domain ELSE 'local' END AS hop,"
            f" {own_or('reason')} AS why,"
            " count(*) AS waiting,"
            " sum(CASE WHEN r.state = 'held' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN r.state = 'ready' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN r.state = 'leased' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN r.state = 'deferred' THEN 1 ELSE 0 END),"
            f" min(m.received), min({DUE}){FROM}"
            f" WHERE {where} GROUP BY hop, why ORDER BY waiting DESC, hop, why",
            *values,
        )
        return [NextHop(*row) for row in rows]

    return unit
