"""The header section as octets (RFC 5322 §2.1, §2.2).

    name: value CRLF
    name: value, folded CRLF
     to go on here CRLF
    CRLF

The section ends with the first empty line and nothing else ends it: a line that is no field is
skipped, never a reason to take the rest for the body, so that every reader of a message sees the
same division. Values are given raw, folds included; `unfold` makes them one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from mmap import mmap
from typing import TypeAlias

Octets: TypeAlias = bytes | mmap

_PATTERN_LIMIT = 30  # names; more are looked up, for a pattern of them takes long to make
LINE_LENGTH = 76  # a line SHOULD have 78 at most (§2.1.1); with encoded words, 76 (RFC 2047 §2)
CRLF = b"\r\n"
BLANK = b"\r\n\r\n"

# One match per line with its continuations, whether it is a field or not, so that a search
# never starts again in the middle of one.
_lines = re.compile(rb"(?:([!-9;-~]+)[ \t]*:)?([^\n]*(?:\n[ \t][^\n]*)*)\n?").findall
_field = re.compile(rb"\n([!-9;-~]+)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*")
_fields, _fields_sub = _field.finditer, _field.sub
_field_name = re.compile(r"[!-9;-~]+").fullmatch
_breaks = re.compile(rb"[\r\n\0]+")
_text_breaks = re.compile(r"[\r\n\0\x0b\x0c\x85\u2028\u2029]+")


def header_end(content: Octets, start: int = 0, end: int | None = None) -> int:
    """Where the body starts: the offset after the empty line; `end` if there is no such line."""
    if end is None:
        end = len(content)
    if content[start : start + 2] == CRLF:
        return min(start + 2, end)
    blank = content.find(BLANK, start, end)
    return end if blank < 0 else blank + 4


class Header:
    """A header section, with its empty line if it has one."""

    __slots__ = ("_fields", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self._fields: list[tuple[bytes, bytes]] | None = None

    @classmethod
    def of(cls, content: Octets) -> Header:
        """The header section of a whole message."""
        return cls(bytes(content[: header_end(content)]))

    @property
    def blank(self) -> bytes:
        """The empty line, or nothing where the message has none."""
        octets = self.octets
        return CRLF if octets.endswith(BLANK) or octets == CRLF else b""

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Every field as (name, raw value), in order; lines that are no field are left out."""
        if self._fields is None:
            self._fields = [
                (name, value.strip(b" \t\r\n")) for name, value in _lines(self.octets) if name
            ]
        return self._fields

    def get(self, name: bytes) -> bytes | None:
        """The raw value of the first field of this name (whatever its case)."""
        name = name.lower()
        for field, value in self.fields():
            if field.lower() == name:
                return value
        return None

    def get_all(self, name: bytes) -> list[bytes]:
        """The raw values of all fields of this name, in order."""
        name = name.lower()
        return [value for field, value in self.fields() if field.lower() == name]

    def count(self, name: bytes) -> int:
        """How many fields of this name there are; of Received, the hops (RFC 5321 §6.3)."""
        return len(_named(_names((name,))).findall(b"\n" + self.octets))

    def select(self, names: Iterable[bytes]) -> bytes:
        """The fields of these names and the empty line: HEADER.FIELDS (RFC 9051 §6.4.5.1)."""
        names = _names(names)
        if len(names) > _PATTERN_LIMIT:
            lines = [line[0] for line in _fields(self._block()) if line[1].lower() in names]
        else:
            lines = _named(names).findall(self._block())
        found = b"".join(lines)
        return (found[1:] + b"\n" if found else b"") + self.blank

    def without(self, names: Iterable[bytes]) -> bytes:
        """All but the fields of these names: HEADER.FIELDS.NOT (RFC 9051 §6.4.5.1)."""
        names = _names(names)
        if len(names) > _PATTERN_LIMIT:
            rest = _fields_sub(
                lambda line: b"" if line[1].lower() in names else line[0], self._block()
            )
        else:
            rest = _named(names).sub(b"", self._block())
        return rest[1:] + self.blank

    def prepend(self, fields: bytes) -> Header:
        """With these fields (whole lines) before all others, as trace fields go."""
        return Header(fields + self.octets)

    def _block(self) -> bytes:
        """The lines without the empty one, after a LF, so that every field is `LF name:`."""
        octets = self.octets[:-2] if self.blank else self.octets
        if octets and not octets.endswith(b"\n"):
            octets += CRLF
        return b"\n" + octets


