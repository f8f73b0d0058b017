"""The messages of a mailbox as documents for the index."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.message.ordering import ordering_keys
from posthouse.message.text import body_texts, header_text

from ..contents import ContentDamaged, header_size, unpack
from ..unit import Row, Unit, Work, rows_of
from .index import Document

TEXT = 4 * 1024 * 1024  # octets of the texts of a message, above which they are not indexed
HEADER = 256 * 1024  # octets of a header, the same

Read = Callable[[str], bytes]  # a file's content


def messages_after(account: int, mailbox: int, uid: int, most: int) -> Unit[list[Row]]:
    """The next messages of a mailbox, with their content."""

    def unit() -> Work[list[Row]]:
        return (
            yield from rows_of(
                "SELECT m.uid, m.internal_date, m.size, m.prefix, c.file, o.header, o.body,"
                " o.packed, o.checksum FROM message AS m JOIN content AS c ON c.id = m.content"
                " JOIN content_octets AS o ON o.content = m.content"
                " WHERE m.account = ?1 AND m.mailbox = ?2 AND m.uid > ?3"
                " ORDER BY m.uid LIMIT ?4",
                account,
                mailbox,
                uid,
                most,
            )
        )

    return unit


def document(row: Row, read: Read, most: int | None = TEXT) -> Document:
    """One of these messages; a content that cannot be read makes one whose text is unknown."""
    uid, arrival, size, prefix, file, header, body, packed, checksum = row
    try:
        content = prefix + (
            read(file) if file is not None else unpack(header, body, packed, checksum)
        )
    except (OSError, ContentDamaged):
        keys = ordering_keys(prefix + header)
        return Document(uid, arrival, size, "", None, keys)
    whole = content[: header_size(content)]
    fits = most is None or len(whole) <= HEADER
    texts = body_texts(content, most) if fits else None
    text = header_text(whole) if texts is not None else ""
    return Document(uid, arrival, size, text, texts, ordering_keys(whole))
