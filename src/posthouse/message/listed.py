"""The header fields that mail programs ask for to list messages, apart from the rest of a header.

A header is some kilobytes of signatures and traces; what a list shows of it is a few lines.
"""

from __future__ import annotations

from .header import BLANK, CRLF, selector

MOST = 4096  # octets of fields that are kept apart; a header with more is read itself

#: In small letters. What is kept of a message is told by its summary's version: a change here
#: is one there.
LISTED = frozenset(
    {
        b"bcc",
        b"cc",
        b"content-description",
        b"content-transfer-encoding",
        b"content-type",
        b"date",
        b"disposition-notification-to",
        b"from",
        b"importance",
        b"in-reply-to",
        b"lines",
        b"list-id",
        b"list-post",
        b"list-subscribe",
        b"list-unsubscribe",
        b"mail-followup-to",
        b"mail-reply-to",
        b"message-id",
        b"newsgroups",
        b"priority",
        b"references",
        b"reply-to",
        b"sender",
        b"subject",
        b"to",
        b"x-draft-info",
        b"x-label",
        b"x-original-to",
        b"x-priority",
        b"x-universally-unique-identifier",
    }
)


_select = selector(LISTED)


def listed(header: bytes) -> bytes | None:
    """These fields of a header section, and its empty line.

    None where that is too much, or would not be read as a header that ends as this one does.
    """
    fields = _select(header)
    if len(fields) > MOST:
        return None
    if header.endswith(BLANK) and fields != CRLF and not fields.endswith(BLANK):  # after a bare LF
        return None
    return fields
