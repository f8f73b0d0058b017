"""The mailboxes of an account at one moment, and what has led from one moment to another.

What NOTIFY tells of mailboxes that are not selected (RFC 5465) is the difference of two snapshots,
told by what the change feed says was done. Sessions share a snapshot, and the next one is made of
it and of what has changed, so that a message that arrives costs a look at one row for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from .changes import ACCOUNT, MAILBOX, modseq_of
from .mailboxes import BY_ACCOUNT, COLUMNS, Mailbox
from .store import Store
from .subscriptions import list_subscriptions
from .unit import Unit, Work, one_of, rows_of

CHANGED = f"SELECT {COLUMNS} FROM mailbox WHERE account = ?1 AND highest_modseq > ?2"  # noqa: S608


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Snapshot:
    """All that was there at this mod-sequence of the account."""

    modseq: int
    mailboxes: Mapping[int, Mailbox]  # by id
    subscribed: frozenset[str]

    def names(self) -> set[str]:
        return {each.name for each in self.mailboxes.values()}


def snapshot(account: int, before: Snapshot | None) -> Unit[Snapshot]:
    """The account as it is now, made of what has changed since an older snapshot, if there is one.

    An id is never used again: where there are as many mailboxes as are known, none was deleted.
    """

    def unit() -> Work[Snapshot]:
        modseq = yield from modseq_of(account)()
        if before is None:
            return (yield from _whole(account, modseq))
        if modseq == before.modseq:
            return before
        changed = yield from rows_of(CHANGED, account, before.modseq)
        mailboxes = {**before.mailboxes, **{row[0]: Mailbox(*row) for row in changed}}
        count = yield from one_of("SELECT count(*) FROM mailbox WHERE account = ?1", account)
        if count != (len(mailboxes),):
            return (yield from _whole(account, modseq))
        subscribed = before.subscribed
        if (yield from one_of(_SUBSCRIPTIONS_CHANGED, account, ACCOUNT, before.modseq)) is not None:
            subscribed = frozenset((yield from list_subscriptions(account)()))
        return Snapshot(modseq, mailboxes, subscribed)

    return unit


_SUBSCRIPTIONS_CHANGED = (
    "SELECT 1 FROM change WHERE account = ?1 AND mailbox = ?2 AND modseq > ?3 AND uids = ''"
)


def _whole(account: int, modseq: int) -> Work[Snapshot]:
    rows = yield from rows_of(BY_ACCOUNT, account)
    subscribed = yield from list_subscriptions(account)()
    return Snapshot(modseq, {row[0]: Mailbox(*row) for row in rows}, frozenset(subscribed))


class Snapshots:
    """The latest snapshot of each account, as long as a session of this process has it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._latest: WeakValueDictionary[int, Snapshot] = WeakValueDictionary()

    def now(self, account: int) -> Snapshot:
        """The account as it is now."""
        before = self._latest.get(account)
        found = self._store.read(snapshot(account, before))
        if found is not before:
            self._latest[account] = found
        return found


# What was done


@dataclass(frozen=True, slots=True)
class Deed:
    """A row of the change feed; `what` of those about the mailbox itself."""

    modseq: int
    kind: str
    what: str


def deeds(
    account: int, mailboxes: Sequence[int], since: int, upto: int, most: int
) -> Unit[dict[int, list[Deed] | None]]:
    """What was done to these mailboxes after one mod-sequence, and up to another.

    None of a mailbox to which more was done than `most`. Where the feed has been forgotten, the
    list is empty.
    """

    def unit() -> Work[dict[int, list[Deed] | None]]:
        found: dict[int, list[Deed] | None] = {}
        for mailbox in mailboxes:
            rows = yield from rows_of(_DEEDS, account, mailbox, since, upto, most + 1, MAILBOX)
            found[mailbox] = [Deed(*row) for row in rows] if len(rows) <= most else None
        return found

    return unit


_DEEDS = (
    "SELECT modseq, kind, CASE kind WHEN ?6 THEN uids ELSE '' END FROM change WHERE account = ?1"
    " AND mailbox = ?2 AND modseq > ?3 AND modseq <= ?4 ORDER BY modseq LIMIT ?5"
)
