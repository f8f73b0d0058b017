"""Mailboxes of an account: made, renamed, deleted, listed; each a unit of work.

A name is UTF-8 with "/" between its levels; INBOX is written in capitals. Nothing of it reaches
the file system.
"""

from __future__ import annotations

from dataclasses import dataclass

from .annotations import forget_annotations
from .changes import ACCOUNT, APPENDED, EXPUNGED, next_modseq, record, record_mailbox
from .edition import RECENT
from .flags import DELETED, SEEN, has
from .messages.expunge import expunge
from .messages.refusals import NoSuchMailbox
from .messages.rows import INBOX, INSERT_MESSAGE, LAST_UID
from .ranges import ranges_of
from .unit import Unit, Work, one_of, rows_of, run, run_many, tell

INSERT_TOMBSTONE = (
    "INSERT INTO tombstone (account, mailbox, uid, modseq, internal_date, size, content, prefix,"
    " expunged) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
)
ALL_IN_RANGE = (
    "SELECT uid, flags, internal_date, size, content, prefix FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)

SEPARATOR = "/"
INBOX_NAME = "INBOX"

#: The mailboxes of a new account, with their special use (RFC 6154 §2).
DEFAULTS = (
    (INBOX_NAME, ""),
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Junk", "\\Junk"),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
)

MOST_MAILBOXES = 10_000  # of an account
MOST_SUBSCRIPTIONS = 20_000  # of an account: names, which need not be mailboxes
LONGEST_NAME = 4096  # octets


class MailboxExists(Exception):
    """There is a mailbox of this name already."""


class NotAllowed(Exception):
    """This cannot be done with INBOX, or with this name."""


class SpecialUseTaken(Exception):
    """Another mailbox has this special use."""


class TooManySubscriptions(Exception):
    """The account is subscribed to as many names as it may be."""


class TooManyMailboxes(Exception):
    """The account has as many mailboxes as an account may have."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox and its counters."""

    id: int
    name: str
    special_use: str
    uid_validity: int
    uid_next: int
    messages: int
    unseen: int
    octets: int
    highest_modseq: int
    recent_from: int

    @property
    def recent(self) -> int:
        """At most as many are \\Recent: UIDs from the watermark on; `count_recent` is exact."""
        return min(self.messages, max(0, self.uid_next - self.recent_from))


COLUMNS = (
    "id, name, special_use, uid_validity, uid_next, messages, unseen, octets, highest_modseq,"
    " recent_from"
)
LATEST = (1 << 32) - (1 << 24)  # UIDVALIDITY has 32 bits: where a clock is wrong, some are left
BY_NAME = f"SELECT {COLUMNS} FROM mailbox WHERE account = ?1 AND name = ?2"  # noqa: S608
BY_ACCOUNT = f"SELECT {COLUMNS} FROM mailbox WHERE account = ?1 ORDER BY name"  # noqa: S608


def find_mailbox(account: int, name: str) -> Unit[Mailbox | None]:
    """The mailbox of this name."""

    def unit() -> Work[Mailbox | None]:
        row = yield from one_of(BY_NAME, account, name)
        return None if row is None else Mailbox(*row)

    return unit


def count_recent(account: int, mailbox: Mailbox) -> Unit[int]:
    """How many are \\Recent, of those that no session has claimed."""

    def unit() -> Work[int]:
        if not mailbox.recent or mailbox.messages == mailbox.uid_next - 1:
            return mailbox.recent  # none was ever expunged
        row = yield from one_of(
            "SELECT count(*) FROM message WHERE account = ?1 AND mailbox = ?2 AND uid >= ?3",
            account,
            mailbox.id,
            mailbox.recent_from,
        )
        assert row is not None
        return int(row[0])

    return unit


def count_deleted(account: int, mailbox: int) -> Unit[tuple[int, int]]:
    """How many are \\Deleted, and their octets; all messages are looked at."""

    def unit() -> Work[tuple[int, int]]:
        rows = yield from rows_of(
            "SELECT flags, count(*), sum(size) FROM message WHERE account = ?1 AND mailbox = ?2"
            " AND flags LIKE '%\\Deleted%' GROUP BY flags",
            account,
            mailbox,
        )
        found = [row for row in rows if has(row[0], DELETED)]
        return sum(row[1] for row in found), sum(row[2] for row in found)

    return unit


def list_mailboxes(account: int) -> Unit[list[Mailbox]]:
    """All mailboxes, by name."""

    def unit() -> Work[list[Mailbox]]:
        rows = yield from rows_of(BY_ACCOUNT, account)
        return [Mailbox(*row) for row in rows]

    return unit


def list_subscriptions(account: int) -> Unit[list[str]]:
    """The names subscribed to, whether there are such mailboxes or not."""

    def unit() -> Work[list[str]]:
        rows = yield from rows_of(
            "SELECT name FROM subscription WHERE account = ?1 ORDER BY name", account
        )
        return [row[0] for row in rows]

    return unit


def create_default_mailboxes(account: int, now: int) -> Work[None]:
    """The mailboxes of a new account, subscribed to; a part of the unit that adds it."""
    for name, special_use in DEFAULTS:
        yield from _create(account, name, now, special_use)
        yield from _subscribe(account, name)


def create_mailbox(account: int, name: str, now: int, special_use: str = "") -> Unit[Mailbox]:
    """CREATE (RFC 3501 §6.3.3), with the names above it. Raises MailboxExists, SpecialUseTaken."""

    def unit() -> Work[Mailbox]:
        if (yield from one_of(BY_NAME, account, name)) is not None:
            raise MailboxExists
        if special_use:
            row = yield from one_of(
                "SELECT 1 FROM mailbox WHERE account = ?1 AND special_use = ?2",
                account,
                special_use,
            )
            if row is not None:
                raise SpecialUseTaken
        yield from _create_above(account, name, now)
        yield from _create(account, name, now, special_use)
        row = yield from one_of(BY_NAME, account, name)
        assert row is not None
        return Mailbox(*row)

    return unit


def _create_above(account: int, name: str, now: int) -> Work[None]:
    levels = name.split(SEPARATOR)
    for depth in range(1, len(levels)):
        above = SEPARATOR.join(levels[:depth])
        if (yield from one_of(BY_NAME, account, above)) is None:
            yield from _create(account, above, now)


def _create(account: int, name: str, now: int, special_use: str = "", was: str = "") -> Work[int]:
    """A mailbox; `was` is the one whose messages it will have."""
    row = yield from one_of(
        "UPDATE account SET next_mailbox = next_mailbox + 1 WHERE id = ?1"
        " RETURNING next_mailbox - 1",
        account,
    )
    assert row is not None, f"there is no account {account}"
    mailbox = row[0]
    uid_validity = yield from _next_uid_validity(account, now)
    count = yield from one_of("SELECT count(*) FROM mailbox WHERE account = ?1", account)
    assert count is not None
    if count[0] >= MOST_MAILBOXES:
        raise TooManyMailboxes
    modseq = yield from next_modseq(account)
    yield from run(
        "INSERT INTO mailbox (account, id, name, special_use, uid_validity, highest_modseq)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        account,
        mailbox,
        name,
        special_use,
        uid_validity,
        modseq,
    )
    yield from record_mailbox(account, mailbox, modseq, f"={was}" if was else "")
    return int(mailbox)


def delete_mailbox(account: int, name: str, now: int) -> Unit[None]:
    """DELETE (RFC 3501 §6.3.4): names below it stay. Raises NoSuchMailbox, NotAllowed."""

    def unit() -> Work[None]:
        if name == INBOX_NAME:
            raise NotAllowed
        row = yield from one_of(BY_NAME, account, name)
        if row is None:
            raise NoSuchMailbox
        mailbox = row[0]
        yield from expunge(account, mailbox, None, now, deleted_only=False)
        modseq = yield from next_modseq(account)
        yield from run("DELETE FROM mailbox WHERE account = ?1 AND id = ?2", account, mailbox)
        yield from _vacate(account, Mailbox(*row).uid_validity)
        yield from forget_annotations(account, mailbox)
        yield from run("DELETE FROM change WHERE account = ?1 AND mailbox = ?2", account, mailbox)
        yield from record_mailbox(account, mailbox, modseq)

    return unit


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
            yield from _create_above(account, new, now)
            yield from _move_inbox(account, new, now)
            return
        if row is not None:
            below.append((row[0], old, Mailbox(*row).uid_validity))
        moves = [Move(*each, new + each[1][len(old) :]) for each in below]
        yield from _check_targets(account, moves)
        yield from _create_above(account, new, now)
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
    """Nothing else bears the names that these mailboxes will have, and none is too long.

    There may be `new/x` without a `new`, which was deleted.
    """
    leaving = {move.name for move in moves}
    for move in moves:
        target = move.target
        if len(target.encode()) > LONGEST_NAME:
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
            uid_validity = yield from _next_uid_validity(account, now)
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
    yield from _vacate(account, largest)


def _next_uid_validity(account: int, now: int) -> Work[int]:
    """One that no mailbox of the account has had."""
    row = yield from one_of(
        "UPDATE account SET next_uid_validity = max(next_uid_validity, ?2) + 1"
        " WHERE id = ?1 RETURNING next_uid_validity - 1",
        account,
        min(now, LATEST),
    )
    assert row is not None, f"there is no account {account}"
    return int(row[0])


def _vacate(account: int, uid_validity: int) -> Work[None]:
    """A name that had a mailbox of this UIDVALIDITY is free."""
    yield from run(
        "UPDATE account SET vacated_validity = max(vacated_validity, ?2) WHERE id = ?1",
        account,
        uid_validity,
    )


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
    target = yield from _create(account, new, now, was=INBOX_NAME)
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


def subscribe(account: int, name: str) -> Unit[None]:
    """SUBSCRIBE (RFC 3501 §6.3.6). Raises TooManySubscriptions."""

    def unit() -> Work[None]:
        if not (yield from _subscribe(account, name)):
            return
        row = yield from one_of("SELECT count(*) FROM subscription WHERE account = ?1", account)
        if row is not None and row[0] > MOST_SUBSCRIPTIONS:
            raise TooManySubscriptions
        yield from _subscriptions_changed(account)

    return unit


def _subscribe(account: int, name: str) -> Work[int]:
    return (
        yield from run(
            "INSERT OR IGNORE INTO subscription (account, name) VALUES (?1, ?2)", account, name
        )
    )


def unsubscribe(account: int, name: str) -> Unit[bool]:
    """UNSUBSCRIBE (RFC 3501 §6.3.7); False if the name was not subscribed to."""

    def unit() -> Work[bool]:
        changed = yield from run(
            "DELETE FROM subscription WHERE account = ?1 AND name = ?2", account, name
        )
        if changed:
            yield from _subscriptions_changed(account)
        return changed > 0

    return unit


def _subscriptions_changed(account: int) -> Work[None]:
    modseq = yield from next_modseq(account)
    yield from record_mailbox(account, ACCOUNT, modseq)


def claim_recent(account: int, mailbox: int) -> Unit[tuple[int, int] | None]:
    """Take the UIDs that no session has been told of as \\Recent, for this one alone."""

    def unit() -> Work[tuple[int, int] | None]:
        row = yield from one_of(
            "SELECT recent_from, uid_next FROM mailbox WHERE account = ?1 AND id = ?2",
            account,
            mailbox,
        )
        if row is None or row[0] >= row[1]:
            return None
        yield from run(
            "UPDATE mailbox SET recent_from = uid_next WHERE account = ?1 AND id = ?2",
            account,
            mailbox,
        )
        yield from tell(RECENT, account, mailbox)
        return row[0], min(row[1] - 1, LAST_UID)

    return unit
