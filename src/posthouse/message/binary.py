"""Binary parts in a form for whoever takes lines alone (RFC 3030 §3, RFC 3516 §4.4).

A part that says that it is binary becomes BASE64; nothing else is changed.
"""

from __future__ import annotations

from posthouse.message.downgrade import Unconvertible, base64_lines, with_encoding
from posthouse.message.structure import PART_LIMIT, Part, parse, walk

LARGEST = 10 * 1024 * 1024  # octets; all of it is in memory


def without_binary(content: bytes) -> bytes:
    """The same message without binary parts. Raises Unconvertible."""
    root = parse(content)
    parts = walk(root)
    if len(parts) >= PART_LIMIT:
        raise Unconvertible("5.6.3", "the message has too many parts")
    pieces: list[bytes] = []
    position = 0
    for part in parts:
        if part.encoding.upper() != b"BINARY":
            continue
        header, body = _encoded(part, content)
        pieces += (content[position : part.header_start], header, body)
        position = part.body_start if part.children else part.end
    pieces.append(content[position:])
    return b"".join(pieces)


def _encoded(part: Part, content: bytes) -> tuple[bytes, bytes]:
    header = content[part.header_start : part.body_start]
    if part.children:
        if part.subtype.upper() in (b"SIGNED", b"ENCRYPTED"):
            raise Unconvertible("5.6.3", "a signed or encrypted part cannot be changed")
        return with_encoding(header, b"8bit"), b""  # RFC 2045 §6.4
    if part.type.upper() in (b"MULTIPART", b"MESSAGE"):
        raise Unconvertible("5.6.3", "the message has a part that cannot be encoded")
    body = content[part.body_start : part.end]
    return with_encoding(header, b"base64"), base64_lines(body)
