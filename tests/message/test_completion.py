"""Completing a submitted message (RFC 6409 §8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.address import Address
from posthouse.message.completion import (
    complete,
    has_author,
    has_date,
    has_message_id,
)
from posthouse.message.header import Header

JOE = Address("Joe", "example.org")
DATE = b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
ID = b"Message-ID: <new@example.org>\r\n"
WHOLE = DATE + b"From: joe@example.org\r\nMessage-ID: <1@x>\r\nSubject: s\r\n\r\n"


def completed(header: bytes, *, without_bcc: bool = True) -> bytes:
    return complete(
        header, time=0, message_id="<new@example.org>", sender=JOE, without_bcc=without_bcc
    )


def test_what_is_complete_stays_as_it_is() -> None:
    assert completed(WHOLE) == WHOLE


def test_what_lacks_is_added() -> None:
    assert completed(b"From: joe@example.org\r\n\r\n") == (
        DATE + ID + b"From: joe@example.org\r\n\r\n"
    )
    assert completed(b"\r\n") == b"From: Joe@example.org\r\n" + DATE + ID + b"\r\n"


def test_invalid_values_are_replaced() -> None:
    header = b"Date: yesterday\r\nFrom: joe@example.org\r\nMessage-ID: none\r\nX: y\r\n\r\n"
    assert completed(header) == DATE + ID + b"From: joe@example.org\r\nX: y\r\n\r\n"


def test_sender() -> None:
    other = WHOLE.replace(b"joe@example.org", b"ann@example.org")
    assert completed(other) == b"Sender: Joe@example.org\r\n" + other
    both = WHOLE.replace(b"joe@example.org", b"ann@example.org, Joe <joe@example.org>")
    assert completed(both) == b"Sender: Joe@example.org\r\n" + both
    forged = b"Sender: ann@example.org\r\n" + other
    assert completed(forged) == b"Sender: Joe@example.org\r\n" + other


@pytest.mark.parametrize(
    "author",
    [
        b"From: ceo@bank.example\r\nFrom: joe@example.org\r\n",
        b"From: joe@example.org\r\nFrom: ceo@bank.example\r\n",
        b"From: ceo@bank.example, joe@example.org\r\n",
        b"From: joe@example.org <ceo@bank.example>\r\n",
        b'From: "joe@example.org" <ceo@bank.example>\r\n',
        b"From: joe@example.org: ceo@bank.example;\r\n",
        b"From: <@joe@example.org:ceo@bank.example>\r\n",
        b"From: (joe@example.org) ceo@bank.example\r\n",
        b"From: =?utf-8?q?joe=40example=2Eorg?= <ceo@bank.example>\r\n",
        b"From : ceo@bank.example\r\n",
        b"From: ceo@bank.example\r\nSender: joe@example.org\r\nSender: ceo@bank.example\r\n",
    ],
)
def test_attack_40_whoever_it_says_it_is_from(author: bytes) -> None:
    """Unless the one author is who was authenticated, Sender says who that is, and once."""
    header = completed(DATE + author + b"Message-ID: <1@x>\r\n\r\n")
    assert Header(header).get_all(b"sender") == [b"Joe@example.org"]


def test_sender_is_the_same_in_another_spelling() -> None:
    author = WHOLE.replace(b"joe@example.org", b'"J" <"JOE"@Example.Org>')
    assert completed(author) == author


def test_bcc() -> None:
    header = WHOLE[:-2] + b"Bcc: a@b,\r\n c@d\r\nResent-Bcc: e@f\r\nbcc : g@h\r\n\r\n"
    assert completed(header) == WHOLE
    assert completed(header, without_bcc=False) == header


def test_body_without_a_header() -> None:
    assert completed(b"Hello,\r\n") == (
        b"From: Joe@example.org\r\n" + DATE + ID + b"\r\nHello,\r\n"
    )
    text = b"Hello,\r\nBcc: this is text\r\nDate: too\r\n\r\n"
    assert completed(text).endswith(b"\r\n\r\n" + text)


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (b"<a@b>", True),
        (b"<a.b$c>", True),
        (b"  <a@[192.0.2.1]>", True),
        (b"", False),
        (b"a@b", False),
        (b"<a(b)@c>", True),
        (b"(one) <a@b>\r\n (of a (kind))", True),
        (b"(<a@b>)", False),
        (b"<a b@c>", False),
        (b"<a@b> <c@d>", False),
        (b"<>", False),
    ],
)
def test_message_id(value: bytes, valid: bool) -> None:
    assert has_message_id(Header(b"Message-Id: " + value + b"\r\n\r\n")) is valid


def test_predicates() -> None:
    header = Header(WHOLE)
    assert has_date(header)
    assert has_message_id(header)
    assert has_author(header)
    assert not has_author(Header(b"From: \r\n\r\n"))
    assert not has_date(Header(b"\r\n"))


@given(st.binary(max_size=200))
def test_any_octets(header: bytes) -> None:
    once = completed(header)
    assert has_date(Header(once))
    assert has_message_id(Header(once))
    assert completed(once) == once
