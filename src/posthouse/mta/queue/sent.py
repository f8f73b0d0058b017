"""A copy of a submitted letter for its sender, filed in the unit of work that accepts it."""

from __future__ import annotations

from posthouse.message.summary import Summary
from posthouse.store.contents import refer
from posthouse.store.messages.append import file_message
from posthouse.store.quota import OverQuota, has_room
from posthouse.store.summaries import insert_summary
from posthouse.store.unit import Work, one_of


class NoRoomForCopy(OverQuota):
    """The sender wants a letter only to go out with a copy, and keeps as much as they may."""


def file_sent(account: int, content: int, size: int, summary: Summary, now: int) -> Work[bool]:
    """File a content in the mailbox for what was sent (RFC 6154 §2), if the account has one.

    False: there was no room for it.
    """
    mailbox = yield from _sent_of(account)
    if mailbox is None:
        return True
    if not (yield from has_room(account, size)):
        return False
    yield from refer(content, 1)
    yield from insert_summary(content, summary)
    yield from file_message(account, mailbox, content, size, now, "\\Seen")
    return True


def may_file_sent(account: int, size: int) -> Work[bool]:
    """Whether `file_sent` would find room, or need none."""
    if (yield from _sent_of(account)) is None:
        return True
    return (yield from has_room(account, size))


def _sent_of(account: int) -> Work[int | None]:
    row = yield from one_of(
        "SELECT id FROM mailbox WHERE account = ?1 AND special_use = '\\Sent' LIMIT 1", account
    )
    return None if row is None else row[0]
