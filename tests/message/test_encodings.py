"""Encoded words, transfer encodings, charsets and parameters (RFC 2047, 2045, 2231)."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.encodings import (
    charset_codec,
    decode_base64,
    decode_charset,
    decode_quoted_printable,
    decode_transfer,
    decode_words,
    encode_words,
)
from posthouse.message.header import format_field
from posthouse.message.parameter import (
    PARAMETER_LIMIT,
    decode_parameters,
    parse_media_type,
    parse_value,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?ISO-8859-1?Q?a?=", "a"),  # RFC 2047 §8
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?b", "a =?b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        (b"=?utf-8?b?w6k=?=", "é"),
        (b"=?utf-8?b?ww==?= =?utf-8?b?qQ==?=", "é"),
        (b"=?utf-8*en?q?caf=C3=A9?=!", "café!"),
        (b"=?nonsense?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?a=0D=0ABcc:_b?=", "aBcc: b"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"=?utf-7?q?+AGE-?=", "+AGE-"),
        (b"=?idna?q?xn--a?=", "xn--a"),
    ],
)
def test_encoded_words(value: bytes, text: str) -> None:
    assert decode_words(value) == text


@given(st.text(max_size=200))
def test_words_come_back(text: str) -> None:
    encoded = encode_words(text)
    assert encoded.isascii()
    assert all(len(word) <= 75 for word in encoded.split()) or text.isascii()
    expected = text.encode("utf-8", "replace").decode().replace("\r\n", "")
    expected = expected.replace("\r", " ").replace("\n", " ").replace("\0", "")
    assert decode_words(encoded.encode()) == expected


@given(
    st.sampled_from(["To", "From", "Sender", "Subject", "Reply-To"]), st.text("aé€", max_size=99)
)
def test_lines_with_words_have_76_octets(name: str, text: str) -> None:
    """RFC 2047 §2"""
    field = format_field(name, encode_words(text))
    assert text.isascii() or max(map(len, field.split(b"\r\n"))) <= 76


@given(st.binary(max_size=200), st.text(max_size=50))
def test_any_octets(octets: bytes, name: str) -> None:
    assert "\n" not in decode_words(octets)
    decode_words(b"=?" + octets + b"?=")
    decode_words(b"=?utf-8?b?" + octets + b"?= =?utf-16?q?" + octets + b"?=")
    decode_charset(octets, name)
    decode_transfer(octets, name)
    decode_base64(octets)
    decode_quoted_printable(octets)
    kind, parameters = parse_value(octets)
    assert isinstance(kind, bytes)
    decode_parameters(parameters)
    parse_media_type(b"a/b;" + octets)


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "gb2312", "iso-2022-jp", "utf-16"]))
def test_attack_39_charsets_never_raise(octets: bytes, charset: str) -> None:
    assert charset_codec(charset)
    decode_charset(octets, charset)


def test_attack_39_only_charsets_are_codecs() -> None:
    for name in ("base64", "zip", "rot13", "punycode", "idna", "unicode_escape", "utf-7", "os"):
        assert charset_codec(name) is None


@given(st.binary(max_size=300))
def test_transfer_encodings(octets: bytes) -> None:
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    assert decode_transfer(encoded, "BASE64 ") == octets
    assert decode_transfer(octets, "8bit") == octets
    printable = octets.replace(b"\r", b"").replace(b"\n", b"")
    assert decode_transfer(quopri.encodestring(printable), "quoted-printable") == printable


def test_tolerant_decoding() -> None:
    assert decode_base64(b"aGVs\r\nbG8") == b"hello"
    assert decode_base64(b"aGVsbG8=\r\nd29ybGQ=") == b"helloworld"
    assert decode_base64(b"a") == b""
    assert decode_base64(b"*a*G*V*s*") == b"hel"
    assert decode_quoted_printable(b"a  \r\nb=\r\nc=zz=3") == b"a\r\nbc=zz=3"


def test_parameters() -> None:
    found = parse_media_type(
        b' text / plain ; charset="a\\"b"; (comment; x=y) NAME = "x(y).txt";; ; empty=; z'
    )
    assert found == (
        b"text",
        b"plain",
        ((b"charset", b'a"b'), (b"NAME", b"x(y).txt"), (b"empty", b"")),
    )
    assert parse_media_type(b"text") is None
    assert parse_media_type(b"") is None
    assert parse_value(b"attachment; filename=a b.txt; size=3") == (
        b"attachment",
        ((b"filename", b"a"), (b"size", b"3")),
    )


@pytest.mark.parametrize(
    "comment", [b'(5" wide)', b'("a)', rb"(a \) b)", b"(a (b) c)", b"(a\r\n b)"]
)
def test_comments_are_skipped(comment: bytes) -> None:
    """RFC 5322 §3.2.2: a quotation mark has no meaning in a comment."""
    found = parse_media_type(b"text/plain " + comment + b'; charset="utf-8 (x)"')
    assert found == (b"text", b"plain", ((b"charset", b"utf-8 (x)"),))


def test_parameter_continuations() -> None:
    _, parameters = parse_value(
        b"x; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20;"
        b' title*2="isn\'t it!"; f*=utf-8\'\'caf%C3%A9; g==?utf-8?q?=C3=A9?=; h*1=lost; i="plain"'
    )  # RFC 2231 §4.1
    assert decode_parameters(parameters) == {
        "title": "This is even more ***fun*** isn't it!",
        "f": "café",
        "g": "é",
        "h": "",
        "i": "plain",
    }


def test_attack_35_number_of_parameters_is_limited() -> None:
    value = b"x" + b"".join(b"; p%d=v" % number for number in range(10**5))
    assert len(parse_value(value)[1]) == PARAMETER_LIMIT