def selector(names: Iterable[bytes]) -> Callable[[bytes], bytes]:
    """What does for many header sections what `Header.select` does for one."""
    names = _names(names)
    if len(names) > _PATTERN_LIMIT:
        return lambda header: Header(header).select(names)
    find = _named(names).findall

    def select(header: bytes) -> bytes:
        if not header.endswith(BLANK):
            return Header(header).select(names)
        found = b"".join(find(b"\n" + header))
        return found[1:] + b"\n\r\n" if found else CRLF

    return select


_EIGHT_BIT = re.compile(rb"^(?:[!-9;-~]+[ \t]*:|[ \t])[^\r\n\x80-\xff]*[\x80-\xff]", re.MULTILINE)


def has_eight_bit_field(header: bytes) -> bool:
    """Whether a field has other than ASCII characters; lines that are no fields do not count."""
    return not header.isascii() and _EIGHT_BIT.search(header) is not None


def count_received(header: bytes) -> int:
    """The hops a message has made, by its Received fields (RFC 5321 §6.3)."""
    return len(_RECEIVED.findall(b"\n" + header))


def unfold(value: bytes) -> bytes:
    """A raw value as one line (§2.2.3)."""
    if b"\n" in value:
        value = value.replace(CRLF, b"")
    return _breaks.sub(b" ", value).strip(b" \t")


def format_field(name: str, value: str | bytes) -> bytes:
    """A field, folded at spaces, that is one field whatever `value` holds.

    A value of characters that are not ASCII is written in UTF-8 (RFC 6532); who must do without
    encodes it first.
    """
    if not name.isascii() or _field_name(name) is None:
        raise ValueError(f"not the name of a header field: {name!r}")
    if isinstance(value, bytes):
        octets = _breaks.sub(b" ", value)
    else:
        octets = _text_breaks.sub(" ", value).encode("utf-8", "replace")
    return _fold(name.encode() + b": " + octets.strip(b" \t")) + CRLF


def _fold(line: bytes) -> bytes:
    """Break a long line before words, where white space is (§2.2.3)."""
    if len(line) <= LINE_LENGTH:
        return line
    pieces: list[bytes] = []
    length = 0
    for word in line.split(b" "):
        # What is no word is more white space: a line of that alone must not come of it.
        if pieces and length + len(word) + 1 > LINE_LENGTH and word.strip(b"\t"):
            pieces.append(b"\r\n ")
            length = 1
        elif pieces:
            pieces.append(b" ")
            length += 1
        pieces.append(word)
        length += len(word)
    return b"".join(pieces)


def _names(names: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset([name.lower() for name in names])


@lru_cache(maxsize=256)
def _named(names: frozenset[bytes]) -> re.Pattern[bytes]:
    """What finds whole fields of these names in `LF header`: one search for LF, then the name."""
    rests: dict[bytes, list[bytes]] = {}  # of a name behind its first letter, which is tried once
    for name in sorted(filter(None, names)):
        rests.setdefault(re.escape(name[:1]), []).append(re.escape(name[1:]))
    wanted = b"|".join([b"%b(?:%b)" % (first, b"|".join(rest)) for first, rest in rests.items()])
    if not wanted:
        wanted = b"(?!)"
    return re.compile(rb"\n(?:" + wanted + rb")[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE)


_RECEIVED = _named(frozenset([b"received"]))
