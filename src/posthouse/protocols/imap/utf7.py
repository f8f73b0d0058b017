"""Modified UTF-7, the form of mailbox names on the wire (RFC 3501 §5.1.3)."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*+)-")
# Quirk: not `)*+`, where Python before 3.11.5 goes too far when a round fails in the middle.
_WHOLE = re.compile(rb"(?:[\x20-\x25\x27-\x7e]++|&[A-Za-z0-9+,]*+-)*")
_UNPRINTABLE = re.compile(r"&|[^\x20-\x7e]+")


def encode(name: str) -> bytes:
    """The name as it is sent; raises ValueError for lone surrogates."""
    return _UNPRINTABLE.sub(_shift, name).encode("ascii")


def decode(octets: bytes) -> str:
    """The name that was sent; raises ValueError for anything but its one right form."""
    if not _WHOLE.fullmatch(octets):
        raise ValueError("not modified UTF-7")
    if b"&" not in octets:
        return octets.decode("ascii")
    name = _SHIFTED.sub(_unshift, octets).decode("utf-8")
    # A second spelling of a name would be a second mailbox to some and the same one to others:
    # ASCII in BASE64, bits of padding, a shift out of and into BASE64.
    if encode(name) != octets:
        raise ValueError("not the one right form of modified UTF-7")
    return name


def _shift(found: re.Match[str]) -> str:
    text = found.group()
    if text == "&":
        return "&-"
    base64 = b2a_base64(text.encode("utf-16-be"), newline=False)
    return "&" + base64.rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def _unshift(found: re.Match[bytes]) -> bytes:
    base64 = found.group(1)
    if not base64:
        return b"&"
    try:
        octets = a2b_base64(base64.replace(b",", b"/") + b"=" * (-len(base64) % 4))
    except Error as error:
        raise ValueError("not BASE64") from error
    return octets.decode("utf-16-be").encode("utf-8")
