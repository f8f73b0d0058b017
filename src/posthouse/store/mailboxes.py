"""Mailboxes of an account: made, deleted, listed; each a unit of work.

A name is UTF-8 with "/" between its levels; INBOX is written in capitals. Nothing of it reaches
the file system.
"""

from __future__ import annotations

from dataclasses import dataclass

from .annotations import forget_annotations
from .changes import next_modseq, record_mailbox
from .edition import RECENT
from .flags import DELETED, has
from .messages.expunge import expunge
from .messages.refusals import NoSuchMailbox
from .messages.rows import LAST_UID
from .subscriptions import insert_subscription
from .unit import Unit, Work, one_of, rows_of, run, tell

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
LONGEST_NAME = 4096  # octets; IMAP makes shorter ones, but RENAME puts what is below one elsewhere
DEEPEST_NAME = 64  # levels, likewise


class MailboxExists(Exception):
    """There is a mailbox of this name already."""


class NotAllowed(Exception):
    """This cannot be done with INBOX, or with this name."""


class SpecialUseTaken(Exception):
    """Another mailbox has this special use."""


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


def create_default_mailboxes(account: int, now: int) -> Work[None]:
    """The mailboxes of a new account, subscribed to; a part of the unit that adds it."""
    for name, special_use in DEFAULTS:
        yield from insert_mailbox(account, name, now, special_use)
        yield from insert_subscription(account, name)


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
        yield from create_above(account, name, now)
        yield from insert_mailbox(account, name, now, special_use)
        row = yield from one_of(BY_NAME, account, name)
        assert row is not None
        return Mailbox(*row)

    return unit


def create_above(account: int, name: str, now: int) -> Work[None]:
    """The levels above a name, where they lack; a part of larger units."""
    levels = name.split(SEPARATOR)
    for depth in range(1, len(levels)):
        above = SEPARATOR.join(levels[:depth])
        if (yield from one_of(BY_NAME, account, above)) is None:
            yield from insert_mailbox(account, above, now)


def insert_mailbox(
    account: int, name: str, now: int, special_use: str = "", was: str = ""
) -> Work[int]:
    """A mailbox; `was` is the one whose messages it will have."""
    row = yield from one_of(
        "UPDATE account SET next_mailbox = next_mailbox + 1 WHERE id = ?1"
        " RETURNING next_mailbox - 1",
        account,
    )
    assert row is not None, f"there is no account {account}"
    mailbox = row[0]
    uid_validity = yield from next_uid_validity(account, now)
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
        yield from vacate(account, Mailbox(*row).uid_validity)
        yield from forget_annotations(account, mailbox)
        yield from run("DELETE FROM change WHERE account = ?1 AND mailbox = ?2", account, mailbox)
        yield from record_mailbox(account, mailbox, modseq)

    return unit


def next_uid_validity(account: int, now: int) -> Work[int]:
    """One that no mailbox of the account has had."""
    row = yield from one_of(
        "UPDATE account SET next_uid_validity = max(next_uid_validity, ?2) + 1"
        " WHERE id = ?1 RETURNING next_uid_validity - 1",
        account,
        min(now, LATEST),
    )
    assert row is not None, f"there is no account {account}"
    return int(row[0])


def vacate(account: int, uid_validity: int) -> Work[None]:
    """A name that had a mailbox of this UIDVALIDITY is free."""
    yield from run(
        "UPDATE account SET vacated_validity = max(vacated_validity, ?2) WHERE id = ?1",
        account,
        uid_validity,
    )


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
