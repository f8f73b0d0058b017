"""Surrogates of internationalized messages (RFC 6858)."""

from __future__ import annotations

import email
import email.policy
from email.headerregistry import AddressHeader
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.message.header import Header
from posthouse.message.structure import parse, walk
from posthouse.message.surrogate import conventional_header, is_conventional, surrogate

LETTER = """\
Return-Path: <пётр@пример.example>\r
Received: from пример.example by mx.example; Tue, 24 Nov 2026 20:00:00 +0000\r
From: "Foo, Fred" <пётр@пример.example>\r
To: Zoë <zoe@a.example>, plain@a.example,\r
 команда: ann@a.example, лена@b.example;, "a, b" <c@a.example>\r
Subject: Привет, мир\r
Message-ID: <1@a.example>\r
Comments: замечание\r
не поле вовсе\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b; name="имя"\r
\r
до частей\r
--b\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
текст\r
--b\r
Content-Type: application/pdf; name=файл.pdf; x="a \\"b\\""\r
Content-Disposition: attachment; filename=файл.pdf; size=3\r
Content-Description: описание\r
\r
abc\r
--b\r
Content-Type: message/global\r
\r
From: лена@b.example\r
Subject: =?utf-8?q?=D0=B0?= б\r
\r
внутри\r
--b--\r
""".encode()


def test_what_is_kept_and_what_is_lost() -> None:
    made = surrogate(LETTER)
    assert is_conventional(made)
    message = email.message_from_bytes(made, policy=email.policy.default)
    assert "Received" not in message
    assert "Comments" not in message
    assert message["Message-ID"] == "<1@a.example>"
    assert message["Subject"] == "Привет, мир"
    assert message["Return-Path"] == "<invalid@internationalized-address.invalid>"
    author = cast("AddressHeader", message["From"]).addresses[0]
    assert author.addr_spec == "invalid@internationalized-address.invalid"
    assert author.display_name == "Foo, Fred пётр@пример.example"
    to = cast("AddressHeader", message["To"])
    assert [(a.display_name, a.addr_spec) for a in to.addresses] == [
        ("Zoë", "zoe@a.example"),
        ("", "plain@a.example"),
        ("", "ann@a.example"),
        ("лена@b.example", "invalid@internationalized-address.invalid"),
        ("a, b", "c@a.example"),
    ]
    assert [group.display_name for group in to.groups if len(group.addresses) == 2] == ["команда"]
    assert message.get_content_type() == "multipart/mixed"
    assert message.get_param("name") is None


@pytest.mark.parametrize(
    "told",
    [
        "=?utf-8?q?boss?=@a.example",
        '"x, boss@a.example"',
        'x@"b, boss@a.example"',
        "x@=?utf-8?q?a?=",
    ],
)
def test_no_address_of_somebody_else_comes_of_it(told: str) -> None:
    """§2.1; RFC 2047 §5 (3): an encoded word is none in an address."""
    made = conventional_header(f"To: Zoë <zoe@b.example>, {told}\r\n\r\n".encode())
    message = email.message_from_bytes(made, policy=email.policy.default)
    addresses = [a.addr_spec for a in cast("AddressHeader", message["To"]).addresses]
    assert addresses == ["zoe@b.example", "invalid@internationalized-address.invalid"]


def test_parts() -> None:
    made = surrogate(LETTER)
    text, pdf, inner = walk(parse(made))[1:4]
    assert made[text.body_start : text.end] == "текст".encode()
    assert made[pdf.header_start : pdf.body_start] == (
        b'Content-Type: application/pdf; x="a \\"b\\""\r\n'
        b'Content-Disposition: attachment; size="3"\r\n\r\n'
    )
    assert inner.subtype == b"rfc822"
    child = inner.children[0]
    assert b"=?utf-8?b?" in made[child.header_start : child.body_start]
    assert made[child.body_start : child.end] == "внутри".encode()


def test_conventional_messages_are_left_alone() -> None:
    for content in (b"", b"Subject: x\r\n\r\nbody", "Subject: x\r\n\r\nтело\r\n".encode()):
        assert is_conventional(content)
        assert surrogate(content) is content


WORDS = rb"""From:  To: \xd0\xb9 \xff " < > @ : ; , ( --x a =?utf-8?b? ?= \\ message/global
Content-Type:message/global Content-Type:multipart/mixed;boundary=x Subject:"""
pieces = st.sampled_from([*WORDS.split(), b"\xd0\xb9", b"\xff", b"\r\n", b"\n ", b"\r", b"\0"])


@given(st.lists(pieces, max_size=40).map(b"".join))
@example(b"\xd0\xb9\r\n\r\n\xd0\xb9")
def test_whatever_comes_in_headers_are_ascii(content: bytes) -> None:
    made = surrogate(content)
    assert Header.of(made).octets.isascii() or made is content
    assert surrogate(made).isascii() or is_conventional(surrogate(made))
