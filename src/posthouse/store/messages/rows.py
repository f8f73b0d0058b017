"""The rows of messages, as the units of work here find, count and make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..flags import SEEN, has

INBOX = 1  # the id of every account's INBOX
LAST_UID = 2**32 - 1

INSERT_MESSAGE = (
    "INSERT INTO message (account, mailbox, uid, modseq, flags, internal_date, size, content,"
    " prefix, saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
)
FOUND_IN_RANGE = (
    "SELECT uid, flags, size, content FROM message"
    " WHERE account = ?1 AND mailbox = ?2 AND uid BETWEEN ?3 AND ?4"
)


def unseen_among(flags: Iterable[str]) -> int:
    """How many of these messages are not \\Seen, by their flags."""
    return sum(times for text, times in Counter(flags).items() if not has(text, SEEN))
