"""An INBOX as POP3 sees it: what lies there now, one message, and deleting some; units of work."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .contents import Stored, stored_of
from .messages.expunge import expunge
from .messages.rows import INBOX
from .ranges import ranges_of
from .sent_sizes import Measure
from .unit import Unit, Work, one_of, rows_of, run


@dataclass(frozen=True, slots=True)
class Listing:
    """The messages of an INBOX, in the order of their UIDs; sizes as in sent_sizes.py."""

    uid_validity: int
    uids: Sequence[int]
    sizes: Sequence[int]
    surrogates: Sequence[int]
    unknown: Sequence[int] = ()  # indexes of those that have not been looked at

    def with_measures(self, measures: Mapping[int, Measure]) -> Listing:
        """With what is known now; the others keep the size that was filed."""
        if not measures:
            return self
        sizes, surrogates = array("Q", self.sizes), array("q", self.surrogates)
        for index in self.unknown:
            found = measures.get(self.uids[index])
            if found is not None:
                sizes[index], surrogates[index] = found
        return Listing(self.uid_validity, self.uids, sizes, surrogates)


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
            "SELECT uid, coalesce(sent_size, size), surrogate_size FROM message"
            " WHERE account = ?1 AND mailbox = ?2 ORDER BY uid",
            account,
            INBOX,
        )
        uids = array("Q", [row[0] for row in rows])
        sizes = array("Q", [row[1] for row in rows])
        surrogates = array("q", [row[2] or 0 for row in rows])
        unknown = array("Q", [index for index, row in enumerate(rows) if row[2] is None])
        return Listing(row[0], uids, sizes, surrogates, unknown)

    return unit


@dataclass(frozen=True, slots=True)
class Found:
    """A message: the header fields of this copy alone, which go before its content."""

    prefix: bytes
    content: Stored


def find_message(account: int, uid_validity: int, uid: int) -> Unit[Found | None]:
    """A message; None if it has been expunged. One statement, so that it needs no transaction."""

    def unit() -> Work[Found | None]:
        row = yield from one_of(FIND_MESSAGE, account, INBOX, uid_validity, uid)
        return None if row is None else Found(row[0], stored_of(row[1:]))

    return unit


FIND_MESSAGE = (
    "SELECT prefix, c.id, c.size, c.file, o.header, o.body, o.packed, o.checksum FROM message"
    " JOIN mailbox ON mailbox.account = message.account AND mailbox.id = message.mailbox"
    " JOIN content AS c ON c.id = message.content"
    " JOIN content_octets AS o ON o.content = message.content"
    " WHERE message.account = ?1 AND mailbox = ?2 AND uid_validity = ?3 AND uid = ?4"
)


def last_login(account: int) -> Unit[int]:
    """When the account last logged in by POP3, in milliseconds; 0 if that is not known."""

    def unit() -> Work[int]:
        row = yield from one_of("SELECT milliseconds FROM pop3_login WHERE account = ?1", account)
        return row[0] if row else 0

    return unit


def note_login(account: int, milliseconds: int) -> Unit[None]:
    """It has logged in."""

    def unit() -> Work[None]:
        yield from run(
            "INSERT INTO pop3_login (account, milliseconds) VALUES (?1, ?2)"
            " ON CONFLICT (account) DO UPDATE SET milliseconds = ?2",
            account,
            milliseconds,
        )

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
