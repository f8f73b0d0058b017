"""COPY (RFC 3501 §6.4.7) and MOVE (RFC 6851): rows are copied, contents are referred to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..changes import APPENDED, next_modseq, record
from ..quota import require_room
from ..ranges import Range, ranges_of
from ..unit import Row, Unit, Work, one_of, rows_of, run, run_many
from .expunge import expunge
from .refusals import MailboxFull, NoSuchMailbox, SomeExpunged
from .rows import FOUND_IN_RANGE, LAST_UID, unseen_among


@dataclass(frozen=True, slots=True)
class Copies:
    """What COPY has made: UIDs of the messages and, in the same order, of the copies."""

    uid_validity: int
    uids: list[int]
    copies: list[int]


def copy_messages(
    account: int,
    mailbox: int,
    ranges: Sequence[Range],
    target: str,
    count: int = 0,
    now: int | None = None,
) -> Unit[Copies]:
    """COPY (RFC 3501 §6.4.7): all of them, at least `count`, or none; they are saved `now`.

    Raises NoSuchMailbox, MailboxFull, OverQuota, SomeExpunged.
    """

    def unit() -> Work[Copies]:
        return (yield from _copy(account, mailbox, ranges, target, count, now, more=True))

    return unit


def move_messages(
    account: int, mailbox: int, ranges: Sequence[Range], target: str, count: int, now: int
) -> Unit[Copies]:
    """MOVE (RFC 6851): the same, and what was copied is expunged. An account keeps no more by it.

    Raises NoSuchMailbox, MailboxFull, SomeExpunged.
    """

    def unit() -> Work[Copies]:
        copies = yield from _copy(account, mailbox, ranges, target, count, now, more=False)
        if copies.uids:  # the copies, too, may be in this mailbox, above all others
            yield from expunge(account, mailbox, ranges_of(copies.uids), now, deleted_only=False)
        return copies

    return unit


def _copy(
    account: int,
    mailbox: int,
    ranges: Sequence[Range],
    target: str,
    count: int,
    now: int | None,
    more: bool,
) -> Work[Copies]:
    """`more`: the account will keep more by it, and must have room."""
    row = yield from one_of(
        "SELECT id, uid_validity, uid_next FROM mailbox WHERE account = ?1 AND name = ?2",
        account,
        target,
    )
    if row is None:
        raise NoSuchMailbox
    target_id, uid_validity, uid = row
    found: list[Row] = []
    for first, last in ranges:
        found += yield from rows_of(FOUND_IN_RANGE, account, mailbox, first, last)
    if len(found) < count:
        raise SomeExpunged
    if not found:
        return Copies(uid_validity, [], [])
    if uid + len(found) > LAST_UID:
        raise MailboxFull
    uids, flags, sizes, contents = zip(*found, strict=True)
    if more:
        yield from require_room(account, sum(sizes))
    modseq = yield from next_modseq(account)
    yield from _insert_copies(account, mailbox, target_id, uids, (uid, modseq, now))
    yield from _refer_to(contents)
    yield from run(
        "UPDATE mailbox SET uid_next = uid_next + ?3, messages = messages + ?3,"
        " unseen = unseen + ?4, octets = octets + ?5, highest_modseq = ?6"
        " WHERE account = ?1 AND id = ?2",
        account,
        target_id,
        len(found),
        unseen_among(flags),
        sum(sizes),
        modseq,
    )
    copies = range(uid, uid + len(found))
    yield from record(account, target_id, modseq, APPENDED, [(copies[0], copies[-1])])
    return Copies(uid_validity, list(uids), list(copies))


def _insert_copies(
    account: int,
    mailbox: int,
    target: int,
    uids: Sequence[int],
    as_what: tuple[int, int, int | None],
) -> Work[None]:
    """Copy these messages within the database, each run of UIDs at once.

    `as_what`: the first copy's UID, the mod-sequence and the time of all of them.
    """
    uid, modseq, now = as_what
    arguments = []
    for first, last in ranges_of(uids):
        arguments.append((account, mailbox, first, last, target, uid - first, modseq, now))
        uid += last - first + 1
    yield from run_many(
        "INSERT INTO message (account, mailbox, uid, modseq, flags, internal_date, size, content,"
        " prefix, saved) SELECT account, ?5, uid + ?6, ?7, flags, internal_date, size, content,"
        " prefix, ?8 FROM message WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4",
        arguments,
    )


def _refer_to(contents: Iterable[int]) -> Work[None]:
    """Count one more reference for each time that a content is named; runs of them at once."""
    by_times: dict[int, list[int]] = {}
    for content, times in Counter(contents).items():
        by_times.setdefault(times, []).append(content)
    yield from run_many(
        "UPDATE content SET refs = refs + ?3 WHERE id BETWEEN ?1 AND ?2",
        [
            (first, last, times)
            for times, some in by_times.items()
            for first, last in ranges_of(sorted(some))
        ],
    )
