"""The header fields that lists are made of say what the header says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.header import Header
from posthouse.message.listed import LISTED, MOST, listed

LETTER = (
    b"Received: from a\r\n\tby b; now\r\n"
    b"From: Joe <joe@example.org>\r\n"
    b"SUBJECT: folded\r\n  value\r\n"
    b"X-Trace: long\r\n"
    b"to: x@example.org\r\n"
    b"\r\n"
)

LINE = st.sampled_from(
    [
        b"From: a",
        b"from :c",
        b"Subject\t: d",
        b"SUBJECT: e : f",
        b"X-Trace: from: g",
        b"To: \x80\xff",
        b"To:",
        b"To: x\r",
        b"Fromm: h",
        b"\0",
        b" fold",
        b"\tfold",
        b"\nSender: i",
        b"junk",
        b":",
        b"",
    ]
)


def test_in_the_order_of_the_header() -> None:
    assert listed(LETTER) == (
        b"From: Joe <joe@example.org>\r\nSUBJECT: folded\r\n  value\r\nto: x@example.org\r\n\r\n"
    )


@pytest.mark.parametrize("header", [b"", b"\r\n", b"To: x", b"To: x\r\n", b"junk\r\n\r\n"])
def test_a_header_with_little(header: bytes) -> None:
    assert listed(header) == Header(header).select(LISTED)


def test_too_much_is_not_kept_apart() -> None:
    for count, known in ((MOST - 8, True), (MOST - 7, False)):
        header = b"To: %b\r\n\r\n" % (b"x" * count)
        assert (listed(header) is not None) is known


@given(
    st.lists(LINE, max_size=12),
    st.sampled_from([b"\r\n", b"\n"]),
    st.sampled_from([b"\r\n\r\n", b"\r\n", b""]),
    st.sets(st.sampled_from([b"from", b"subject", b"to", b"sender", b"bcc"])),
)
def test_fields_are_selected_as_from_the_header(
    lines: list[bytes], ending: bytes, last: bytes, names: set[bytes]
) -> None:
    header = Header.of(ending.join(lines) + last)
    found = listed(header.octets)
    if found is None:  # a bare LF before the empty line
        assert ending == b"\n"
        return
    assert found == header.select(LISTED)
    assert Header(found).select(names) == header.select(names)
