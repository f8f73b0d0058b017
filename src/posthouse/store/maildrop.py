"""An INBOX as POP3 sees it: what lies there now, one message, and deleting some; units of work."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from .contents import Stored, read_content
from .messages import INBOX, expunge
from .ranges import ranges_of
from .unit import Unit, Work, one_of, rows_of


@dataclass(frozen=True, slots=True)
class Listing:
    """The messages of an INBOX, in the order of their UIDs."""

    uid_validity: int
    uids: Sequence[int]
    sizes: Sequence[int]


def count_messages(account: int) -> Unit[int]:
    """How long a listing will be."""

    def unit() -> Work[int]:
        row = yield from one_of(
            "SELECT messages FROM mailbox WHERE account = ?1 AND id = ?2", account, INBOX
        )
        return row[0] if row else 0

    return unit


def list_messages(account: int) -> Unit[Listing | None]:
    """All messages; None if there is no such account (any more)."""

    def unit() -> Work[Listing | None]:
        row = yield from one_of(
            "SELECT uid_validity FROM mailbox WHERE account = ?1 AND id = ?2", account, INBOX
        )
        if row is None:
            return None
        rows = yield from rows_of(
            "SELECT uid, size FROM message WHERE account = ?1 AND mailbox = ?2 ORDER BY uid",
            account,
            INBOX,
        )
        uids = array("Q", [uid for uid, _ in rows])
        return Listing(row[0], uids, array("Q", [size for _, size in rows]))

    return unit


@dataclass(frozen=True, slots=True)
class Found:
    """A message: the header fields of this copy alone, which go before its content."""

    prefix: bytes
    content: Stored


def find_message(account: int, uid_validity: int, uid: int) -> Unit[Found | None]:
    """A message; None if it has been expunged."""

    def unit() -> Work[Found | None]:
        row = yield from one_of(
            "SELECT prefix, content FROM message JOIN mailbox"
            " ON mailbox.account = message.account AND mailbox.id = message.mailbox"
            " WHERE message.account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND uid = ?4",
            account,
            INBOX,
            uid_validity,
            uid,
        )
        stored = None if row is None else (yield from read_content(row[1]))
        return None if row is None or stored is None else Found(row[0], stored)

    return unit


def delete_messages(
    account: int, uid_validity: int, uids: Sequence[int], now: int
) -> Unit[list[int]]:
    """Delete these, \\Deleted or not, all at once; gives those that were still there."""

    def unit() -> Work[list[int]]:
        row = yield from one_of(
            "SELECT 1 FROM mailbox WHERE account = ?1 AND id = ?2 AND uid_validity = ?3",
            account,
            INBOX,
            uid_validity,
        )
        if row is None:
            return []
        return (yield from expunge(account, INBOX, ranges_of(uids), now, deleted_only=False))

    return unit
