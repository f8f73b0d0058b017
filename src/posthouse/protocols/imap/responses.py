"""What a server says (RFC 3501 §7, §9): strings, flags, names, lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

from . import utf7

_ATOM = re.compile(rb'[^(){ %*"\\\]\x00-\x1f\x7f-\xff]+')
_QUOTABLE = re.compile(rb"[\x20-\x7e]{0,1000}+")
_SPECIAL = re.compile(rb'(["\\])')
_UNSAYABLE = re.compile(r"[^\x20-\x7e]+")

NIL = b"NIL"


def string(octets: bytes) -> bytes:
    """string = quoted / literal"""
    if _QUOTABLE.fullmatch(octets):
        return quoted(octets)
    return literal(octets)


def nstring(octets: bytes | None) -> bytes:
    """nstring = string / nil"""
    return NIL if octets is None else string(octets)


def astring(octets: bytes) -> bytes:
    """astring = 1*ASTRING-CHAR / string; NIL is quoted lest it be taken for nothing."""
    if _ATOM.fullmatch(octets) and octets.upper() != NIL:
        return octets
    return string(octets)


def quoted(octets: bytes) -> bytes:
    """quoted = DQUOTE *QUOTED-CHAR DQUOTE; the octets are printable ASCII."""
    if b'"' in octets or b"\\" in octets:
        octets = _SPECIAL.sub(rb"\\\1", octets)
    return b'"' + octets + b'"'


def literal(octets: bytes) -> bytes:
    """literal = "{" number "}" CRLF *CHAR8"""
    return b"{%d}\r\n%b" % (len(octets), octets)


def string8(octets: bytes) -> bytes:
    """string / literal8, which may have NULs (RFC 3516 §7)"""
    return (b"~" if b"\0" in octets else b"") + string(octets)


def mailbox(name: str, utf8: bool = False) -> bytes:
    """mailbox = "INBOX" / astring; in UTF-8 where the client has asked for it (RFC 6855 §3)."""
    if not utf8 or name.isascii():
        return astring(name.encode("ascii") if utf8 else utf7.encode(name))
    return b'"' + _SPECIAL.sub(rb"\\\1", name.encode("utf-8")) + b'"'


def flags(names: Iterable[bytes]) -> bytes:
    """flag-list = "(" [flag *(SP flag)] ")" """
    return b"(" + b" ".join(names) + b")"


def text(said: str) -> bytes:
    """text = 1*TEXT-CHAR, whatever is in it: ASCII without control characters."""
    if said.isascii() and said.isprintable() and said:
        return said.encode("ascii")
    return _UNSAYABLE.sub("?", said).encode("ascii") or b"-"


def untagged(said: bytes) -> bytes:
    return b"* " + said + b"\r\n"


def continuation(said: bytes) -> bytes:
    """continue-req = "+" SP (resp-text / base64) CRLF"""
    return b"+ " + said + b"\r\n"


def tagged(tag: bytes, condition: bytes, said: str) -> bytes:
    """response-tagged = tag SP ("OK" / "NO" / "BAD") SP resp-text CRLF"""
    return b" ".join((tag, condition, text(said))) + b"\r\n"
