"""The items that a FETCH command names (RFC 3501 §9, `fetch-att`)."""

from __future__ import annotations

import re

from ..grammar import Reader
from ..mail_events import Need
from ..result import Bad
from ..session import Session
from .date import INTERNALDATE
from .item import FLAGS, UID, Item
from .octets import SectionItem, section_item
from .section import RFC822, RFC822_HEADER, RFC822_TEXT, section

MOST_ITEMS = 100  # in one command
LONGEST = 16 * 1024  # octets of their names, which are in the response for each message

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9.\-]*")

SIZE = Item(b"RFC822.SIZE %d", lambda part: ([row[2] for row in part.rows],), Need.SIZE)
ENVELOPE = Item(b"ENVELOPE %b", lambda part: ([row[3] for row in part.rows],), Need.ENVELOPE)
BODY = Item(b"BODY %b", lambda part: ([row[4] for row in part.rows],), Need.BODY)
BODYSTRUCTURE = Item(
    b"BODYSTRUCTURE %b", lambda part: ([row[5] for row in part.rows],), Need.STRUCTURE
)

ITEMS: dict[str, Item] = {
    "BODY": BODY,
    "BODYSTRUCTURE": BODYSTRUCTURE,
    "ENVELOPE": ENVELOPE,
    "FLAGS": FLAGS,
    "INTERNALDATE": INTERNALDATE,
    "RFC822": section_item(RFC822),
    "RFC822.HEADER": section_item(RFC822_HEADER),
    "RFC822.SIZE": SIZE,
    "RFC822.TEXT": section_item(RFC822_TEXT),
    "UID": UID,
}
MACROS: dict[str, tuple[Item, ...]] = {
    "ALL": (FLAGS, INTERNALDATE, SIZE, ENVELOPE),
    "FAST": (FLAGS, INTERNALDATE, SIZE),
    "FULL": (FLAGS, INTERNALDATE, SIZE, ENVELOPE, BODY),
}


def fetch_atts(session: Session, reader: Reader) -> list[Item]:
    """("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"), each once"""
    if not reader.next_is(b"("):
        name = _name(reader)
        return list(MACROS.get(name) or [fetch_att(session, reader, name)])
    items = reader.list(lambda: fetch_att(session, reader, _name(reader)))
    if not items:
        raise Bad("expected a data item")
    if len(items) > MOST_ITEMS or sum([len(item.template) for item in items]) > LONGEST:
        raise Bad("too many data items", "LIMIT")
    return list(dict.fromkeys(items))


def fetch_att(session: Session, reader: Reader, name: str) -> Item:
    """fetch-att = "ENVELOPE" / "FLAGS" / ... / "BODY" section ["<" number "." nz-number ">"]"""
    if name in ("BODY", "BODY.PEEK") and reader.accept(b"["):
        return section_item(section(reader, peek=name == "BODY.PEEK"))
    item = ITEMS.get(name)
    if item:
        return item
    for extension in session.extensions:
        if name in extension.fetch_items:
            its = extension.fetch_items[name](reader)
            assert isinstance(its, Item)
            return its
    raise Bad("no such data item")


def sets_seen(items: list[Item]) -> bool:
    """An item that sets \\Seen is among them (§6.4.5)."""
    return any(isinstance(item, SectionItem) and not item.section.peek for item in items)


def _name(reader: Reader) -> str:
    return reader.take(_NAME, "a data item").group().decode("ascii").upper()
