"""Sections of a message: BODY[section]<partial> and its old names (RFC 3501 §6.4.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from posthouse.message.listed import LISTED

from .. import responses
from ..grammar import Reader
from ..mail_events import Need
from ..result import Bad

MOST_PARTS = 100  # numbers in one section
MOST_FIELDS = 200  # names in one HEADER.FIELDS
LONGEST_FIELDS = 4 * 1024  # octets of them

SPEC = re.compile(rb"[0-9A-Za-z.]*")
_FIELD_NAME = re.compile(rb"[!-9;-~]+")
_TEXTS = frozenset({"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME"})


@dataclass(frozen=True, slots=True)
class Section:
    """What is wanted of a message, and the name by which it is given."""

    label: bytes
    path: tuple[int, ...] = ()
    text: str = ""
    fields: tuple[bytes, ...] = ()
    offset: int | None = None  # <offset.length>
    length: int = 0
    peek: bool = False

    @property
    def needs(self) -> Need:
        if self.path or not self.text:
            return Need.CONTENT
        if self.text == "HEADER.FIELDS" and LISTED.issuperset(map(bytes.lower, self.fields)):
            return Need.LISTED
        return Need.CONTENT | Need.HEADER if self.text == "TEXT" else Need.HEADER

    def cut(self, octets: bytes) -> bytes:
        """The octets that the partial asks for: none from beyond the end."""
        if self.offset is None:
            return octets
        return octets[self.offset : self.offset + self.length]

    def cut_range(self, start: int, stop: int) -> tuple[int, int]:
        """The same of the octets [start, stop) of something larger."""
        if self.offset is None:
            return start, stop
        first = min(start + self.offset, stop)
        return first, min(first + self.length, stop)


RFC822 = Section(b"RFC822")
RFC822_HEADER = Section(b"RFC822.HEADER", text="HEADER", peek=True)
RFC822_TEXT = Section(b"RFC822.TEXT", text="TEXT")


def section(reader: Reader, peek: bool) -> Section:
    """section ["<" number "." nz-number ">"], after its "[" """
    spec = reader.take(SPEC, "a section").group()
    path, text = section_spec(spec)
    label = b"BODY[" + spec.upper()
    fields: tuple[bytes, ...] = ()
    if text.startswith("HEADER.FIELDS"):
        reader.space()
        names = header_list(reader)
        label += b" (" + b" ".join(map(responses.astring, names)) + b")"
        fields = tuple([name for name in names if _FIELD_NAME.fullmatch(name)])
    reader.expect(b"]")
    label += b"]"
    offset, length = partial(reader)
    if offset is not None:
        label += b"<%d>" % offset
    return Section(label, path, text, fields, offset, length, peek)


def partial(reader: Reader) -> tuple[int | None, int]:
    """["<" number "." nz-number ">"]"""
    if not reader.accept(b"<"):
        return None, 0
    offset = reader.number()
    reader.expect(b".")
    length = reader.nz_number()
    reader.expect(b">")
    return offset, length


def section_spec(spec: bytes) -> tuple[tuple[int, ...], str]:
    """section-spec = section-msgtext / (section-part ["." section-text])"""
    words = spec.split(b".") if spec else []
    if len(words) > MOST_PARTS:
        raise Bad("the section is too deep")
    path = []
    for word in words:
        if not word.isdigit():
            break
        if word.startswith(b"0") or len(word) > 10:
            raise Bad("no such part number")
        path.append(int(word))
    text = b".".join(words[len(path) :]).decode("ascii").upper()
    if text not in _TEXTS or (text == "MIME" and not path) or (spec.endswith(b".")):
        raise Bad("no such section")
    return tuple(path), text


def header_list(reader: Reader) -> list[bytes]:
    """header-list = "(" header-fld-name *(SP header-fld-name) ")" """
    names = reader.list(reader.astring)
    if not names:
        raise Bad("expected the name of a header field")
    if len(names) > MOST_FIELDS or sum(map(len, names)) > LONGEST_FIELDS:
        raise Bad("too many header fields", "LIMIT")
    return names
