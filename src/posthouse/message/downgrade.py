"""8-bit content in a form for a peer that takes ASCII alone (RFC 6152 §3).

Parts of text become quoted-printable, other parts base64, and the fields that say so are changed;
nothing else is. What cannot be so converted without harm is refused: 8-bit header fields (they
need SMTPUTF8), what is signed or encrypted as it stands (RFC 1847 §2.1), and what is no MIME.
"""

from __future__ import annotations

import base64
import binascii

from posthouse.message.header import CRLF, Header
from posthouse.message.structure import PART_LIMIT, Part, parse, walk

LARGEST = 10 * 1024 * 1024  # octets; all of it is in memory
LINE = 76  # octets of encoded text (RFC 2045 §6.7, §6.8)

_TO_ASCII = bytes(range(128)) + b"?" * 128


class Unconvertible(Exception):
    """The content cannot be had in ASCII."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status  # enhanced status code (RFC 3463 §3.7)
        self.text = text


def to_seven_bit(content: bytes) -> bytes:
    """The same message in ASCII. Raises Unconvertible."""
    if content.isascii():
        return content
    if len(content) > LARGEST:
        raise Unconvertible("5.6.3", "the message is too large to be converted to ASCII")
    root = parse(content)
    parts = walk(root)
    if len(parts) >= PART_LIMIT:
        raise Unconvertible("5.6.3", "the message has too many parts to be converted to ASCII")
    messages = {id(root)} | {
        id(child) for part in parts if part.is_message for child in part.children
    }
    pieces: list[bytes] = []
    position = 0
    for part in parts:
        if part.header_start == part.end and part is not root:
            continue  # stands for a part that is not there
        # What is before a part may be text for readers without MIME; nobody will miss an accent.
        pieces.append(content[position : part.header_start].translate(_TO_ASCII))
        header, body = convert(part, content)
        if id(part) in messages:
            header = with_mime_version(header)
        pieces += (header, body)
        position = part.body_start if part.children else part.end
    pieces.append(content[position:].translate(_TO_ASCII))
    return b"".join(pieces)


def convert(part: Part, content: bytes) -> tuple[bytes, bytes]:
    """A part's header and body in ASCII; without a body where it is made of parts."""
    header = content[part.header_start : part.body_start]
    body = content[part.body_start : part.end]
    if not header.isascii():
        raise Unconvertible("5.6.9", "the header is not ASCII")  # RFC 6531 §3.5
    if part.children:
        return convert_composite(part, header, body), b""
    return (header, body) if body.isascii() else encode(part, header, body)


def convert_composite(part: Part, header: bytes, body: bytes) -> bytes:
    """RFC 2045 §6.4: a multipart or message has no encoding of its own."""
    if part.subtype.lower() in (b"signed", b"encrypted") and not body.isascii():
        raise Unconvertible("5.6.3", "a signed or encrypted part cannot be converted to ASCII")
    encoding = Header(header).get(b"content-transfer-encoding")
    if encoding is None or encoding.lower() == b"7bit":
        return header
    return with_encoding(header, b"7bit")


def encode(part: Part, header: bytes, body: bytes) -> tuple[bytes, bytes]:
    """A part with its body encoded."""
    if part.encoding.lower() not in (b"7bit", b"8bit", b"binary"):
        raise Unconvertible("5.6.3", "the message is not in the encoding that it names")
    stated = (Header(header).get(b"content-type") or b"").lower()
    kind = part.type.lower()
    if kind == b"message" or stated.startswith((b"multipart", b"message")):
        raise Unconvertible("5.6.3", "the message has a part that cannot be encoded")
    if not stated:
        header = with_type(header, body)
    if kind == b"text":
        return with_encoding(header, b"quoted-printable"), quoted_printable(body)
    return with_encoding(header, b"base64"), base64_lines(body)


def with_type(header: bytes, body: bytes) -> bytes:
    """RFC 1428 §3: text of no stated charset"""
    try:
        body.decode()
        charset = b"utf-8"
    except ValueError:
        charset = b"unknown-8bit"
    return add_field(header, b"Content-Type: text/plain; charset=" + charset)


def with_encoding(header: bytes, encoding: bytes) -> bytes:
    """RFC 2045 §6.1"""
    header = Header(header).without((b"content-transfer-encoding",))
    return add_field(header, b"Content-Transfer-Encoding: " + encoding)


def with_mime_version(header: bytes) -> bytes:
    """RFC 2045 §4: without it the rest of the fields means nothing."""
    return (
        header if Header(header).count(b"mime-version") else add_field(header, b"MIME-Version: 1.0")
    )


def add_field(header: bytes, field: bytes) -> bytes:
    """With a field behind all others."""
    if header.endswith(CRLF + CRLF) or header == CRLF:
        header = header[:-2]
    elif header and not header.endswith(CRLF):
        header += CRLF
    return header + field + CRLF + CRLF


def quoted_printable(body: bytes) -> bytes:
    """RFC 2045 §6.7"""
    # It takes the kind of line end from the first one, so that there has to be one.
    return binascii.b2a_qp(CRLF + body, istext=True)[2:]


def base64_lines(body: bytes) -> bytes:
    """RFC 2045 §6.8"""
    encoded = base64.b64encode(body)
    lines = [encoded[i : i + LINE] for i in range(0, len(encoded), LINE)]
    return CRLF.join(lines) + CRLF
