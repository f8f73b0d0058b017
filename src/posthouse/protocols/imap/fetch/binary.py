"""Sections without their Content-Transfer-Encoding: BINARY[section] (RFC 3516 §4.2, §4.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from posthouse.message import structure
from posthouse.message.encodings import decode_transfer
from posthouse.message.transfer import KNOWN, Decoder

from ...dialogue import Dialogue, Failed, ask, send
from ..grammar import Reader
from ..mail_events import Held, ReadContent
from ..result import Bad, No, Torn
from .item import Item, Slice
from .octets import SectionItem
from .section import SPEC, Section, partial, section_spec

BLOCK = 64 * 1024  # octets


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryItem(SectionItem):
    """BINARY, or BINARY.SIZE."""

    is_size: bool = False


def binary(reader: Reader, peek: bool) -> Item:
    """ "BINARY" [".PEEK"] section-binary [partial]"""
    path, label = _section(reader)
    label = b"BINARY" + label
    offset, length = partial(reader)
    if offset is not None:
        label += b"<%d>" % offset
    section = Section(label, path, "", (), offset, length, peek)
    return _item(section, is_size=False)


def binary_size(reader: Reader) -> Item:
    """ "BINARY.SIZE" section-binary"""
    path, label = _section(reader)
    return _item(Section(b"BINARY.SIZE" + label, path, peek=True), is_size=True)


def _section(reader: Reader) -> tuple[tuple[int, ...], bytes]:
    """section-binary = "[" [section-part] "]" """
    reader.expect(b"[")
    spec = reader.take(SPEC, "a section").group()
    path, text = section_spec(spec)
    if text:
        raise Bad("expected the number of a part")
    reader.expect(b"]")
    return path, b"[" + spec + b"]"


def _item(section: Section, is_size: bool) -> BinaryItem:
    def columns(part: Slice) -> tuple[Iterable[object], ...]:
        pairs = zip(part.contents, part.structures, strict=True)
        found = [_decoded(section, content, tree) for content, tree in pairs]
        if is_size:
            return ([len(octets or b"") for octets in found],)
        return ([nstring(section, octets) for octets in found],)

    template = section.label + (b" %d" if is_size else b" %b")
    return BinaryItem(
        template=template, columns=columns, needs=section.needs, section=section, is_size=is_size
    )


def _decoded(section: Section, content: bytes, root: structure.Part) -> bytes | None:
    where = find(section, root)
    if where is None:
        return None
    start, stop, encoding = where
    return decode_transfer(content[start:stop], encoding.decode("ascii"))


def find(section: Section, root: structure.Part) -> tuple[int, int, bytes] | None:
    """Where the section lies, and its encoding. Raises No where that is not known."""
    where = structure.section(root, section.path)
    if where is None:
        return None
    part = structure.find(root, section.path)
    # A message or multipart has no encoding of its own (RFC 2045 §6.4).
    encoded = part is not None and section.path and not part.children
    encoding = part.encoding.upper() if part is not None and encoded else b""
    if encoding not in KNOWN:
        raise No("the encoding of the part is not known", "UNKNOWN-CTE")
    return *where, encoding


def nstring(section: Section, octets: bytes | None) -> bytes:
    """nstring / literal8, which tells of NULs"""
    if octets is None:
        return b"NIL"
    octets = section.cut(octets)
    mark = b"~" if b"\0" in octets else b""
    return b"%b{%d}\r\n%b" % (mark, len(octets), octets)


# Of a message that is held


@dataclass(frozen=True, slots=True)
class Range:
    """Octets of a held content, and what they are when they are decoded."""

    start: int
    stop: int
    encoding: bytes
    size: int
    has_nul: bool


def measure(section: Section, held: Held, root: structure.Part) -> Dialogue[Range | None]:
    """How long the section is: it is decoded once for that, a block after the other."""
    where = find(section, root)
    if where is None:
        return None
    start, stop, encoding = where
    decoder = Decoder(encoding)
    size, has_nul, at = 0, False, start
    low, high = (section.offset or 0), None
    if section.offset is not None:
        high = section.offset + section.length
    while at < stop:
        octets = yield from ask(ReadContent(held.handle, at, min(BLOCK, stop - at)), bytes)
        if not octets:
            raise Failed
        at += len(octets)
        piece = decoder.take(octets)
        if at >= stop:
            piece += decoder.end()
        first, last = max(low - size, 0), len(piece) if high is None else max(high - size, 0)
        has_nul = has_nul or b"\0" in piece[first:last]
        size += len(piece)
    first, last = section.cut_range(0, size)
    return Range(start, stop, encoding, last - first, has_nul)


def send_decoded(section: Section, held: Held, found: Range) -> Dialogue[None]:
    """The octets of the literal: after a failure here nothing more can be said."""
    decoder = Decoder(found.encoding)
    at, left, skip = found.start, found.size, section.offset or 0
    try:
        while left:
            length = min(BLOCK, found.stop - at)
            octets = (
                b"" if not length else (yield from ask(ReadContent(held.handle, at, length), bytes))
            )
            at += len(octets)
            piece = decoder.take(octets)
            if at >= found.stop:
                piece += decoder.end()
            if not octets and not piece:
                raise Torn
            skipped = min(skip, len(piece))
            skip -= skipped
            piece = piece[skipped : skipped + left]
            left -= len(piece)
            yield from send(piece)
    except Failed:
        raise Torn from None
