"""The octets of sections, for messages whose content is at hand (RFC 3501 §6.4.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from posthouse.message import structure
from posthouse.message.header import Header, selector

from .item import Item, Slice
from .section import Section

Octets = Sequence[bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionItem(Item):
    """The item of a section; its columns are for messages whose content is not held elsewhere."""

    section: Section


def section_item(section: Section) -> SectionItem:
    """The item that gives this section."""
    source = _source(section)

    def columns(part: Slice) -> tuple[Iterable[object], ...]:
        octets = source(part)
        if section.offset is not None:
            octets = [None if each is None else section.cut(each) for each in octets]
        if section.path:
            return (list(map(nstring, octets)),)
        return list(map(len, octets)), octets  # type: ignore[arg-type]  # only parts may be absent

    template = section.label.replace(b"%", b"%%") + (b" %b" if section.path else b" {%d}\r\n%b")
    return SectionItem(template=template, columns=columns, needs=section.needs, section=section)


def nstring(octets: bytes | None) -> bytes:
    """A literal, whatever is in it; NIL for a part that is not there."""
    return b"NIL" if octets is None else b"{%d}\r\n%b" % (len(octets), octets)


def chosen_fields(section: Section, header: bytes) -> bytes:
    """HEADER.FIELDS or HEADER.FIELDS.NOT of a header."""
    if section.text == "HEADER.FIELDS":
        return Header(header).select(section.fields)
    return Header(header).without(section.fields)


def _source(section: Section) -> Callable[[Slice], Octets]:
    """What gives the octets of this section for each message of a slice, the partial aside."""
    if section.path:
        return lambda part: _of_parts(section, part)
    if section.text == "":
        return lambda part: part.contents
    if section.text == "TEXT":
        return _texts
    if section.text == "HEADER":
        return lambda part: part.headers
    if section.text == "HEADER.FIELDS":
        select = selector(section.fields)
        return lambda part: list(map(select, part.headers))
    return lambda part: [chosen_fields(section, header) for header in part.headers]


def _texts(part: Slice) -> Octets:
    pairs = zip(part.contents, part.headers, strict=True)
    return [content[len(header) :] for content, header in pairs]


def _of_parts(section: Section, part: Slice) -> Octets:
    return [
        _of_part(section, content, tree)
        for content, tree in zip(part.contents, part.structures, strict=True)
    ]


def _of_part(section: Section, content: bytes, root: structure.Part) -> bytes | None:
    if not section.text.startswith("HEADER.FIELDS"):
        where = structure.section(root, section.path, section.text)
        return content[where[0] : where[1]] if where else None
    where = structure.section(root, section.path, "HEADER")
    return chosen_fields(section, content[where[0] : where[1]]) if where else None
