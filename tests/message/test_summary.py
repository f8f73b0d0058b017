"""IMAP's view of a message (RFC 3501 §7.4.2, §8; RFC 9051 §7.5.2)."""

from __future__ import annotations

import mmap
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.summary import (
    ENVELOPE_LIMIT,
    STRUCTURE_LIMIT,
    SUMMARY_VERSION,
    envelope,
    summarise,
)
from tests.message.imap import check_body, check_envelope, read
from tests.message.test_structure import COMPLEX, lines, piece

TERRY = lines(
    """Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

"""
)


def test_example_of_the_rfc() -> None:
    """RFC 3501 §8: a message whose header has 342 octets."""
    body = b"x" * 31 + b"\r\n"
    body = body * 91 + b"x" * (3028 - 91 * 33 - 2) + b"\r\n"
    summary = summarise(TERRY + body)
    assert summary.header_size == 342
    assert summary.envelope == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) '
        b'NIL NIL "<B27397-0100000@cac.washington.edu>")'
    )
    assert summary.body == b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)'
    assert summary.body_structure == summary.body[:-1] + b" NIL NIL NIL NIL)"
    assert summary.sent == 837595405
    assert summary.sent_day == 9694
    assert summary.version == SUMMARY_VERSION


def test_multipart_example_of_the_rfc() -> None:
    first = b"x" * 48 + b"\r\n"
    first = first * 22 + b"x" * (1152 - 22 * 50 - 2) + b"\r\n"
    second = (b"x" * 60 + b"\r\n") * 72 + b"x" * (4554 - 72 * 62 - 2) + b"\r\n"
    content = (
        b"Content-Type: MULTIPART/MIXED; BOUNDARY=b\r\n\r\n--b\r\n\r\n"
        + first
        + b'\r\n--b\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII; NAME="cc.diff"\r\n'
        b"Content-ID: <960723163407.20117h@cac.washington.edu>\r\n"
        b"Content-Description: Compiler diff\r\nContent-Transfer-Encoding: BASE64\r\n\r\n"
        + second
        + b"\r\n--b--\r\n"
    )
    summary = summarise(content)
    assert summary.body == (
        b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)'
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") '
        b'"<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")'
    )
    assert summary.body_structure.endswith(b' "MIXED" ("BOUNDARY" "b") NIL NIL NIL)')


def test_message_in_a_message() -> None:
    summary = summarise(b"Content-Type: message/rfc822\r\n\r\n" + TERRY + b"text\r\n")
    inner = summarise(TERRY + b"text\r\n")
    assert summary.body == (
        b'("message" "rfc822" NIL NIL NIL "7BIT" 348 %b %b 10)' % (inner.envelope, inner.body)
    )
    assert summary.body_structure == (
        b'("message" "rfc822" NIL NIL NIL "7BIT" 348 %b %b 10 NIL NIL NIL NIL)'
        % (inner.envelope, inner.body_structure)
    )


def test_extension_data() -> None:
    content = lines(
        """Content-Type: image/png
Content-Disposition: inline; filename="a \\"b\\".png"
Content-Language: en
Content-Location: http://x/
Content-MD5: abc

"""
    )
    assert summarise(content).body_structure == (
        b'("image" "png" NIL NIL NIL "7BIT" 0 "abc" '
        b'("inline" ("filename" "a \\"b\\".png")) "en" "http://x/")'
    )
    assert summarise(content.replace(b" en", b" en, fr")).body_structure.endswith(
        b' ("en" "fr") "http://x/")'
    )


def test_strings_that_cannot_be_quoted() -> None:
    header = b'Subject: caf\xc3\xa9\r\nFrom: "a \\\\ b" <x@y>\r\nTo: ' + b"z" * 1500 + b"\r\n\r\n"
    value = read(envelope(header))
    check_envelope(value)
    assert value[1] == b"caf\xc3\xa9"
    assert b"{5}\r\ncaf\xc3\xa9" in envelope(header)
    assert value[2] == [[b"a \\ b", None, b"x", b"y"]]
    assert b"{1500}\r\n" in envelope(header)


