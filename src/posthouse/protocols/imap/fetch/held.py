"""FETCH of a message whose content is too large to be taken at once.

The length of a literal is known before its octets are, so that they pass through in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.message import structure

from ...dialogue import Damaged, Dialogue, Failed, ask, send
from ..mail_events import Held, Need, ReadContent, ReadStructure
from ..result import Torn
from .binary import BinaryItem, Range, measure, send_decoded
from .item import Item, Slice
from .octets import SectionItem, chosen_fields, nstring
from .section import Section

BLOCK = 128 * 1024  # octets
LONGEST_HEADER = 1024 * 1024  # octets of it that are looked at for fields


def send_held(items: Sequence[Item], part: Slice, held: Held, start: bytes) -> Dialogue[None]:
    """The FETCH response for the one message of a slice.

    What is read whole is read first: after a failure within the response nothing can be said.
    """
    ranges, small = yield from _find(items, part, held)
    decoded = yield from _measure(items, held, small)
    said = start % part.numbers[0]
    for item in items:
        if item in small:
            said += small[item] + b" "
            continue
        if isinstance(item, BinaryItem):
            found = decoded[item]
            mark = b"~" if found.has_nul else b""
            yield from send(said + b"%b %b{%d}\r\n" % (item.section.label, mark, found.size))
            yield from send_decoded(item.section, held, found)
            said = b" "
            continue
        assert isinstance(item, SectionItem)
        first, stop = ranges[item]
        yield from send(said + b"%b {%d}\r\n" % (item.section.label, stop - first))
        yield from _pass_on(held, first, stop)
        said = b" "
    yield from send(said[:-1] + b")\r\n")


def _find(
    items: Sequence[Item], part: Slice, held: Held
) -> Dialogue[tuple[dict[SectionItem, tuple[int, int]], dict[Item, bytes]]]:
    """Where in the content the large items lie, and the others."""
    ranges: dict[SectionItem, tuple[int, int]] = {}
    small: dict[Item, bytes] = {}
    root = None
    if any(isinstance(item, SectionItem) and item.section.path for item in items):
        root = yield from ask(ReadStructure(held.handle), structure.Part)
    for item in items:
        if not isinstance(item, SectionItem) or Need.CONTENT not in item.needs:
            small[item] = item.template % tuple(
                [v for column in item.columns(part) for v in column]
            )
            continue
        if isinstance(item, BinaryItem):
            continue
        section = item.section
        where = _where(section, held, part.headers[0], root)
        if where is None:
            small[item] = section.label + b" NIL"
        elif section.text.startswith("HEADER.FIELDS"):
            header = yield from read(held, where[0], min(where[1], where[0] + LONGEST_HEADER))
            octets = section.cut(chosen_fields(section, header))
            small[item] = section.label + b" " + nstring(octets)
        else:
            ranges[item] = section.cut_range(*where)
    return ranges, small


def _measure(
    items: Sequence[Item], held: Held, small: dict[Item, bytes]
) -> Dialogue[dict[BinaryItem, Range]]:
    """What has to be decoded, and how long it is then (RFC 3516)."""
    found: dict[BinaryItem, Range] = {}
    root = None
    for item in items:
        if not isinstance(item, BinaryItem):
            continue
        root = root or (yield from ask(ReadStructure(held.handle), structure.Part))
        its = yield from measure(item.section, held, root)
        if item.is_size:
            small[item] = b"%b %d" % (item.section.label, its.size if its else 0)
        elif its is None:
            small[item] = item.section.label + b" NIL"
        else:
            found[item] = its
    return found


def read(held: Held, start: int, stop: int) -> Dialogue[bytes]:
    """The octets [start, stop), gathered."""
    found = []
    while start < stop:
        octets = yield from ask(ReadContent(held.handle, start, min(BLOCK, stop - start)), bytes)
        if not octets:
            raise Damaged
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
