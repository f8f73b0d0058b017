"""Values with parameters: `text/plain; charset=utf-8` (RFC 2045 §5.1, RFC 2183 §2).

Also the continuations and charsets of RFC 2231. One pass, bounded in number.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from posthouse.message.addresses import comment_end
from posthouse.message.encodings import decode_charset, decode_words

PARAMETER_LIMIT = 200  # of one field; what comes after is not told
OCTET_LIMIT = 64 * 1024  # of one field

Parameters = tuple[tuple[bytes, bytes], ...]

_TOKEN = rb'[^\x00-\x20()<>@,;:\\"/\[\]?=\x7f]'
_value = re.compile(rb'[^;"(\s]*+').match
_media_type = re.compile(rb"\s*+(%b++)\s*+/\s*+(%b++)" % (_TOKEN, _TOKEN)).match
_parameter = re.compile(
    rb"""[;\s]*+                                  # RFC 2045 wants one semicolon, mail has any
    ([^\s=;"]++)\s*+=\s*+                        # attribute
    (?:"((?:[^"\\]++|\\.)*+)"?|([^;\s"]*+))      # quoted-string or token
    [^;]*+""",
    re.VERBOSE | re.DOTALL,
).match
_skip = re.compile(rb"[;\s]*+[^;]*+").match
_quoted_or_comment = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|(?P<comment>\()|\\.', re.DOTALL).search
_quoted_pair = re.compile(rb"\\(.)", re.DOTALL)
_breaks = re.compile(rb"\r\n|[\r\n\0]")
_section = re.compile(rb"(.+?)(?:\*([0-9]{1,4}))?(\*)?", re.DOTALL).fullmatch


def parse_media_type(value: bytes) -> tuple[bytes, bytes, Parameters] | None:
    """Content-Type (RFC 2045 §5.1) as type, subtype, parameters; None if it has no such form."""
    value = without_comments(value[:OCTET_LIMIT])
    found = _media_type(value)
    if found is None:
        return None
    return found[1], found[2], _parameters(value, found.end())


def parse_value(value: bytes) -> tuple[bytes, Parameters]:
    """A token with parameters, such as Content-Disposition (RFC 2183 §2)."""
    value = without_comments(value[:OCTET_LIMIT]).lstrip()
    found = _value(value)
    assert found is not None
    return found[0], _parameters(value, found.end())


def decode_parameters(parameters: Parameters) -> dict[str, str]:
    """Parameters as text: continuations joined, charsets and encoded words decoded (RFC 2231)."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for name, value in parameters:
        found = _section(name)
        if found is None:
            continue
        attribute = found[1].decode("ascii", "replace").lower()
        if found[2] is None and found[3] is None:
            # Quirk: many programs put encoded words here, which RFC 2047 §5 forbids.
            plain.setdefault(attribute, decode_words(value))
        else:
            number = int(found[2] or 0)
            pieces.setdefault(attribute, {}).setdefault(number, (value, found[3] is not None))
    for attribute, numbered in pieces.items():
        plain[attribute] = _continued(numbered)
    return plain


def _continued(numbered: dict[int, tuple[bytes, bool]]) -> str:
    """RFC 2231 §3, §4.1: the first piece alone names charset and language."""
    charset = b""
    joined: list[bytes] = []
    for number in range(len(numbered)):
        if number not in numbered:
            break
        value, extended = numbered[number]
        if number == 0 and extended and value.count(b"'") >= 2:
            charset, _, value = value.split(b"'", 2)
        joined.append(unquote_to_bytes(value) if extended else value)
    return decode_charset(b"".join(joined), charset.decode("ascii", "replace") or "utf-8")


def _parameters(value: bytes, position: int) -> Parameters:
    found: list[tuple[bytes, bytes]] = []
    semicolon = value.find(b";", position)
    position = len(value) if semicolon < 0 else semicolon
    while position < len(value) and len(found) < PARAMETER_LIMIT:
        parameter = _parameter(value, position)
        if parameter is None:
            skipped = _skip(value, position)
            assert skipped is not None
            position = max(skipped.end(), position + 1)
            continue
        name, quoted, token = parameter.groups()
        found.append((name, _unquoted(quoted) if quoted is not None else token))
        position = parameter.end()
    return tuple(found)


def _unquoted(text: bytes) -> bytes:
    if b"\n" in text or b"\r" in text or b"\0" in text:
        text = _breaks.sub(b"", text)
    return _quoted_pair.sub(rb"\1", text) if b"\\" in text else text


def without_comments(value: bytes) -> bytes:
    """Without comments; what is in quotes is none, and quotes in a comment are not looked at."""
    if b"(" not in value:
        return value
    kept: list[bytes] = []
    after = position = 0
    while (found := _quoted_or_comment(value, position)) is not None:
        position = found.end()
        if found["comment"]:
            kept.append(value[after : found.start()])
            after = position = comment_end(value, position)
    kept.append(value[after:])
    return b" ".join(kept)
