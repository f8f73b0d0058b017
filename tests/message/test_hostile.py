"""Inputs made to take long: each has to be done in a time that its size explains."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from posthouse.message.address import parse_mailbox, parse_path
from posthouse.message.addresses import parse_address_list
from posthouse.message.completion import complete
from posthouse.message.dates import parse_date
from posthouse.message.encodings import (
    decode_base64,
    decode_quoted_printable,
    decode_words,
)
from posthouse.message.header import Header, format_field, unfold
from posthouse.message.parameter import decode_parameters, parse_media_type, parse_value
from posthouse.message.summary import summarise

MANY = 10**5
NESTED = 10**4


def parts(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * count


def parts_without_blank_lines(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nX: y\r\n" * count


def nested(count: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (number, number)
        for number in range(count)
    )


def nested_messages(count: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * count


def nested_alike(count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * count


MESSAGES = {
    "parts": parts(MANY),
    "parts without blank lines": parts_without_blank_lines(MANY),
    "nested": nested(NESTED),
    "nested messages": nested_messages(NESTED),
    "nested alike": nested_alike(NESTED),
    "nested, then lines": nested(60) + b"\r\n\r\n" + b"--x\r\n" * MANY,
    "dashes": parts(1) + b"\r\n--" * MANY,
    "long delimiter": parts(1) + b"\r\n--" + b"-" * MANY * 10,
    "fields": b"A: b\r\n" * MANY + b"\r\n",
    "long field": b"Subject: " + b"x" * 10**7 + b"\r\n\r\n",
    "folds": b"Subject: x" + b"\r\n x" * MANY + b"\r\n\r\n",
    "no fields": b"x" * 10**6 + b"\r\n" + b"y\r\n" * MANY,
    "addresses": b"To: " + b"a@b, " * MANY + b"\r\n\r\n",
    "groups": b"To: " + b"g: a@b; " * MANY + b"\r\n\r\n",
    "parameters": b"Content-Type: text/plain" + b"; a=b" * MANY + b"\r\n\r\n",
    "bare CR": b"A: b\r" * MANY + b"\r\n\r\n",
    "languages": b"Content-Language: " + b"en," * MANY + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_attack_34_36_messages(name: str) -> None:
    content = MESSAGES[name]
    seconds = _timed(lambda: summarise(content))
    assert seconds < 2 + len(content) * 2e-7
    header = Header.of(content)
    assert _timed(lambda: header.select([b"subject", b"to", b"a"])) < 2
    assert _timed(lambda: header.without([b"subject", b"to", b"a"])) < 2
    assert _timed(lambda: complete(header.octets, time=0, message_id="<a@b>")) < 4


VALUES = [
    b";" * MANY,
    b"a;" * MANY,
    b"a=" * MANY,
    b"=" * MANY,
    b'a="' * MANY,
    b'"\\"' * MANY,
    b'"' * (MANY + 1),
    b"\\" * MANY,
    b"(" * MANY,
    b")" * MANY,
    b"(" * MANY + b")" * MANY,
    b"()" * MANY,
    b"(\\" * MANY,
    b"<" * MANY,
    b"<a" * MANY,
    b"<@a:" * MANY,
    b"a@" * MANY,
    b"a." * MANY,
    b"a " * MANY,
    b"a b" * MANY + b"<",
    b" " * MANY,
    b" \r\n" * MANY,
    b"[" * MANY,
    b"[]" * MANY,
    b":" * MANY,
    b"g:" * MANY,
    b",;" * MANY,
    b"=?" * MANY,
    b"=?a?q?" * MANY,
    b"=?a?q?b?=" * MANY,
    b"=?a?q?b?= " * MANY,
    b"=?a" + b"?" * MANY,
    b"=?utf-8?q?" + b"=" * MANY,
    b" \t" * MANY + b"x",
    b"1 Jan" + b" " * MANY,
    b"\xff" * MANY,
    b"\0" * MANY,
    b"a*0*=x;" * MANY,
    b"".join(b"a*%d=x;" % number for number in range(10**4)),
    b"text/plain;" + b' a="' + b"\\x" * MANY,
    b"text/plain" + b" " * MANY + b"x",
    b"a" * MANY + b"/" + b"b" * MANY,
    b"-" * MANY,
    b"a-" * MANY,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:12]))
def test_attack_35_37_values(value: bytes) -> None:
    text = value.decode("latin-1")
    actions: list[Callable[[], object]] = [
        lambda: parse_address_list(value),
        lambda: decode_parameters(parse_value(value)[1]),
        lambda: parse_media_type(value),
        lambda: decode_words(value),
        lambda: decode_base64(value),
        lambda: decode_quoted_printable(value),
        lambda: parse_date(value),
        lambda: unfold(value),
        lambda: format_field("Subject", value),
        lambda: _refused(lambda: parse_path(f"<{text}>")),
        lambda: _refused(lambda: parse_mailbox(text, smtputf8=True)),
        lambda: _refused(lambda: parse_mailbox(f"{text}@example.org")),
        lambda: _refused(lambda: parse_mailbox(f"a@{text}", smtputf8=True)),
    ]
    for action in actions:
        assert _timed(action) < 2


def _refused(action: Callable[[], object]) -> None:
    try:
        action()
    except ValueError:
        return


def _timed(action: Callable[[], object]) -> float:
    """Seconds of this thread's own work, so that a busy machine does not count."""
    start = time.thread_time()
    action()
    return time.thread_time() - start
