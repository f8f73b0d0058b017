"""PREVIEW: the beginning of a message's text (RFC 8970), made when the message is filed."""

from __future__ import annotations

from ..extension import Extension
from ..fetch.item import Item, Slice
from ..grammar import Reader
from ..mail_events import Need
from ..result import Bad


def _columns(part: Slice) -> tuple[list[bytes]]:
    return ([(row[9].preview if row[9] else None) or b'""' for row in part.rows],)


#: msg-att-dynamic =/ "PREVIEW" SP nstring
ITEM = Item(b"PREVIEW %b", _columns, Need.RARE | Need.PREVIEW)


def preview(reader: Reader) -> Item:
    """fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]   (§6)

    It is at hand always, so that LAZY changes nothing (§4.1).
    """
    if reader.accept(b" (LAZY") and not reader.accept(b")"):
        raise Bad("expected LAZY alone")
    return ITEM


PREVIEW = Extension(rfc=8970, capability="PREVIEW", fetch_items={"PREVIEW": preview})
