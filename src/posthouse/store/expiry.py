"""Messages that POP3 has given to a client go after a time (RFC 2449 §6.7).

The days count from the first RETR, so that nothing goes that nobody has seen, and what a person
files in another mailbox stays. Where the operator wants nothing to expire, nothing is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .lock import lock_maildrop
from .messages.expunge import expunge
from .messages.rows import INBOX
from .ranges import ranges_of
from .store import Store
from .unit import Row, Unit, Work, one_of, rows_of, run, run_many

AT_ONCE = 500  # messages in one unit
DAY = 86_400


def note_retrieved(account: int, uid_validity: int, uids: Sequence[int], now: int) -> Unit[None]:
    """A client has these messages of the INBOX."""

    def unit() -> Work[None]:
        yield from run_many(
            "UPDATE message SET retrieved = ?5 WHERE account = ?1 AND mailbox = ?2 AND uid = ?4"
            " AND retrieved IS NULL AND EXISTS (SELECT 1 FROM mailbox"
            " WHERE account = ?1 AND id = ?2 AND uid_validity = ?3)",
            [(account, INBOX, uid_validity, uid, now) for uid in uids],
        )

    return unit


def is_noted(address: str) -> Unit[bool]:
    """Something of this account was noted."""

    def unit() -> Work[bool]:
        row = yield from one_of(
            "SELECT 1 FROM message INDEXED BY message_retrieved WHERE retrieved IS NOT NULL"
            " AND account = (SELECT id FROM account WHERE address = ?1) LIMIT 1",
            address,
        )
        return row is not None

    return unit


def spare(address: str) -> Unit[int]:
    """Nothing of this account expires, whatever was noted before."""

    def unit() -> Work[int]:
        return (
            yield from run(
                "UPDATE message SET retrieved = NULL WHERE retrieved IS NOT NULL"
                " AND account = (SELECT id FROM account WHERE address = ?1)",
                address,
            )
        )

    return unit


def accounts_with_expired(before: int) -> Unit[list[Row]]:
    """Accounts with messages that were retrieved before a time."""

    def unit() -> Work[list[Row]]:
        return (
            yield from rows_of(
                "SELECT DISTINCT account FROM message INDEXED BY message_retrieved"
                " WHERE retrieved < ?1 AND mailbox = ?2",
                before,
                INBOX,
            )
        )

    return unit


def expire(account: int, before: int, now: int) -> Unit[int]:
    """Remove some of an account's messages; how many."""

    def unit() -> Work[int]:
        rows = yield from rows_of(
            "SELECT uid FROM message WHERE retrieved < ?1 AND account = ?2 AND mailbox = ?3"
            " ORDER BY uid LIMIT ?4",
            before,
            account,
            INBOX,
            AT_ONCE,
        )
        uids = [uid for (uid,) in rows]
        if uids:
            yield from expunge(account, INBOX, ranges_of(uids), now, deleted_only=False)
        return len(uids)

    return unit


@dataclass(frozen=True, slots=True)
class Expiry:
    """What the operator wants."""

    days: int
    spared: frozenset[str] = frozenset()  # addresses of accounts

    async def sweep(self, store: Store, now: int) -> None:
        """Remove all that has expired, but from maildrops that are open."""
        before = now - self.days * DAY
        accounts = await store.read_long(accounts_with_expired(before))
        for address in self.spared:
            if await store.read_long(is_noted(address)):
                await store.write(spare(address), long=True)
        for (account,) in accounts:
            lock = lock_maildrop(store.directory, account)
            if lock is None:
                continue  # nothing goes during a session (RFC 1939 §8)
            try:
                while await store.write(expire(account, before, now), long=True) == AT_ONCE:
                    pass
            finally:
                lock.release()
