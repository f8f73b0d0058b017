"""APPEND (RFC 3501 §6.3.11), and whatever else files a letter in a mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.message.summary import Summary

from ..changes import APPENDED, next_modseq, record
from ..contents import Prepared, insert_content
from ..flags import SEEN, has
from ..quota import require_room
from ..summaries import insert_summary
from ..unit import Unit, Work, one_of, run
from .expunge import expunge
from .refusals import MailboxFull, NoSuchMailbox, SomeExpunged
from .rows import INSERT_MESSAGE, LAST_UID


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a message lies now (RFC 4315 §3)."""

    mailbox: int
    uid_validity: int
    uid: int
    modseq: int


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
        0 if has(flags, SEEN) else 1,
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
