"""The change feed: every change of a mailbox bears a mod-sequence of its account (RFC 7162).

IDLE, NOOP and whatever else tells clients of changes read this one feed. A row names the UIDs that
one unit of work touched; what they are now is read from the messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from posthouse.protocols.imap.mail_events import Gone

from .edition import ACCOUNTS
from .ranges import Range, between, format_ranges, merged, parse_ranges
from .unit import Row, Unit, Work, one_of, rows_of, run, tell

APPENDED, FLAGS, EXPUNGED, MAILBOX = "a", "f", "x", "m"
ACCOUNT = 0  # in the place of a mailbox: the account as a whole

MOST_AT_ONCE = 2_000  # rows of the feed; whoever is farther behind loads all anew
SEPARATE_RANGES = 64  # ranges that are read one by one; more are read as one


def next_modseq(account: int) -> Work[int]:
    """The mod-sequence of what this unit changes next.

    Units are committed one after the other: who has seen one has seen all before it.
    """
    row = yield from one_of(
        "UPDATE account SET modseq = modseq + 1 WHERE id = ?1 RETURNING modseq", account
    )
    assert row is not None, f"there is no account {account}"
    modseq: int = row[0]
    yield from tell(ACCOUNTS, account, modseq)
    return modseq


def modseq_of(account: int) -> Unit[int]:
    """The mod-sequence of an account's last change; 0 if there is no such account."""

    def unit() -> Work[int]:
        row = yield from one_of("SELECT modseq FROM account WHERE id = ?1", account)
        return row[0] if row else 0

    return unit


_RECORD = "INSERT INTO change (account, mailbox, modseq, kind, uids) VALUES (?1, ?2, ?3, ?4, ?5)"


def record(
    account: int, mailbox: int, modseq: int, kind: str, ranges: Sequence[Range] = ()
) -> Work[None]:
    """Write a row of the feed."""
    yield from run(_RECORD, account, mailbox, modseq, kind, format_ranges(ranges))


def record_mailbox(account: int, mailbox: int, modseq: int, what: str = "") -> Work[None]:
    """Write a row about the mailbox itself: it was created, deleted or renamed.

    Or `what` names annotations, a line each; of the account, nothing stands for subscriptions. A
    mailbox that was created of the messages of another one has "=" and that one's name.
    """
    yield from run(_RECORD, account, mailbox, modseq, MAILBOX, what)


@dataclass(frozen=True, slots=True)
class Since:
    """What has happened in a mailbox since a mod-sequence."""

    version: int
    messages: list[Row]  # UID, flags (octets), mod-sequence; ascending
    expunged: list[Range]


def changes_since(account: int, mailbox: int, version: int) -> Work[Since | None]:
    """What has happened since `version`.

    None: that is forgotten, or more than one reads at once, or there is no such mailbox.
    """
    row = yield from one_of(
        "SELECT highest_modseq, change_floor FROM mailbox WHERE account = ?1 AND id = ?2",
        account,
        mailbox,
    )
    if row is None or version < row[1]:
        return None
    newest: int = row[0]
    if newest <= version:
        return Since(version, [], [])
    rows = yield from rows_of(
        "SELECT kind, uids FROM change WHERE account = ?1 AND mailbox = ?2 AND modseq > ?3"
        " ORDER BY modseq LIMIT ?4",
        account,
        mailbox,
        version,
        MOST_AT_ONCE + 1,
    )
    if len(rows) > MOST_AT_ONCE:
        return None
    touched: list[Range] = []
    expunged: list[Range] = []
    for kind, uids in rows:
        if kind == EXPUNGED:
            expunged += parse_ranges(uids)
        elif kind != MAILBOX:
            touched += parse_ranges(uids)
    messages = yield from _messages(account, mailbox, version, touched)
    return Since(newest, messages, expunged)


def expunged_since(account: int, mailbox: int, since: int, until: int) -> Unit[Gone]:
    """UIDs expunged after `since`, up to `until` (RFC 7162 §3.2.6)."""

    def unit() -> Work[Gone]:
        row = yield from one_of(
            "SELECT change_floor, uid_next FROM mailbox WHERE account = ?1 AND id = ?2",
            account,
            mailbox,
        )
        if row is None:
            return Gone(())
        if since < row[0]:
            uids = yield from rows_of(
                "SELECT uid FROM message WHERE account = ?1 AND mailbox = ?2 ORDER BY uid",
                account,
                mailbox,
            )
            return Gone(between([uid for (uid,) in uids], row[1]), remembered=False)
        rows = yield from rows_of(
            "SELECT uids FROM change WHERE account = ?1 AND mailbox = ?2"
            " AND modseq > ?3 AND modseq <= ?4 AND kind = ?5",
            account,
            mailbox,
            since,
            until,
            EXPUNGED,
        )
        found = [parse_ranges(text) for (text,) in rows]
        return Gone(found[0] if len(found) == 1 else merged(chain.from_iterable(found)))

    return unit


def _messages(account: int, mailbox: int, version: int, touched: list[Range]) -> Work[list[Row]]:
    ranges = merged(touched)
    if len(ranges) > SEPARATE_RANGES:
        ranges = [(ranges[0][0], ranges[-1][1])]
    messages: list[Row] = []
    for first, last in ranges:
        messages += yield from rows_of(
            "SELECT uid, CAST(flags AS BLOB), modseq FROM message WHERE account = ?1"
            " AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4 AND modseq > ?5",
            account,
            mailbox,
            first,
            last,
            version,
        )
    return messages


def all_messages(account: int, mailbox: int) -> Work[tuple[int, list[Row]] | None]:
    """The version of a mailbox and all its messages, as (UID, flags, mod-sequence)."""
    row = yield from one_of(
        "SELECT highest_modseq FROM mailbox WHERE account = ?1 AND id = ?2", account, mailbox
    )
    if row is None:
        return None
    messages = yield from rows_of(
        "SELECT uid, CAST(flags AS BLOB), modseq FROM message"
        " WHERE account = ?1 AND mailbox = ?2 ORDER BY uid",
        account,
        mailbox,
    )
    return row[0], messages
