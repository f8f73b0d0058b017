"""Messages in mailboxes: filed, copied, flagged, expunged; each a unit of work.

The counters of the mailbox are kept in the same transaction, and every change is in the feed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from posthouse.message.summary import Summary

from . import flags as flag_text
from .changes import APPENDED, EXPUNGED, FLAGS, next_modseq, record
from .contents import Prepared, insert_content, refer
from .quota import require_room
from .ranges import Range, merged, ranges_of
from .summaries import insert_summary
from .unit import Row, Unit, Work, one_of, rows_of, run, run_many

INBOX = 1  # the id of every account's INBOX


INSERT_MESSAGE = (
    "INSERT INTO message (account, mailbox, uid, modseq, flags, internal_date, size, content,"
    " prefix, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
)
INSERT_TOMBSTONE = (
    "INSERT INTO tombstone (account, mailbox, uid, modseq, internal_date, size, content, prefix,"
    " expunged) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
)
ALL_IN_RANGE = (
    "SELECT uid, flags, internal_date, size, content, prefix FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)
FOUND_IN_RANGE = (
    "SELECT uid, flags, size, content FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)
DELETED_IN_RANGE = FOUND_IN_RANGE + " AND flags LIKE '%\\Deleted%'"


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a message lies now (RFC 4315 §3)."""

    mailbox: int
    uid_validity: int
    uid: int
    modseq: int


class NoSuchMailbox(Exception):
    """There is no such mailbox (any more)."""


class SomeExpunged(Exception):
    """Not all of the messages are there any more."""


class MailboxFull(Exception):
    """The mailbox has given out its last UID."""


LAST_UID = 2**32 - 1


