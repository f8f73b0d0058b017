"""Address lists of header fields (RFC 5322 §3.4, with the obsolete forms of §4.4).

Read as leniently as mail is written, in one pass and without recursion: a fast match takes the
addresses that are like nearly all others, a token at a time what is left. What comes out is what
an IMAP ENVELOPE is made of (RFC 9051 §7.5.2): encoded words are left as they are, and a group is
its entries between two marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

ADDRESS_LIMIT = 2000  # entries of one field; what comes after is not told
OCTET_LIMIT = 256 * 1024  # of one field; what comes after is not looked at
TOKEN_LIMIT = 10 * ADDRESS_LIMIT  # of one field, where they are read one by one; the same


class Entry(NamedTuple):
    """One address, or a mark: `host` None starts a group, `mailbox` None too ends it."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END = Entry(None, None, None, None)

_ATEXT = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]"
# `Display Name <local@domain>`, `"Display, Name" <...>` or the address alone, up to its comma.
# Quirk: Python before 3.11.5 goes too far in `(?:ab++)*+` when its last round fails in the middle.
_common = re.compile(
    rb'\s*+(?:(?:"([^"\\\r\n]*+)"|(%b++(?:[ .]%b++){0,20}))?[ \t]*+<(%b++(?:\.%b++){0,20})@'
    rb"([A-Za-z0-9.-]++)>|(%b++(?:\.%b++){0,20})@([A-Za-z0-9.-]++))\s*+(?:,|$)" % ((_ATEXT,) * 6)
).match
_token = re.compile(
    rb"""(?P<space>[ \t\r\n\0]++)
    |"(?P<quoted>(?:[^"\\]++|\\.)*+)"?
    |(?P<literal>\[(?:[^\[\]\\]++|\\.)*+\]?)
    |(?P<atom>[^ \t\r\n\0"\[(),:;<>@]++)
    |(?P<special>.)""",
    re.VERBOSE | re.DOTALL,
)
_comment_mark = re.compile(rb"[()]|\\.", re.DOTALL)
_quoted_pair = re.compile(rb"\\(.)", re.DOTALL)
_breaks = re.compile(rb"\r\n|[\r\n\0]")
_dot_string = re.compile(rb"%b++(?:\.%b++)*" % (_ATEXT, _ATEXT)).fullmatch
_needs_backslash = re.compile(rb'(["\\])')


def parse_address_list(value: bytes, limit: int = ADDRESS_LIMIT) -> list[Entry]:
    """The address-list of a raw field value; whatever it holds, something sensible."""
    value = value[:OCTET_LIMIT]
    entries: list[Entry] = []
    position = 0
    while len(entries) < limit and (found := _common(value, position)) is not None:
        quoted, plain, local, host, bare, bare_host = found.groups()
        name = quoted if quoted is not None else plain
        entries.append(Entry(name or None, None, local or bare, host or bare_host))
        position = found.end()
    if position < len(value) and len(entries) < limit:
        _Reader(entries, limit).read(value, position)
    return entries


class _Word(NamedTuple):
    text: bytes
    spaced: bool  # white space or a comment stood before it
    quoted: bool = False


