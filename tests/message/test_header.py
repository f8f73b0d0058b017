"""The header section as octets (RFC 5322 §2)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.message.header import Header, count_received, format_field, header_end, unfold

HEADER = (
    b"Received: from a\r\n\tby b; now\r\n"
    b"Received: from c by d\r\n"
    b"From: Joe <joe@example.org>\r\n"
    b"Subject : folded\r\n  value\r\n"
    b"a line that is no field\r\n"
    b"X-Empty:\r\n"
    b"TO: x@example.org\r\n"
    b"\r\n"
)


def test_fields() -> None:
    assert Header(HEADER).fields() == [
        (b"Received", b"from a\r\n\tby b; now"),
        (b"Received", b"from c by d"),
        (b"From", b"Joe <joe@example.org>"),
        (b"Subject", b"folded\r\n  value"),
        (b"X-Empty", b""),
        (b"TO", b"x@example.org"),
    ]


def test_get() -> None:
    header = Header(HEADER)
    assert header.get(b"to") == b"x@example.org"
    assert header.get(b"none") is None
    assert header.get_all(b"RECEIVED") == [b"from a\r\n\tby b; now", b"from c by d"]
    assert header.count(b"received") == count_received(HEADER) == 2
    assert unfold(header.get(b"subject") or b"") == b"folded  value"


def test_select_and_without() -> None:
    header = Header(HEADER)
    assert header.select([b"SUBJECT", b"to"]) == (
        b"Subject : folded\r\n  value\r\nTO: x@example.org\r\n\r\n"
    )
    assert header.without([b"received", b"x-empty", b"subject"]) == (
        b"From: Joe <joe@example.org>\r\na line that is no field\r\nTO: x@example.org\r\n\r\n"
    )
    many = [b"X-%d" % number for number in range(100)]
    assert header.select([*many, b"To"]) == header.select([b"to"])
    assert header.without([*many, b"To"]) == header.without([b"to"])
    assert header.select([b"none"]) == b"\r\n"
    assert header.without([b"none"]) == HEADER
    assert header.select([b"fro", b"from:", b"x.*", b""]) == b"\r\n"


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (b"", 0),
        (b"\r\n", 2),
        (b"\r\nbody", 2),
        (b"A: b\r\n\r\nbody\r\n\r\n", 8),
        (b"A: b\r\n", 6),
        (b"A: b", 4),
        (b"A: b\r\n\r\n", 8),
    ],
)
def test_end_of_the_header(content: bytes, end: int) -> None:
    assert header_end(content) == end
    assert Header.of(content).octets == content[:end]


def test_no_blank_line_is_invented() -> None:
    assert Header(b"A: b\r\n").select([b"a"]) == b"A: b\r\n"
    assert Header(b"A: b").select([b"a"]) == b"A: b\r\n"
    assert Header(b"").select([b"a"]) == b""
    assert Header(b"\r\n").select([b"a"]) == b"\r\n"


def test_attack_38_a_value_never_becomes_two_fields() -> None:
    assert format_field("Subject", "a\r\nBcc: b\r\n\r\nbody") == b"Subject: a Bcc: b body\r\n"
    assert format_field("X", b"a\nb\0c") == b"X: a b c\r\n"
    with pytest.raises(ValueError, match="name"):
        format_field("X: y\r\nZ", "v")


@given(st.text(max_size=300))
@example("x" * 80 + " \t " + "y" * 80)
def test_folding_keeps_the_value(value: str) -> None:
    field = format_field("Subject", value)
    assert field.count(b"\n") == field.count(b"\r\n")
    assert all(line.strip(b" \t") for line in field.split(b"\r\n")[:-1])  # RFC 5322 §3.2.2
    fields = Header(field + b"\r\n").fields()
    assert len(fields) == 1
    again = format_field("Subject", unfold(fields[0][1]))
    assert again == field


line = st.sampled_from(
    [
        b"A: b",
        b"a :c",
        b" fold",
        b"\tfold",
        b"junk",
        b":",
        b"",
        b"B: \x80\xff",
        b"A:",
        b"AB: x\r",
        b"\0",
    ]
)


@given(st.lists(line, max_size=12), st.booleans())
def test_subsets_are_complements(lines: list[bytes], closed: bool) -> None:
    content = b"\r\n".join(lines) + (b"\r\n\r\n" if closed else b"")
    header = Header.of(content)
    kept, rest = header.select([b"a"]), header.without([b"a"])
    assert Header(kept).fields() == [f for f in header.fields() if f[0].lower() == b"a"]
    assert not Header(rest).count(b"a")
    size = len(kept) + len(rest) - len(header.blank)
    assert size - len(header.octets) in (0, 2)


@given(st.binary(max_size=300))
def test_any_octets(octets: bytes) -> None:
    header = Header.of(octets)
    header.fields()
    header.select([b"a", b"subject"])
    header.without([b"a", b"subject"])
    assert b"\n" not in unfold(octets)
    assert b"\r" not in unfold(octets)