def test_empty_and_absent_fields() -> None:
    assert envelope(b"Subject:\r\nTo: \r\n\r\n") == b'(NIL "" NIL NIL NIL NIL NIL NIL NIL NIL)'
    groups = read(envelope(b"To: undisclosed:;\r\nSender: s@t\r\nFrom: a@b\r\n\r\n"))
    assert groups[5] == [[None, None, b"undisclosed", None], [None, None, None, None]]
    assert groups[2] == groups[4] == [[None, None, b"a", b"b"]]
    assert groups[3] == [[None, None, b"s", b"t"]]


@given(st.lists(piece | st.binary(max_size=8).map(lambda b: b.decode("latin-1")), max_size=30))
def test_any_structure_is_well_formed(pieces: list[str]) -> None:
    well_formed("\r\n".join(pieces).encode("latin-1"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "From",
                    "To",
                    "Subject",
                    "Date",
                    "Message-ID",
                    "Content-Type",
                    "Content-ID",
                    "Content-Disposition",
                    "Content-Language",
                    "Content-Transfer-Encoding",
                ]
            ),
            st.text(max_size=40),
        ),
        max_size=8,
    )
)
def test_any_header_is_well_formed(fields: list[tuple[str, str]]) -> None:
    header = "".join(f"{name}: {value}\r\n" for name, value in fields)
    well_formed(header.encode("utf-8", "replace") + b"\r\nbody\r\n")


def well_formed(content: bytes) -> None:
    summary = summarise(content)
    check_envelope(read(summary.envelope))
    check_body(read(summary.body), extended=False)
    check_body(read(summary.body_structure), extended=True)
    assert 0 <= summary.header_size <= len(content)


def part_of(fields: bytes, text: bytes = b"x") -> bytes:
    return b"--b\r\n" + fields + b"\r\n\r\n" + text + b"\r\n"


MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
LONG = b"y" * 16_000


def test_a_thousand_parts_that_say_much() -> None:
    """Of each no more is told than what it is, so that the answer for many messages is bounded."""
    whole = part_of(b"Content-Type: image/png\r\nContent-Description: " + LONG)
    nested = part_of(b"Content-Type: message/rfc822", b"Subject: " + LONG + b"\r\n\r\nx")
    odd = part_of(b"Content-Type: " + LONG + b"/" + LONG)
    content = MIXED + (whole + nested + odd) * 200 + b"--b--\r\n"
    summary = summarise(content)
    well_formed(content)
    assert len(summary.body_structure) < STRUCTURE_LIMIT
    assert len(summary.body) < STRUCTURE_LIMIT
    body = read(summary.body_structure)
    parts = [each for each in body if isinstance(each, list)]
    assert len(parts) == 600
    assert parts[0] == [b"image", b"png", None, None, None, b"7BIT", 1, None, None, None, None]
    assert parts[1][:2] == [b"message", b"rfc822"]
    assert parts[1][6] == len(b"Subject: " + LONG + b"\r\n\r\nx")
    assert parts[1][7] == [None] * 10


def test_a_few_parts_that_say_much() -> None:
    content = MIXED + part_of(b"Content-Description: " + LONG) * 10 + b"--b--\r\n"
    assert summarise(content).body_structure.count(LONG) == 10


def test_an_envelope_that_says_much() -> None:
    """The beginning of each field is told; of From three times."""
    people = b",\r\n ".join(b"%b <n%d@x.example>" % (b"y" * 1000, at) for at in range(300))
    content = b"".join(b"%b: %b\r\n" % (each, people) for each in (b"From", b"To", b"Cc"))
    content += b"Subject: one\r\n\r\nx\r\n"
    well_formed(content)
    found = summarise(content).envelope
    assert len(found) < ENVELOPE_LIMIT
    value = read(found)
    assert value[1] == b"one"
    assert value[5][0] == [b"y" * 1000, None, b"n0", b"x.example"]
    assert 5 <= len(value[5]) <= 9


def test_file_in_place_of_octets(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(COMPLEX)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert summarise(mapped) == summarise(COMPLEX)
