"""INTERNALDATE: when the message came (RFC 3501 §2.3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from posthouse.message.dates import MONTHS

from ..mail_events import Need
from .item import Item, Slice

_MINUTES = [b"%02d:%02d" % divmod(minute, 60) for minute in range(24 * 60)]
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS = date.max.toordinal() - _EPOCH


@lru_cache(maxsize=4096)
def day(number: int) -> bytes:
    """date-day-fixed "-" date-month "-" date-year, of the days since 1970"""
    its = date.fromordinal(_EPOCH + max(1 - _EPOCH, min(number, _DAYS)))
    return f"{its.day:2}-{MONTHS[its.month - 1]}-{its.year:04}".encode("ascii")


def _columns(part: Slice) -> tuple[Iterable[object], ...]:
    times = [row[1] or 0 for row in part.rows]
    return (
        [day(time // 86400) for time in times],
        [_MINUTES[time % 86400 // 60] for time in times],
        [time % 60 for time in times],
    )


def quoted(time: int) -> bytes:
    """date-time, of the seconds since 1970"""
    clock = (time % 86400 // 60, time % 60)
    return b'"%b %b:%02d +0000"' % (day(time // 86400), _MINUTES[clock[0]], clock[1])


#: date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
INTERNALDATE = Item(b'INTERNALDATE "%b %b:%02d +0000"', _columns, Need.DATE)
