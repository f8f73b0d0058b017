"""Dates of header fields (RFC 5322 §3.3, §4.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.dates import DateTime, format_date, parse_date


@pytest.mark.parametrize(
    ("value", "time", "zone"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360),
        (b"21 Nov 97 09:55:06 GMT", 880106106, 0),  # §4.3
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360),
        (b"Thu, 13 Feb 1969 23:32:54 -0330 (Newfoundland Time)", -27723426, -210),
        (b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", 837595405, -420),
        (b"Mon, 01 Jan 2024 00:00 EST", 1704085200, -300),
        (b"1-Jan-2024 00:00:00 +0000", 1704067200, 0),
        (b"Mon Jan  1 00:00:00 2024", 1704067200, 0),
        (b"Mon Jan  1 00:00:00 CET 2024 +0100", 1704067200, 0),
        (b"Mon, 1 January 2024 00:00:60 Z", 1704067259, 0),
        (b"31 Feb 2024 00:00:00 +0000", None, 0),
        (b"1 Foo 2024 00:00:00 +0000", None, 0),
        (b"1 Jan 2024 99:00:00 +0000", None, 0),
        (b"", None, 0),
        (b"yesterday", None, 0),
        (b"((((((", None, 0),
    ],
)
def test_date_is_read(value: bytes, time: int | None, zone: int) -> None:
    assert parse_date(value) == (None if time is None else DateTime(time, zone))


def test_day_is_that_of_the_writer() -> None:
    late = parse_date(b"Mon, 1 Jan 2024 23:30:00 -0800")
    assert late is not None
    assert late.day == 19723  # 1 January 2024, though it was the second in UTC


@given(st.integers(-(10**10), 10**11), st.integers(-14 * 60, 14 * 60))
def test_what_is_written_is_read_again(time: int, zone: int) -> None:
    assert parse_date(format_date(time, zone).encode()) == DateTime(time, zone)


@given(st.binary(max_size=80))
def test_any_octets(value: bytes) -> None:
    parse_date(value)
    parse_date(b"Mon, 1 Jan " + value)
    parse_date(b"1 Jan 2024 00:00:00 " + value)
