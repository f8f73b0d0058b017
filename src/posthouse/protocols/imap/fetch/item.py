"""What a data item is, and the responses for many messages at once (RFC 3501 §7.4.2).

An item is its text with places for values, and columns of values, one for each message of a
slice. The responses of a slice are one formatting of all columns, without a step for a message.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, starmap

from posthouse.message import structure

from ..mail_events import NOTHING, Need, Row
from ..sequence import joined
from ..view import BLOCK, BLOCKS, Selected

RECENT = rb"\Recent"
LARGEST = 256 * 1024  # octets of a block that is kept with the view
FEW = 64  # messages in a row, where they are fewer all responses are made together


@dataclass(frozen=True, slots=True)
class Slice:
    """Some messages of a session's view, and what the agent gave for them."""

    numbers: Sequence[int]
    uids: Sequence[int]
    flags: Sequence[bytes]
    modseqs: Sequence[int]
    rows: Sequence[Row] = ()
    trees: list[structure.Part] = field(default_factory=list)

    @classmethod
    def of(cls, selected: Selected, start: int, stop: int, rows: Sequence[Row] = ()) -> Slice:
        """The messages at the positions [start, stop)."""
        view = selected.view
        flags = view.flags[start:stop]
        for first, last in selected.recent_positions():
            for at in range(max(first, start), min(last, stop)):
                flags[at - start] = with_recent(flags[at - start])
        uids = view.uids[start:stop]
        numbers = uids if selected.by_uid_only else range(start + 1, stop + 1)
        return cls(numbers, uids, flags, view.modseqs[start:stop], rows)

    @classmethod
    def at(cls, selected: Selected, positions: Sequence[int], rows: Sequence[Row] = ()) -> Slice:
        """The messages at these positions, in ascending order."""
        view = selected.view
        all_uids, all_flags, all_modseqs = view.uids, view.flags, view.modseqs
        flags = [all_flags[at] for at in positions]
        for first, last in selected.recent_positions():
            for index in range(bisect_left(positions, first), bisect_left(positions, last)):
                flags[index] = with_recent(flags[index])
        uids = [all_uids[at] for at in positions]
        modseqs = [all_modseqs[at] for at in positions]
        numbers = uids if selected.by_uid_only else [at + 1 for at in positions]
        return cls(numbers, uids, flags, modseqs, rows)

    @property
    def headers(self) -> list[bytes]:
        return [row[6] or b"" for row in self.rows]

    @property
    def contents(self) -> list[bytes]:
        """The contents, all of them at hand."""
        return [row[7] if isinstance(row[7], bytes) else b"" for row in self.rows]

    @property
    def structures(self) -> list[structure.Part]:
        """The part trees, made once."""
        if not self.trees:
            self.trees.extend(map(structure.parse, self.contents))
        return self.trees


@dataclass(frozen=True, slots=True)
class Item:
    """A data item: its text, as a template, and the columns of values for it."""

    template: bytes
    columns: Callable[[Slice], tuple[Iterable[object], ...]] = field(compare=False)
    needs: Need = NOTHING
    lasting: bool = True  # its value never changes


UID = Item(b"UID %d", lambda part: (part.uids,))
FLAGS = Item(b"FLAGS (%b)", lambda part: (part.flags,), lasting=False)
MODSEQ = Item(b"MODSEQ (%d)", lambda part: (part.modseqs,), lasting=False)  # RFC 7162 §3.1.4.2


def with_recent(flags: bytes) -> bytes:
    return RECENT + b" " + flags if flags else RECENT


def news_of_flags(selected: Selected) -> tuple[Item, ...]:
    """What a FETCH response has that was not asked for (§7.4.2; RFC 7162 §3.2.4)."""
    return (UID, FLAGS, MODSEQ) if "CONDSTORE" in selected.enabled else (UID, FLAGS)


def with_uids(selected: Selected) -> bool:
    """A change of flags is always told with the UID (RFC 7162 §3.2.4, RFC 9051 §7.5.2)."""
    return not selected.enabled.isdisjoint(("CONDSTORE", "IMAP4REV2"))


def message_start(selected: Selected) -> bytes:
    """Of a FETCH response, or what RFC 9586 §3.3 puts in its place."""
    return b"* %d UIDFETCH (" if selected.by_uid_only else b"* %d FETCH ("


def message_template(items: Sequence[Item], selected: Selected) -> bytes:
    """message-data = nz-number SP "FETCH" SP "(" msg-att *(SP msg-att) ")" """
    return message_start(selected) + b" ".join([item.template for item in items]) + b")\r\n"


def render(items: Sequence[Item], part: Slice, template: bytes) -> bytes:
    """The FETCH responses for a slice."""
    columns: list[Iterable[object]] = [part.numbers]
    for item in items:
        columns += item.columns(part)
    count, width = len(part.numbers), len(columns)
    values: list[object] = [None] * (count * width)
    for at, column in enumerate(columns):
        values[at::width] = column
    return template * count % tuple(values)


def from_view(
    selected: Selected, positions: Sequence[tuple[int, int]], items: Sequence[Item]
) -> Iterator[bytes]:
    """The responses for the positions [from, to), of items that the view alone answers.

    Whole blocks are kept with the view, where what they say is the same for all sessions.
    """
    spans = list(starmap(range, positions))
    if len(spans) > 1 and sum(map(len, spans)) < FEW * len(spans):
        yield from _apart(selected, list(chain.from_iterable(spans)), items)
        return
    view, template = selected.view, message_template(items, selected)
    recent = selected.recent_positions()
    for start, stop in positions:
        for first in range(start - start % BLOCK, stop, BLOCK):
            low, high = max(first, start), min(first + BLOCK, stop)
            end = min(first + BLOCK, len(view))
            if high - low < end - first or any(a < high and low < b for a, b in recent):
                yield render(items, Slice.of(selected, low, high), template)
                continue
            key = (template, first // BLOCK)
            octets = view.blocks.get(key)
            if octets is None:
                octets = render(items, Slice.of(selected, low, high), template)
                if len(view.blocks) < BLOCKS and len(octets) <= LARGEST:
                    view.blocks[key] = octets
            yield octets


def at_positions(
    selected: Selected, positions: Sequence[int], items: Sequence[Item]
) -> Iterator[bytes]:
    """The same for ascending positions, one by one."""
    if len(positions) < BLOCK:
        return _apart(selected, positions, items)
    return from_view(selected, joined(positions), items)


def _apart(selected: Selected, positions: Sequence[int], items: Sequence[Item]) -> Iterator[bytes]:
    """The same without a look at what has been kept."""
    template = message_template(items, selected)
    for start in range(0, len(positions), BLOCK):
        yield render(items, Slice.at(selected, positions[start : start + BLOCK]), template)
