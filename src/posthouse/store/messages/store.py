"""STORE (RFC 3501 §6.4.6): the flags of messages, changed by groups that have the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..changes import FLAGS, next_modseq, record
from ..flags import SEEN, has
from ..ranges import Range, merged
from ..unit import Unit, Work, one_of, rows_of, run, run_many

Change = Callable[[str, tuple[str, ...]], str]

SEPARATE_GROUPS = 32  # of messages with equal flags, that are changed group by group
FLAGS_IN_RANGE = (
    "SELECT DISTINCT flags FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)


@dataclass(frozen=True, slots=True)
class FlagsAt:
    """What is known of a mailbox: the flags of messages when it was at a mod-sequence."""

    modseq: int
    between: Callable[[int, int], Iterable[str]]  # by the first and the last UID, those in use


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
    known: FlagsAt | None = None,
) -> Unit[Stored]:
    """STORE (RFC 3501 §6.4.6), `change` being one of flags.py.

    Left as they are, and named, are messages whose mod-sequence is larger than `unchanged_since`
    (RFC 7162 §3.1.3). The others are changed by groups that have the same flags, never one by
    one, and nobody asks which they were: the feed names the ranges, and the mod-sequence of a
    message tells the rest. Which flags there are is read only if the mailbox has changed since
    that was `known`. Raises TooManyFlags.
    """

    def unit() -> Work[Stored]:
        modified: list[int] = []
        changed: list[Flagged] = []
        modseq = 0
        before = yield from _version_of(account, mailbox)
        seen = 0  # how many became \Seen, less those that are not any more
        for first, last in ranges:
            if unchanged_since is not None:
                modified += yield from _modified(account, mailbox, first, last, unchanged_since)
            if known is not None and known.modseq == before:
                groups = known.between(first, last)
            else:
                groups = yield from _flags_between(account, mailbox, first, last)
            outcomes = {old: new for old in groups if (new := change(old, given)) != old}
            if not outcomes:
                continue
            if not modseq:
                modseq = yield from next_modseq(account)
            newest = modseq - 1 if unchanged_since is None else min(unchanged_since, modseq - 1)
            where = (account, mailbox, first, last)
            counts = yield from _change_flags(where, outcomes, modseq, newest)
            for old, count in counts:
                was, now = (has(text, SEEN) for text in (old, outcomes[old]))
                seen += (now - was) * count
            if any(count for _, count in counts):
                changed.append(Flagged(first, last, outcomes))
        if changed:
            yield from _count_flags(account, mailbox, modseq, seen, changed)
        return Stored(before, modseq if changed else before, changed, modified)

    return unit


def _flags_between(account: int, mailbox: int, first: int, last: int) -> Work[list[str]]:
    rows = yield from rows_of(FLAGS_IN_RANGE, account, mailbox, first, last)
    return [flags for (flags,) in rows]


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
