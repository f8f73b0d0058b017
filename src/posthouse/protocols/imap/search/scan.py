"""Finds the messages that match, asking for as few of them as it can (RFC 3501 §6.4.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from itertools import compress
from operator import or_

from posthouse.message import structure
from posthouse.message.text import part_text, text_ranges

from ...dialogue import Dialogue, ask, rest
from ..fetch.held import read
from ..mail_events import (
    LARGE_HEADER,
    NOTHING,
    FetchRows,
    FindText,
    Held,
    Need,
    ReadStructure,
    Row,
    TextFound,
)
from ..progress import Progress
from ..view import Selected, View
from . import mask
from .columns import columns_of
from .criteria import Asked, InField, Key, Leaf, Ranged, Seen, Text, bounds, leaves
from .message import Message

#: From the cheapest to the dearest; and how many messages are asked for at once.
STAGES = (
    (Need.DATE | Need.SIZE | Need.SENT | Need.RARE, 256),
    (Need.HEADER, 64),
    (Need.CONTENT, 16),
)
KEYS = 8  # that the view answers, from which others have their turn before the next
FEW = 20  # one message found of so many is few
LONGEST_TEXT = 8 * 1024 * 1024  # octets of one part of a large message that are looked at
LARGE_TEXT = 256 * 1024  # characters of one from which others have their turn before the next key

_FIELD_NAME = re.compile(rb"[!-9;-~]+")


def find(selected: Selected, key: Key, progress: Progress | None = None) -> Dialogue[Sequence[int]]:
    """The positions of the messages that match, in ascending order."""
    everything = mask.full(len(selected.view))
    known: dict[Leaf, tuple[int, int]] = {}
    unknown: list[Leaf] = []
    missing = 0
    for number, leaf in enumerate(dict.fromkeys(leaves(key)), 1):
        if isinstance(leaf, Seen):
            found = leaf.find(selected)
            known[leaf] = found, found
        else:
            unknown.append(leaf)
        if not number % KEYS:
            yield from rest()
    missing |= yield from _ranged(selected, key, unknown, known, progress)
    for needs, most in STAGES:
        stage = [leaf for leaf in unknown if _need(leaf) and _need(leaf) in needs]
        for leaf in stage:
            least, highest = bounds(key, known, everything)
            if highest & ~least & ~missing:
                yield from _ask_index(selected, leaf, known)
        if not stage:
            continue
        least, highest = bounds(key, known, everything)
        between = mask.positions(highest & ~least & ~missing)
        missing |= yield from _scan(selected, between, stage, most, known, progress)
    return mask.positions(bounds(key, known, everything)[0] & ~missing)


def _ranged(
    selected: Selected,
    key: Key,
    unknown: list[Leaf],
    known: dict[Leaf, tuple[int, int]],
    progress: Progress | None,
) -> Dialogue[int]:
    """Make known what is a matter of numbers; the mask of messages that are not there."""
    wanted = [leaf for leaf in unknown if isinstance(leaf, Ranged)]
    if not wanted:
        return 0
    count = len(selected.view)
    least, highest = bounds(key, known, mask.full(count))
    between = highest & ~least
    columns = tuple(dict.fromkeys(leaf.column for leaf in wanted))
    there, values = yield from columns_of(selected, mask.positions(between), columns, progress)
    by_name = dict(zip(columns, values, strict=True))
    for leaf in wanted:
        low, high = leaf.least, leaf.most
        holds = [low <= value <= high for value in by_name[leaf.column]]
        if len(there) == count:
            found = mask.of_bools(holds)
        else:
            found = mask.of_positions(compress(there, holds), count)
        known[leaf] = found, found
    return between & ~mask.of_positions(there, count) if len(there) < count else 0


def _ask_index(
    selected: Selected, leaf: Leaf, known: dict[Leaf, tuple[int, int]]
) -> Dialogue[None]:
    """What the agent knows of a text without a look at the messages."""
    if isinstance(leaf, Text):
        question = FindText(leaf.needle, leaf.in_header, in_body=True)
    elif isinstance(leaf, InField) and _FIELD_NAME.fullmatch(leaf.name):
        field = leaf.name.decode("ascii").lower()
        question = FindText(leaf.needle, in_header=True, in_body=False, field=field)
    else:
        return
    if not question.needle:
        return
    answer = yield from ask(question, object)
    if not isinstance(answer, TextFound):
        return
    view = selected.view
    count = len(view)
    found = _mask_of_uids(view, answer.uids)
    may = found | mask.of_ranges(view.search(answer.unknown, by_uid=True), count)
    may |= mask.of_positions(view.indexes(selected.ghosts), count)
    known[leaf] = found, may


def _mask_of_uids(view: View, uids: Sequence[int]) -> int:
    """The positions of these of the messages, however many."""
    if len(uids) * FEW < len(view):
        return mask.of_positions(view.indexes(uids), len(view))
    return mask.of_bools(map(set(uids).__contains__, view.uids))


def _need(leaf: Leaf) -> Need:
    if isinstance(leaf, Asked):
        return leaf.need
    return Need.CONTENT if isinstance(leaf, Text) else NOTHING


def _scan(
    selected: Selected,
    positions: Sequence[int],
    stage: list[Leaf],
    most: int,
    known: dict[Leaf, tuple[int, int]],
    progress: Progress | None = None,
) -> Dialogue[int]:
    """Make these leaves known at these positions; the mask of messages that are not there."""
    view = selected.view
    count = len(view)
    asked = [leaf for leaf in stage if isinstance(leaf, Asked)]
    texts = [leaf for leaf in stage if isinstance(leaf, Text)]
    needs = reduce(or_, map(_need, stage), Need.HEADER if texts else NOTHING)
    found: dict[Leaf, list[int]] = {leaf: [] for leaf in stage}
    absent: list[int] = []
    for start in range(0, len(positions), most):
        batch = positions[start : start + most]
        uids = [view.uids[at] for at in batch]
        rows: list[Row] = yield from ask(FetchRows(uids, needs), list)
        if len(rows) < len(batch):
            present = {row[0] for row in rows}
            absent += [at for at, uid in zip(batch, uids, strict=True) if uid not in present]
            batch = [at for at, uid in zip(batch, uids, strict=True) if uid in present]
        for at, row in zip(batch, rows, strict=True):
            if len(row[6] or b"") > LARGE_HEADER:
                yield from rest()
            message = Message(row)
            for leaf in asked:
                if leaf.matches(message):
                    found[leaf].append(at)
            if texts:
                for text in (yield from _texts(message, texts)):
                    found[text].append(at)
        if progress is not None:
            yield from progress.step(start + most, len(positions))
    looked_at = mask.of_positions(positions, count)
    for each, matching in found.items():
        # Elsewhere the answer is known, whatever this leaf says.
        before = known.get(each, (0, 0))[0] & ~looked_at
        these = mask.of_positions(matching, count) | before
        known[each] = these, these
    return mask.of_positions(absent, count)


def _texts(message: Message, wanted: Sequence[Text]) -> Dialogue[list[Text]]:
    """Those of the leaves that the message holds, a part after the other."""
    found = [leaf for leaf in wanted if leaf.in_header and message.has_text(leaf.needle)]
    left = [leaf for leaf in wanted if leaf not in found]
    content = message.row[7]
    if not left or content is None:
        return found
    if isinstance(content, Held):
        root = yield from ask(ReadStructure(content.handle), structure.Part)
    else:
        root = structure.parse(content)
    for part, start, stop in text_ranges(root):
        if isinstance(content, Held):
            octets = yield from read(content, start, min(stop, start + LONGEST_TEXT))
        else:
            octets = content[start:stop]
        text = part_text(part, octets)
        missed: list[Text] = []
        for leaf in left:
            (found if leaf.needle in text else missed).append(leaf)
            if len(text) > LARGE_TEXT:
                yield from rest()
        left = missed
        if not left:
            break
    return found
