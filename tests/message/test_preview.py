"""Previews: short, of what is text, whatever the message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.preview import LONGEST, preview
from posthouse.message.structure import parse

HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n"


def of(content: bytes) -> str:
    return preview(content, parse(content))


ALTERNATIVE = (
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/html\r\n\r\n<b>rich</b>\r\n--b\r\n\r\nplain\r\n--b--\r\n"
)
ATTACHED = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Disposition: attachment\r\n\r\nfile\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"Subject: x\r\n\r\none\r\n  two\tthree\r\n", "one two three"),
        (b"\r\nnew\r\n> old\r\n>> older\r\nmore\r\n", "new more"),
        (b"\r\n" + b"word " * 3000, ("word " * 40).rstrip()),
        (b"\r\n" + b" " * 2000 + b"far", "far"),
        (HTML + b"<head><title>no</title></head><p>a &amp; b</p><STYLE>x{}</STYLE >c", "a & b c"),
        (HTML + b"<style>never ends <p>a", ""),
        (HTML + b"a<" + b" " * 30 + b"b>c", "a c"),
        (HTML + b"&#" + b"9" * 9000 + b";", "&#" + "9" * (LONGEST - 2)),
        (b"Content-Transfer-Encoding: base64\r\n\r\nZ3LDvG4=\r\n", "gr\xfcn"),
        (b"Content-Type: image/png\r\n\r\nxxxx", ""),
        (ALTERNATIVE, "plain"),
        (ATTACHED, ""),
    ],
)
def test_previews(content: bytes, line: str) -> None:
    assert of(content) == line


@given(
    st.sampled_from([b"\r\n", HTML, b"Content-Type: text/plain; charset=utf-16\r\n\r\n"]),
    st.binary(),
)
def test_of_anything(header: bytes, body: bytes) -> None:
    line = of(header + body)
    assert len(line) <= LONGEST
    assert line.isprintable()
    line.encode("utf-8")
