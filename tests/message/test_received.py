"""Trace fields (RFC 5321 §4.4, RFC 3848)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.address import Address
from posthouse.message.header import Header
from posthouse.message.received import (
    Reception,
    format_delivery,
    format_received,
    with_keyword,
)


def test_received() -> None:
    field = format_received(
        Reception(
            client_name="client.example",
            client_address="192.0.2.1",
            server_name="mx.example.org",
            protocol=with_keyword(tls=True, authenticated=True),
            id="abc123",
            time=1764009358,
            recipient=Address("user", "example.org"),
            tls="TLSv1.3 TLS_AES_256_GCM_SHA384",
        )
    )
    assert field == (
        b"Received: from client.example ([192.0.2.1])\r\n"
        b"\tby mx.example.org with ESMTPSA id abc123\r\n"
        b"\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        b"\tfor <user@example.org>;\r\n"
        b"\tMon, 24 Nov 2025 18:35:58 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("mx.example", b"from mx.example ([IPv6:2001:db8::1])"),
        ("[192.0.2.9]", b"from [192.0.2.9] ([IPv6:2001:db8::1])"),
        ("no_name", b"from [IPv6:2001:db8::1] (no_name)"),
        ("a) by evil (", b"from [IPv6:2001:db8::1] (a by evil)"),
        ("", b"from [IPv6:2001:db8::1] (no name)"),
    ],
)
def test_what_the_client_called_itself(name: str, clause: bytes) -> None:
    reception = Reception(name, "2001:db8::1", "mx.example.org", "ESMTP", "1", 0)
    assert format_received(reception).splitlines()[0] == b"Received: " + clause


@pytest.mark.parametrize(
    ("keyword", "options"),
    [
        ("SMTP", {"extended": False}),
        ("ESMTP", {}),
        ("ESMTPS", {"tls": True}),
        ("ESMTPA", {"authenticated": True}),
        ("LMTP", {"lmtp": True}),
        ("LMTPSA", {"lmtp": True, "tls": True, "authenticated": True}),
    ],
)
def test_keywords(keyword: str, options: dict[str, bool]) -> None:
    assert with_keyword(**options) == keyword


def test_delivery() -> None:
    fields = format_delivery("", "a@b.c")
    assert fields == b"Return-Path: <>\r\nDelivered-To: a@b.c\r\n"
    fields = format_delivery('"a b"@c', "ü@b.c")
    assert fields == 'Return-Path: <"a b"@c>\r\nDelivered-To: ü@b.c\r\n'.encode()


@given(st.text(max_size=300), st.text(max_size=40), st.text(max_size=40))
def test_always_one_field(name: str, identifier: str, tls: str) -> None:
    reception = Reception(name, "192.0.2.1", "mx.example.org", "ESMTP", identifier, 0, tls=tls)
    field = format_received(reception)
    assert len(Header(field + b"\r\n").fields()) == 1
    assert field.count(b"\n") == field.count(b"\r\n\t") + 1
    assert field.count(b"(") == field.count(b")")
    assert field.isascii()
