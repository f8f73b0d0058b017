"""How much an account may keep. The counters of its mailboxes say how much it does."""

from __future__ import annotations

from .unit import Work, one_of

_KEPT = """
SELECT quota, (SELECT COALESCE(SUM(octets), 0) FROM mailbox WHERE account = ?1)
FROM account WHERE id = ?1 AND quota > 0
"""


_STATE = """
SELECT quota, (SELECT COALESCE(SUM(octets), 0) FROM mailbox WHERE account = ?1)
FROM account WHERE id = ?1
"""


class OverQuota(Exception):
    """The account keeps as much as it may."""


def has_room(account: int, octets: int = 1) -> Work[bool]:
    """Whether an account may keep so many octets more."""
    row = yield from one_of(_KEPT, account)
    return row is None or row[1] + octets <= row[0]


def kept(account: int) -> Work[tuple[int, int]]:
    """How many octets an account keeps, and may keep (0: any number)."""
    row = yield from one_of(_STATE, account)
    return (0, 0) if row is None else (row[1], row[0])


def require_room(account: int, octets: int) -> Work[None]:
    """Raises OverQuota."""
    if not (yield from has_room(account, octets)):
        raise OverQuota
