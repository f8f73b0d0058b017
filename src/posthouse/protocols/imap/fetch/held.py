"""FETCH of a message whose content is too large to be taken at once.

The length of a literal is known before its octets are, so that they pass through in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.message import structure

from ...dialogue import Dialogue, Failed, ask, send
from ..mail_events import Held, Need, ReadContent, ReadStructure
from ..result import Torn
from .item import Item, Slice
from .octets import SectionItem, chosen_fields, nstring
from .section import Section

BLOCK = 64 * 1024  # octets
LONGEST_HEADER = 1024 * 1024  # octets of it that are looked at for fields


def send_held(items: Sequence[Item], part: Slice, held: Held) -> Dialogue[None]:
    """The FETCH response for the one message of a slice."""
    header = part.headers[0] or b""
    root = None
    if any(isinstance(item, SectionItem) and item.section.path for item in items):
        root = yield from ask(ReadStructure(held.handle), structure.Part)
    said = b"* %d FETCH (" % part.numbers[0]
    for item in items:
        if not (isinstance(item, SectionItem) and Need.CONTENT in item.needs):
            said += item.template % tuple(
                value for column in item.columns(part) for value in column
            )
            said += b" "
            continue
        section = item.section
        where = _where(section, held, header, root)
        if where is None or section.text.startswith("HEADER.FIELDS"):
            octets = None
            if where is not None:
                top = min(where[1], where[0] + LONGEST_HEADER)
                found = yield from read(held, where[0], top)
                octets = section.cut(chosen_fields(section, found))
            said += b"%b %b " % (section.label, nstring(octets))
            continue
        start, stop = section.cut_range(*where)
        yield from send(said + b"%b {%d}\r\n" % (section.label, stop - start))
        yield from _pass_on(held, start, stop)
        said = b" "
    yield from send(said[:-1] + b")\r\n")


def read(held: Held, start: int, stop: int) -> Dialogue[bytes]:
    """The octets [start, stop), gathered."""
    found = []
    while start < stop:
        octets = yield from ask(ReadContent(held.handle, start, min(BLOCK, stop - start)), bytes)
        if not octets:
            raise Failed
        found.append(octets)
        start += len(octets)
    return b"".join(found)


def _pass_on(held: Held, start: int, stop: int) -> Dialogue[None]:
    """The octets [start, stop) of a literal: after a failure here nothing more can be said."""
    try:
        while start < stop:
            length = min(BLOCK, stop - start)
            octets = yield from ask(ReadContent(held.handle, start, length), bytes)
            if not 0 < len(octets) <= length:
                raise Torn
            yield from send(octets)
            start += len(octets)
    except Failed:
        raise Torn from None


def _where(
    section: Section, held: Held, header: bytes, root: structure.Part | None
) -> tuple[int, int] | None:
    """Where in the content the section lies; for HEADER.FIELDS, the header."""
    if root is not None and section.path:
        text = "HEADER" if section.text.startswith("HEADER.FIELDS") else section.text
        return structure.section(root, section.path, text)
    return (len(header) if section.text == "TEXT" else 0), held.size
