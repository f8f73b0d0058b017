"""8-bit content for a peer that takes ASCII alone (RFC 6152 §3)."""

from __future__ import annotations

import contextlib
import email
from email import policy
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.downgrade import LARGEST, Unconvertible, to_seven_bit
from posthouse.message.structure import PART_LIMIT

HEAD = b"From: ann@a.example\r\nMIME-Version: 1.0\r\n"
PLAIN = HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n"

lines = st.lists(
    st.binary(max_size=120).map(lambda octets: octets.translate(None, b"\r\n\0")), max_size=8
).map(lambda found: b"".join(line + b"\r\n" for line in found))


def leaves(content: bytes) -> list[bytes]:
    """What the standard library finds in the parts, by itself."""
    parsed: Message = email.message_from_bytes(content, policy=policy.compat32)
    return [
        bytes(part.get_payload(decode=True) or b"")
        for part in parsed.walk()
        if not part.is_multipart()
    ]


@given(lines, st.sampled_from([b"text/plain; charset=utf-8", b"image/png"]))
def test_one_part_decodes_to_what_it_was(body: bytes, kind: bytes) -> None:
    content = (
        HEAD + b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body
    )
    converted = to_seven_bit(content)
    assert converted.isascii()
    assert leaves(converted) == [body]


@given(st.lists(lines, min_size=1, max_size=5))
def test_each_of_many_parts_decodes_to_what_it_was(bodies: list[bytes]) -> None:
    content = MIXED + b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    for body in bodies:
        content += b"--b\r\nContent-Type: text/plain; charset=latin-1\r\n\r\n" + body + b".\r\n"
    content += b"--b--\r\n"
    converted = to_seven_bit(content)
    assert converted.isascii()
    assert leaves(converted) == [body + b"." for body in bodies]


def test_ascii_stays_as_it_is() -> None:
    content = PLAIN + b"x" * 2000 + b"\r\n"
    assert to_seven_bit(content) is content


def test_only_what_needs_it_changes() -> None:
    content = MIXED + (
        b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        b"caf\xc3\xa9\r\n"
        b"--b\r\nX-First: 1\r\n\r\nplain = ascii\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\xc3\xa9\r\n"
        b"--b--\r\n"
    )
    assert to_seven_bit(content) == MIXED + (
        b"Content-Transfer-Encoding: 7bit\r\n\r\n"
        b"caf??\r\n"
        b"--b\r\nX-First: 1\r\n\r\nplain = ascii\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C3=A9\r\n"
        b"--b--\r\n"
    )


@pytest.mark.parametrize(
    ("body", "charset"), [(b"\xc3\xa9\r\n", b"utf-8"), (b"\xe9\r\n", b"unknown-8bit")]
)
def test_a_message_without_mime_gets_it(body: bytes, charset: bytes) -> None:
    """RFC 1428 §3"""
    assert to_seven_bit(b"Subject: x\r\n\r\n" + body) == (
        b"Subject: x\r\nContent-Type: text/plain; charset=" + charset + b"\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n"
        + body.replace(b"\xc3", b"=C3").replace(b"\xa9", b"=A9").replace(b"\xe9", b"=E9")
    )


def test_a_message_in_a_message_is_converted_too() -> None:
    inner = PLAIN + b"caf\xc3\xa9\r\n"
    content = (
        HEAD + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + inner
    )
    converted = to_seven_bit(content)
    assert converted.isascii()
    assert b"Content-Transfer-Encoding: 7bit\r\n\r\nFrom" in converted
    assert leaves(converted) == [b"caf\xc3\xa9\r\n"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"Subject: caf\xc3\xa9\r\n\r\nx\r\n", "5.6.9"),
        (MIXED + b"\r\n--b\r\nX: \xe9\r\n\r\nx\r\n--b--\r\n", "5.6.9"),
        (PLAIN.replace(b"8bit", b"base64") + b"\xe9\r\n", "5.6.3"),
        (MIXED.replace(b"mixed", b"signed") + b"\r\n--b\r\n\r\n\xe9\r\n--b--\r\n", "5.6.3"),
        (HEAD + b"Content-Type: message/delivery-status\r\n\r\n\xe9\r\n", "5.6.3"),
        (HEAD + b"Content-Type: multipart/mixed\r\n\r\n\xe9\r\n", "5.6.3"),
        (PLAIN + b"\xe9" * LARGEST, "5.6.3"),
        (MIXED + b"\r\n" + b"--b\r\n\r\n\xe9\r\n" * PART_LIMIT + b"--b--\r\n", "5.6.3"),
    ],
    ids=["header", "part's header", "lie", "signed", "report", "no boundary", "large", "parts"],
)
def test_what_cannot_be_converted_is_refused(content: bytes, status: str) -> None:
    with pytest.raises(Unconvertible) as refused:
        to_seven_bit(content)
    assert refused.value.status == status


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Transfer-Encoding: 8bit\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"\xe9\r\n",
        b"x",
        b"\xff",
    ]
)


@given(st.lists(PIECES, max_size=20).map(b"".join))
def test_anything_is_converted_or_refused(content: bytes) -> None:
    with contextlib.suppress(Unconvertible):
        assert to_seven_bit(content).isascii()