def file_message(
    account: int,
    mailbox: int,
    content: int,
    size: int,
    internal_date: int,
    flags: str = "",
    prefix: bytes = b"",
    saved: int | None = None,
) -> Work[Filed]:
    """File a content, already written and counted, as a message; a part of larger units.

    `size` is that of the content; `prefix` are header fields of this copy alone (Return-Path,
    Delivered-To), which the reader gets before it. It is `saved` now, which for a letter that is
    delivered is its internal date.
    """
    size += len(prefix)
    modseq = yield from next_modseq(account)
    row = yield from one_of(
        "UPDATE mailbox SET uid_next = uid_next + 1, messages = messages + 1,"
        " unseen = unseen + ?3, octets = octets + ?4, highest_modseq = ?5"
        " WHERE account = ?1 AND id = ?2 RETURNING uid_next - 1, uid_validity",
        account,
        mailbox,
        0 if flag_text.has(flags, flag_text.SEEN) else 1,
        size,
        modseq,
    )
    if row is None:
        raise NoSuchMailbox
    uid, uid_validity = row
    if uid >= LAST_UID:
        raise MailboxFull
    yield from run(
        INSERT_MESSAGE,
        account,
        mailbox,
        uid,
        modseq,
        flags,
        internal_date,
        size,
        content,
        prefix,
        internal_date if saved is None else saved,
    )
    yield from record(account, mailbox, modseq, APPENDED, [(uid, uid)])
    return Filed(mailbox, uid_validity, uid, modseq)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that is to be filed."""

    prepared: Prepared
    summary: Summary
    internal_date: int
    flags: str


def append_message(
    account: int,
    mailbox: str,
    prepared: Prepared,
    summary: Summary,
    internal_date: int,
    flags: str,
) -> Unit[Filed]:
    """APPEND (RFC 3501 §6.3.11). Raises NoSuchMailbox, MailboxFull."""

    def unit() -> Work[Filed]:
        arrival = Arrival(prepared, summary, internal_date, flags)
        [filed] = yield from _append(account, mailbox, [arrival], None)
        return filed

    return unit


def append_messages(
    account: int,
    mailbox: str,
    arrivals: Sequence[Arrival],
    now: int,
    replaced: tuple[int, int] | None = None,
) -> Unit[list[Filed]]:
    """The same for several messages, all or none (RFC 3502).

    With REPLACE (RFC 8508) a message goes, whose mailbox and UID are `replaced`. Whether there is
    room is looked at here, where nobody else can take it. Raises NoSuchMailbox, MailboxFull,
    OverQuota, SomeExpunged.
    """

    def unit() -> Work[list[Filed]]:
        filed = yield from _append(account, mailbox, arrivals, now)
        if replaced is not None:
            its_mailbox, uid = replaced
            if not (yield from expunge(account, its_mailbox, [(uid, uid)], now, False)):
                raise SomeExpunged
        yield from require_room(account, 0)
        return filed

    return unit


def _append(
    account: int, mailbox: str, arrivals: Sequence[Arrival], saved: int | None
) -> Work[list[Filed]]:
    row = yield from one_of(
        "SELECT id FROM mailbox WHERE account = ?1 AND name = ?2", account, mailbox
    )
    if row is None:
        raise NoSuchMailbox
    filed = []
    for each in arrivals:
        content = yield from insert_content(each.prepared, 1)
        yield from insert_summary(content, each.summary)
        size, date = each.prepared.size, each.internal_date
        filed.append(
            (yield from file_message(account, row[0], content, size, date, each.flags, saved=saved))
        )
    return filed


def size_of(account: int, mailbox: int, uid: int) -> Unit[int]:
    """The octets of a message; 0 if it is not there."""

    def unit() -> Work[int]:
        row = yield from one_of(
            "SELECT size FROM message WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
            account,
            mailbox,
            uid,
        )
        return row[0] if row else 0

    return unit


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


def unseen_among(flags: Iterable[str]) -> int:
    """How many of these messages are not \\Seen, by their flags."""
    return sum(
        times for text, times in Counter(flags).items() if not flag_text.has(text, flag_text.SEEN)
    )


Change = Callable[[str, tuple[str, ...]], str]

SEPARATE_GROUPS = 32  # of messages with equal flags, that are changed group by group
FLAGS_IN_RANGE = (
    "SELECT DISTINCT flags FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)


@dataclass(frozen=True, slots=True)
class Flagged:
    """What has become of the flags of the messages in a range of UIDs, by what they were."""

    first: int
    last: int
    outcomes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """What STORE has done to a mailbox; it was at the mod-sequence `before`."""

    before: int
    modseq: int
    changed: Sequence[Flagged]
    modified: Sequence[int]  # UIDs of messages that are as they were, since they had changed


def store_flags(
    account: int,
    mailbox: int,
    ranges: Sequence[Range],
    change: Change,
    given: tuple[str, ...],
    unchanged_since: int | None = None,
) -> Unit[Stored]:
    """STORE (RFC 3501 §6.4.6), `change` being one of flags.py.

    Left as they are, and named, are messages whose mod-sequence is larger than `unchanged_since`
    (RFC 7162 §3.1.3). The others are changed by groups that have the same flags, never one by
    one, and nobody asks which they were: the feed names the ranges, and the mod-sequence of a
    message tells the rest. Raises TooManyFlags.
    """

    def unit() -> Work[Stored]:
        modified: list[int] = []
        changed: list[Flagged] = []
        modseq = before = 0
        seen = 0  # how many became \\Seen, less those that are not any more
        for first, last in ranges:
            if unchanged_since is not None:
                modified += yield from _modified(account, mailbox, first, last, unchanged_since)
            groups = yield from rows_of(FLAGS_IN_RANGE, account, mailbox, first, last)
            outcomes = {old: new for (old,) in groups if (new := change(old, given)) != old}
            if not outcomes:
                continue
            if not modseq:
                before = yield from _version_of(account, mailbox)
                modseq = yield from next_modseq(account)
            newest = modseq - 1 if unchanged_since is None else min(unchanged_since, modseq - 1)
            where = (account, mailbox, first, last)
            counts = yield from _change_flags(where, outcomes, modseq, newest)
            for old, count in counts:
                was, now = (flag_text.has(text, flag_text.SEEN) for text in (old, outcomes[old]))
                seen += (now - was) * count
            if any(count for _, count in counts):
                changed.append(Flagged(first, last, outcomes))
        if changed:
            yield from _count_flags(account, mailbox, modseq, seen, changed)
        return Stored(before, modseq if changed else before, changed, modified)

    return unit


def _version_of(account: int, mailbox: int) -> Work[int]:
    row = yield from one_of(
        "SELECT highest_modseq FROM mailbox WHERE account = ?1 AND id = ?2", account, mailbox
    )
    return row[0] if row else 0


def _change_flags(
    where: tuple[int, int, int, int], outcomes: Mapping[str, str], modseq: int, newest: int
) -> Work[list[tuple[str, int]]]:
    """Change what is not newer; how many messages had which flags."""
    if len(outcomes) > SEPARATE_GROUPS:
        return (yield from _change_one_by_one(where, outcomes, modseq, newest))
    counts = []
    for old, new in outcomes.items():
        count = yield from run(
            "UPDATE message SET flags = ?6, modseq = ?7 WHERE account = ?1 AND mailbox = ?2"
            " AND uid BETWEEN ?3 AND ?4 AND flags = ?5 AND modseq <= ?8",
            *where,
            old,
            new,
            modseq,
            newest,
        )
        counts.append((old, count))
    return counts


def _change_one_by_one(
    where: tuple[int, int, int, int], outcomes: Mapping[str, str], modseq: int, newest: int
) -> Work[list[tuple[str, int]]]:
    """The same where nearly every message has flags of its own: one look at each."""
    rows = yield from rows_of(
        "SELECT uid, flags FROM message WHERE account = ?1 AND mailbox = ?2"
        " AND uid BETWEEN ?3 AND ?4 AND modseq <= ?5",
        *where,
        newest,
    )
    found = [(uid, old) for uid, old in rows if old in outcomes]
    yield from run_many(
        "UPDATE message SET flags = ?4, modseq = ?5 WHERE account = ?1 AND mailbox = ?2"
        " AND uid = ?3",
        [(where[0], where[1], uid, outcomes[old], modseq) for uid, old in found],
    )
    return [(old, 1) for _, old in found]


def _count_flags(
    account: int, mailbox: int, modseq: int, seen: int, changed: Sequence[Flagged]
) -> Work[None]:
    yield from run(
        "UPDATE mailbox SET unseen = unseen - ?3, highest_modseq = ?4"
        " WHERE account = ?1 AND id = ?2",
        account,
        mailbox,
        seen,
        modseq,
    )
    ranges = merged((each.first, each.last) for each in changed)
    yield from record(account, mailbox, modseq, FLAGS, ranges)


def _modified(account: int, mailbox: int, first: int, last: int, since: int) -> Work[list[int]]:
    rows = yield from rows_of(
        "SELECT uid FROM message WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
        " AND modseq > ?5 ORDER BY uid",
        account,
        mailbox,
        first,
        last,
        since,
    )
    return [row[0] for row in rows]


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
            rows = [row for row in rows if flag_text.has(row[1], flag_text.DELETED)]
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
            "SELECT account, mailbox, uid, content, modseq FROM tombstone WHERE expunged < ?1"
            " ORDER BY expunged LIMIT ?2",
            before,
            most,
        )
        for account, mailbox, uid, content, _ in rows:
            yield from run(
                "DELETE FROM tombstone WHERE account = ?1 AND mailbox = ?2 AND uid = ?3",
                account,
                mailbox,
                uid,
            )
            yield from refer(content, -1)
        return len(rows)

    return unit
