"""EXPUNGE (RFC 3501 §6.4.3): rows become tombstones, which are forgotten after a time."""

from __future__ import annotations

from collections.abc import Sequence

from ..changes import EXPUNGED, next_modseq, record
from ..contents import refer
from ..flags import DELETED, has
from ..ranges import Range, ranges_of
from ..unit import Row, Unit, Work, one_of, rows_of, run, run_many
from .rows import FOUND_IN_RANGE, LAST_UID, unseen_among

DELETED_IN_RANGE = FOUND_IN_RANGE + " AND flags LIKE '%\\Deleted%'"


def expunge_messages(
    account: int, mailbox: int, ranges: Sequence[Range] | None, now: int, deleted_only: bool = True
) -> Unit[list[int]]:
    """EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1); gives the UIDs expunged.

    `ranges` None stands for all. POP3 removes what it names, \\Deleted or not.
    """

    def unit() -> Work[list[int]]:
        row = yield from one_of(
            "SELECT 1 FROM mailbox WHERE account = ?1 AND id = ?2", account, mailbox
        )
        if row is None:
            return []
        return (yield from expunge(account, mailbox, ranges, now, deleted_only))

    return unit


def expunge(
    account: int, mailbox: int, ranges: Sequence[Range] | None, now: int, deleted_only: bool
) -> Work[list[int]]:
    """The same, as a part of larger units."""
    found: list[Row] = []
    for first, last in [(1, LAST_UID)] if ranges is None else ranges:
        rows = yield from rows_of(
            DELETED_IN_RANGE if deleted_only else FOUND_IN_RANGE, account, mailbox, first, last
        )
        if deleted_only:
            rows = [row for row in rows if has(row[1], DELETED)]
        found += rows
    if not found:
        return []
    modseq = yield from next_modseq(account)
    uids, flags, sizes, _ = zip(*found, strict=True)
    gone = ranges_of(sorted(uids))
    yield from run_many(
        "INSERT INTO tombstone (account, mailbox, uid, modseq, internal_date, size, content,"
        " prefix, expunged) SELECT account, mailbox, uid, ?5, internal_date, size, content,"
        " prefix, ?6 FROM message WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4",
        [(account, mailbox, first, last, modseq, now) for first, last in gone],
    )
    yield from run_many(
        "DELETE FROM message WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4",
        [(account, mailbox, first, last) for first, last in gone],
    )
    yield from run(
        "UPDATE mailbox SET messages = messages - ?3, unseen = unseen - ?4, octets = octets - ?5,"
        " highest_modseq = ?6 WHERE account = ?1 AND id = ?2",
        account,
        mailbox,
        len(found),
        unseen_among(flags),
        sum(sizes),
        modseq,
    )
    yield from record(account, mailbox, modseq, EXPUNGED, gone)
    return sorted(uids)


def sweep_tombstones(before: int, most: int) -> Unit[int]:
    """Forget messages expunged before a time, and let go of their contents."""

    def unit() -> Work[int]:
        rows = yield from rows_of(
            "SELECT account, mailbox, uid, content FROM tombstone WHERE expunged < ?1"
            " ORDER BY expunged LIMIT ?2",
            before,
            most,
        )
        for account, mailbox, uid, content in rows:
            yield from run(
                "DELETE FROM tombstone WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
                account,
                mailbox,
                uid,
            )
            yield from refer(content, -1)
        return len(rows)

    return unit
