"""RENAME (RFC 3501 §6.3.5): a name and those below it change; of INBOX, where its messages are."""

from __future__ import annotations

from dataclasses import dataclass

from .changes import APPENDED, EXPUNGED, next_modseq, record, record_mailbox
from .flags import SEEN, has
from .mailboxes import (
    BY_NAME,
    DEEPEST_NAME,
    INBOX_NAME,
    LONGEST_NAME,
    SEPARATOR,
    Mailbox,
    MailboxExists,
    NotAllowed,
    create_above,
    insert_mailbox,
    next_uid_validity,
    vacate,
)
from .messages.refusals import NoSuchMailbox
from .messages.rows import INBOX, INSERT_MESSAGE, LAST_UID
from .ranges import ranges_of
from .unit import Unit, Work, one_of, rows_of, run, run_many

INSERT_TOMBSTONE = (
    "INSERT INTO tombstone (account, mailbox, uid, modseq, internal_date, size, content, prefix,"
    " expunged) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
)
ALL_IN_RANGE = (
    "SELECT uid, flags, internal_date, size, content, prefix FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)


def rename_mailbox(account: int, old: str, new: str, now: int) -> Unit[None]:
    """RENAME (RFC 3501 §6.3.5), with the names below it; of INBOX, its messages only.

    Raises NoSuchMailbox, MailboxExists, NotAllowed.
    """

    def unit() -> Work[None]:
        if new == INBOX_NAME or (yield from one_of(BY_NAME, account, new)) is not None:
            raise MailboxExists
        if new.startswith(old + SEPARATOR) and old != INBOX_NAME:
            raise NotAllowed
        row = yield from one_of(BY_NAME, account, old)
        below = yield from _below(account, old)
        if row is None and not below:
            raise NoSuchMailbox
        if old == INBOX_NAME:
            yield from create_above(account, new, now)
            yield from _move_inbox(account, new, now)
            return
        if row is not None:
            below.append((row[0], old, Mailbox(*row).uid_validity))
        moves = [Move(*each, new + each[1][len(old) :]) for each in below]
        yield from _check_targets(account, moves)
        yield from create_above(account, new, now)
        yield from _move_all(account, moves, now)

    return unit


@dataclass(frozen=True, slots=True)
class Move:
    """A mailbox that gets another name."""

    mailbox: int
    name: str
    uid_validity: int
    target: str


def _check_targets(account: int, moves: list[Move]) -> Work[None]:
    """Nothing else bears the names that these mailboxes will have, and none is too long or deep.

    There may be `new/x` without a `new`, which was deleted.
    """
    leaving = {move.name for move in moves}
    for move in moves:
        target = move.target
        if len(target.encode()) > LONGEST_NAME or target.count(SEPARATOR) >= DEEPEST_NAME:
            raise NotAllowed
        if target not in leaving and (yield from one_of(BY_NAME, account, target)) is not None:
            raise MailboxExists


def _move_all(account: int, moves: list[Move], now: int) -> Work[None]:
    """UIDVALIDITY is kept where no mailbox of the new name can have had a larger (§2.3.1.1)."""
    row = yield from one_of("SELECT vacated_validity FROM account WHERE id = ?1", account)
    assert row is not None, f"there is no account {account}"
    floor: int = row[0]
    largest = max(move.uid_validity for move in moves)
    if not {move.name for move in moves}.isdisjoint(move.target for move in moves):
        floor = max(floor, largest)
    # The shortest first: `a/b` may be renamed to `a`, and then `a/b/b` to `a/b`.
    for move in sorted(moves, key=lambda move: len(move.name)):
        uid_validity = move.uid_validity
        if uid_validity <= floor:
            uid_validity = yield from next_uid_validity(account, now)
        modseq = yield from next_modseq(account)
        yield from run(
            "UPDATE mailbox SET name = ?3, uid_validity = ?4, highest_modseq = ?5"
            " WHERE account = ?1 AND id = ?2",
            account,
            move.mailbox,
            move.target,
            uid_validity,
            modseq,
        )
        yield from record_mailbox(account, move.mailbox, modseq)
    yield from vacate(account, largest)


def _below(account: int, name: str) -> Work[list[tuple[int, str, int]]]:
    above = name + SEPARATOR
    rows = yield from rows_of(
        "SELECT id, name, uid_validity FROM mailbox"
        " WHERE account = ?1 AND substr(name, 1, ?3) = ?2",
        account,
        above,
        len(above),
    )
    return [(mailbox, its_name, uid_validity) for mailbox, its_name, uid_validity in rows]


def _move_inbox(account: int, new: str, now: int) -> Work[None]:
    """§6.3.5: the messages of INBOX move to the new mailbox; INBOX stays, empty."""
    target = yield from insert_mailbox(account, new, now, was=INBOX_NAME)
    rows = yield from rows_of(
        ALL_IN_RANGE + " ORDER BY uid",
        account,
        INBOX,
        1,
        LAST_UID,
    )
    if not rows:
        return
    modseq = yield from next_modseq(account)
    yield from run_many(
        INSERT_MESSAGE,
        [(account, target, uid, modseq, *row[1:], now) for uid, row in enumerate(rows, 1)],
    )
    # Sessions that have INBOX selected can read them until they are told.
    yield from run_many(
        INSERT_TOMBSTONE, [(account, INBOX, row[0], modseq, *row[2:], now) for row in rows]
    )
    yield from run_many(
        "UPDATE content SET refs = refs + 1 WHERE id = ?1", [(row[4],) for row in rows]
    )
    yield from run("DELETE FROM message WHERE account = ?1 AND mailbox = ?2", account, INBOX)
    counts = (
        len(rows),
        sum(1 for row in rows if not has(row[1], SEEN)),
        sum(row[3] for row in rows),
        modseq,
    )
    yield from run(
        "UPDATE mailbox SET messages = ?3, unseen = ?4, octets = ?5, highest_modseq = ?6,"
        " uid_next = ?3 + 1 WHERE account = ?1 AND id = ?2",
        account,
        target,
        *counts,
    )
    yield from run(
        "UPDATE mailbox SET messages = 0, unseen = 0, octets = 0, highest_modseq = ?3"
        " WHERE account = ?1 AND id = ?2",
        account,
        INBOX,
        modseq,
    )
    yield from record(account, target, modseq, APPENDED, [(1, len(rows))])
    yield from record(account, INBOX, modseq, EXPUNGED, ranges_of(row[0] for row in rows))
