"""SAVEDATE: when a message was put into its mailbox (RFC 8514)."""

from __future__ import annotations

from datetime import date

from ..extension import Extension
from ..fetch.date import quoted
from ..fetch.item import Item, Slice
from ..grammar import Reader
from ..mail_events import Need
from ..search import mask
from ..search.criteria import Asked, Key, Seen
from ..search.message import DAY, Message

_EPOCH = date(1970, 1, 1).toordinal()


def _columns(part: Slice) -> tuple[list[bytes]]:
    saved = [row[9].saved if row[9] else None for row in part.rows]
    return ([b"NIL" if time is None else quoted(time) for time in saved],)


#: msg-att-static =/ "SAVEDATE" SP (date-time / nil); an expunged message may have lost it
SAVE_DATE = Item(b"SAVEDATE %b", _columns, Need.RARE, lasting=False)


def _day(message: Message) -> int:
    """Where it is not known, that of the internal date (§4.3)."""
    rare = message.row[9]
    if rare is None or rare.saved is None:
        return message.day
    return rare.saved // DAY


def _number(reader: Reader) -> int:
    reader.space()
    return reader.date().toordinal() - _EPOCH


def before(reader: Reader) -> Key:
    """SAVEDBEFORE"""
    day = _number(reader)
    return Asked(Need.RARE | Need.DATE, lambda message: _day(message) < day)


def on(reader: Reader) -> Key:
    """SAVEDON"""
    day = _number(reader)
    return Asked(Need.RARE | Need.DATE, lambda message: _day(message) == day)


def since(reader: Reader) -> Key:
    """SAVEDSINCE"""
    day = _number(reader)
    return Asked(Need.RARE | Need.DATE, lambda message: _day(message) >= day)


SAVEDATE = Extension(
    rfc=8514,
    capability="SAVEDATE",
    fetch_items={"SAVEDATE": lambda _: SAVE_DATE},
    search_keys={
        "SAVEDBEFORE": before,
        "SAVEDON": on,
        "SAVEDSINCE": since,
        "SAVEDATESUPPORTED": lambda _: Seen(lambda selected: mask.full(len(selected.view))),
    },
)