class _Reader:
    """Gathers the words of one entry until the token that ends it."""

    def __init__(self, entries: list[Entry], limit: int) -> None:
        self.entries = entries
        self.limit = limit
        self.in_group = False
        self._clear()

    def _clear(self) -> None:
        self.words: list[_Word] = []
        self.angle: list[_Word] | None = None  # what stands between < and >
        self.in_angle = False
        self.comment: bytes | None = None

    def read(self, value: bytes, position: int) -> None:
        for kind, text, spaced in islice(_tokens(value, position), TOKEN_LIMIT):
            if len(self.entries) >= self.limit:
                break
            if kind == "comment":
                self.comment = text or self.comment
            elif kind != "special":
                self._add(_Word(text, spaced, kind == "quoted"))
            else:
                self._special(text, spaced)
        self._finish()
        if self.in_group:
            self.entries.append(GROUP_END)

    def _add(self, word: _Word) -> None:
        (self.angle if self.in_angle and self.angle is not None else self.words).append(word)

    def _special(self, mark: bytes, spaced: bool) -> None:
        if mark == b"<" and self.angle is None:
            self.angle, self.in_angle = [], True
        elif mark == b">":
            self.in_angle = False
        elif mark == b"@" or self.in_angle:
            self._add(_Word(mark, spaced))
        elif mark == b",":
            self._finish()
        elif mark == b";":
            self._finish()
            if self.in_group:
                self.in_group = False
                self.entries.append(GROUP_END)
        elif mark == b":" and not self.in_group:
            self.entries.append(Entry(None, None, _phrase(self.words), None))
            self.in_group = True
            self._clear()

    def _finish(self) -> None:
        if self.angle is not None:
            name = _phrase(self.words) or self.comment
            self.entries.append(_address(self.angle, name or None))
        elif self.words:
            self.entries.append(_address(self.words, self.comment))
        self._clear()


def _tokens(value: bytes, position: int) -> Iterator[tuple[str, bytes, bool]]:
    """(kind, text, whether space stood before it); comments as one token (§3.2.2)."""
    spaced = False
    end = len(value)
    while position < end:
        found = _token.match(value, position)
        assert found is not None  # `special` takes any octet
        position = found.end()
        kind = found.lastgroup or "quoted"
        text = found[kind]
        if kind == "space":
            spaced = True
            continue
        if text == b"(" and kind == "special":
            start, position = position, comment_end(value, position)
            text = value[start:position].removesuffix(b")")
            yield "comment", _unquoted(text).strip(), spaced
            spaced = True
            continue
        yield kind, _unquoted(text) if kind == "quoted" else text, spaced
        spaced = False


def comment_end(value: bytes, position: int) -> int:
    """Where a comment ends whose parenthesis was opened before `position`: nesting is counted
    (RFC 5322 §3.2.2).
    """
    depth = 1
    for mark in _comment_mark.finditer(value, position):
        if mark[0] == b"(":
            depth += 1
        elif mark[0] == b")":
            depth -= 1
            if not depth:
                return mark.end()
    return len(value)


def _unquoted(text: bytes) -> bytes:
    text = _breaks.sub(b"", text)
    return _quoted_pair.sub(rb"\1", text) if b"\\" in text else text


def _phrase(words: list[_Word]) -> bytes:
    """A display name: words with single spaces."""
    pieces: list[bytes] = []
    for word in words:
        if word.spaced and pieces:
            pieces.append(b" ")
        pieces.append(word.text)
    return b"".join(pieces)


def _address(words: list[_Word], name: bytes | None) -> Entry:
    """An addr-spec, with an obsolete route before it (§4.4)."""
    route, words = _route(words)
    at = len(words) - 1
    while at >= 0 and (words[at].quoted or words[at].text != b"@"):
        at -= 1
    if at < 0:
        return Entry(name, route, _joined(words), b"")
    return Entry(name, route, _local_part(words[:at]), _joined(words[at + 1 :]))


def _route(words: list[_Word]) -> tuple[bytes | None, list[_Word]]:
    if words and words[0].text == b"@" and not words[0].quoted:
        for index, word in enumerate(words):
            if word.text == b":" and not word.quoted:
                return b"".join(word.text for word in words[:index]), words[index + 1 :]
    return None, words


def _joined(words: list[_Word]) -> bytes:
    """Words as they were, but without the space that may stand around dots (§4.4)."""
    pieces: list[bytes] = []
    before = b"."
    for word in words:
        if word.spaced and not before.endswith(b".") and not word.text.startswith(b"."):
            pieces.append(b" ")
        pieces.append(word.text)
        before = word.text
    return b"".join(pieces)


def _local_part(words: list[_Word]) -> bytes:
    """local-part (§3.4.1), quoted where it has to be."""
    text = _joined(words)
    if _dot_string(text) is not None:
        return text
    return b'"' + _needs_backslash.sub(rb"\\\1", text) + b'"'
