"""Date and time of header fields (RFC 5322 §3.3, with the obsolete forms of §4.3).

No clock is read here: times are seconds since 1970 in UTC, zones are minutes east of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_MONTH = {name.encode().lower(): number for number, name in enumerate(MONTHS, 1)}
_ZONES = {  # §4.3, in hours
    b"EST": -5,
    b"EDT": -4,
    b"CST": -6,
    b"CDT": -5,
    b"MST": -7,
    b"MDT": -6,
    b"PST": -8,
    b"PDT": -7,
}
_EPOCH = date(1970, 1, 1).toordinal()
_LENGTH_LIMIT = 200  # octets; no date is longer
_COLON = rb"\s{0,9}[:.]\s{0,9}"
_TIME = rb"(\d{1,2})%b(\d{1,2})(?:%b(\d{1,2})(?:\.\d{1,9})?)?" % (_COLON, _COLON)
_date_time = re.compile(
    rb"(?:[A-Za-z]{1,10}[,.]?\s*)?(\d{1,2})[\s-]{1,9}([A-Za-z]{3})[a-z]{0,7}[.,]?[\s-]{0,9}"
    rb"(\d{2,4}),?\s{1,9}" + _TIME + rb"\s{0,9}([+-]\d{4}|[A-Za-z]{1,5})?"
).match
# Quirk: the form of `ctime`, which old mail programs wrote: `Tue Nov 24 18:35:58 2026 +0100`.
_ctime = re.compile(
    rb"(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3})[a-z]{0,7}\s+(\d{1,2}),?\s+"
    + _TIME
    + rb"\s+(?:([+-]\d{4}|[A-Z]{1,5})\s+)?(\d{4})(?:\s+([+-]\d{4}|[A-Z]{1,5}))?"
).match


@dataclass(frozen=True, slots=True)
class DateTime:
    """A moment, and the day that its writer's calendar showed."""

    time: int  # seconds since 1970-01-01T00:00:00Z
    zone: int  # minutes east of UTC

    @property
    def day(self) -> int:
        """Days since 1970-01-01 as written, "disregarding time and timezone" (RFC 9051 §6.4.4)."""
        return (self.time + self.zone * 60) // 86400


def parse_date(value: bytes) -> DateTime | None:
    """date-time, tolerantly; None where there is no such date."""
    value = _without_comments(value[:_LENGTH_LIMIT]).strip()
    if (found := _date_time(value)) is not None:
        day, month, year, hour, minute, second, zone = found.groups()
    elif (found := _ctime(value)) is not None:
        month, day, hour, minute, second, zone, year, zone_after = found.groups()
        zone = zone or zone_after
    else:
        return None
    try:
        days = date(_year(year), _MONTH[month.lower()], int(day)).toordinal() - _EPOCH
    except (ValueError, KeyError):
        return None
    hours, minutes, seconds = int(hour), int(minute), min(int(second or 0), 59)
    if hours > 24 or minutes > 59 or int(second or 0) > 60:
        return None
    offset = _zone(zone)
    return DateTime(days * 86400 + hours * 3600 + minutes * 60 + seconds - offset * 60, offset)


def format_date(time: float, zone: int = 0) -> str:
    """date-time (§3.3): `Tue, 24 Nov 2026 18:35:58 +0000`."""
    return _written(int(time // 1), zone)


@lru_cache(64)  # all the letters of a second bear one date
def _written(time: int, zone: int) -> str:
    days, seconds = divmod(time + zone * 60, 86400)
    written = date.fromordinal(days + _EPOCH)
    sign = "-" if zone < 0 else "+"
    offset = abs(zone) // 60 * 100 + abs(zone) % 60
    return (
        f"{DAYS[written.weekday()]}, {written.day} {MONTHS[written.month - 1]} {written.year:04} "
        f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02} {sign}{offset:04}"
    )


def _year(digits: bytes) -> int:
    """Two and three digits as §4.3 reads them."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _zone(zone: bytes | None) -> int:
    """Minutes east of UTC; what is not known is taken for UTC (§4.3)."""
    if zone is None or zone[:1] not in (b"+", b"-"):
        return _ZONES.get((zone or b"").upper(), 0) * 60
    minutes = int(zone[1:3]) * 60 + int(zone[3:5])
    if minutes >= 24 * 60:
        return 0
    return -minutes if zone.startswith(b"-") else minutes


def _without_comments(value: bytes) -> bytes:
    """Without comments: dates have them at their end, one level deep (`(CET)`)."""
    while (start := value.find(b"(")) >= 0:
        end = value.find(b")", start)
        value = value[:start] + b" " + (value[end + 1 :] if end >= 0 else b"")
    return value
