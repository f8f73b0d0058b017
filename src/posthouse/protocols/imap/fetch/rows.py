"""The responses for items that the agent is asked for, a slice of messages at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from operator import or_

from ...dialogue import Dialogue, Failed, ask, rest, send
from ..events import decide
from ..mail_events import (
    LARGE_HEADER,
    NOTHING,
    FetchRows,
    Held,
    Mode,
    Need,
    News,
    Row,
    Store,
)
from ..news import report
from ..result import No
from ..sequence import runs
from ..view import BLOCK, Selected
from .held import send_held
from .item import (
    FLAGS,
    Item,
    Slice,
    message_start,
    message_template,
    news_of_flags,
    render,
    with_uids,
)
from .octets import SectionItem

MARKED = 256  # messages marked as \\Seen at once
LARGEST = 16 * 1024 * 1024  # octets of a block of responses that is kept
LONGEST = 2 * 1024  # octets of the names of the items in one
#: Messages asked for at once, else 256; fewer where more than some items of each give its octets.
AT_ONCE = ((Need.CONTENT, 32), (Need.HEADER, 64), (Need.LISTED, 128))
SOME = 4


@lru_cache(2048)  # as many as there are
def _has_octets(needs: Need) -> bool:
    return bool(needs & (Need.CONTENT | Need.HEADER | Need.LISTED))


def _at_once(needs: Need, items: Sequence[Item]) -> int:
    most = next((count for need, count in AT_ONCE if need in needs), 256)
    if len(items) <= SOME:
        return most
    sections = sum([isinstance(item, SectionItem) for item in items])
    return max(1, most * SOME // max(SOME, sections))


def needs_of(items: Sequence[Item]) -> Need:
    return reduce(or_, [item.needs for item in items if item.needs is not NOTHING], NOTHING)


def with_new_flags(selected: Selected, items: Sequence[Item]) -> Sequence[Item]:
    """These items and what must be told of flags that have changed (RFC 7162 §3.2.4)."""
    more = news_of_flags(selected) if with_uids(selected) else (FLAGS,)
    return [*items, *(item for item in more if item not in items)]


def batches(positions: Sequence[tuple[int, int]], most: int) -> Iterator[list[int]]:
    """The positions, at most so many at a time."""
    batch: list[int] = []
    for start, stop in positions:
        while start < stop:
            end = min(stop, start + most - len(batch))
            batch.extend(range(start, end))
            start = end
            if len(batch) == most:
                yield batch
                batch = []
    if batch:
        yield batch


def send_rows(
    selected: Selected, positions: Sequence[tuple[int, int]], items: Sequence[Item], seen: bool
) -> Dialogue[bool]:
    """The responses for these positions; false where some were expunged and are not there."""
    needs = needs_of(items)
    if not seen and Need.CONTENT not in needs and all(item.lasting for item in items):
        return (yield from _send_lasting(selected, positions, items, needs))
    most = _at_once(needs, items)
    complete = True
    for marked in batches(positions, MARKED):
        its_items = items
        if seen and (yield from _mark_seen(selected, marked)):
            its_items = with_new_flags(selected, items)
        try:
            for start in range(0, len(marked), most):
                batch = marked[start : start + most]
                complete = (yield from _send_batch(selected, batch, its_items, needs)) and complete
        except (No, Failed):  # what is marked as \Seen by then is so all the same
            if its_items is not items:
                yield from _tell_flags(selected, marked)
            raise
    return complete


def _tell_flags(selected: Selected, positions: Sequence[int]) -> Dialogue[None]:
    items = news_of_flags(selected)
    template = message_template(items, selected)
    yield from send(render(items, Slice.at(selected, positions), template))


def _send_lasting(
    selected: Selected, positions: Sequence[tuple[int, int]], items: Sequence[Item], needs: Need
) -> Dialogue[bool]:
    """Items that never change: whole blocks of responses are kept, and given again."""
    view, template = selected.view, message_template(items, selected)
    most = _at_once(needs, items)
    complete = True
    for start, stop in positions:
        for first in range(start - start % BLOCK, stop, BLOCK):
            low, high = max(first, start), min(first + BLOCK, stop)
            whole = low == first and high == min(first + BLOCK, len(view))
            key = (template, first // BLOCK)
            octets = view.kept.get(view.lasting.get(key)) if whole else None
            if octets is not None:
                yield from send(octets)
                continue
            pieces: list[bytes] | None = [] if whole and len(template) <= LONGEST else None
            for batch in batches([(low, high)], most):
                there = yield from _send_batch(selected, batch, items, needs, pieces)
                complete = complete and there
                if not there or (pieces is not None and sum(map(len, pieces)) > LARGEST):
                    pieces = None
            if pieces is not None:
                view.keep(key, b"".join(pieces))
    return complete


def _send_batch(
    selected: Selected,
    batch: list[int],
    items: Sequence[Item],
    needs: Need,
    sent: list[bytes] | None = None,
) -> Dialogue[bool]:
    """The responses for a few positions; what goes out is added to `sent`."""
    uids = selected.view.uids
    rows: list[Row] = yield from ask(FetchRows([uids[at] for at in batch], needs), list)
    complete = len(rows) == len(batch)
    if not complete:
        present = {row[0] for row in rows}
        batch = [at for at in batch if uids[at] in present]
    done = 0
    template = message_template(items, selected)

    def send_up_to(end: int) -> Dialogue[None]:
        if done < end:
            part = Slice.at(selected, batch[done:end], rows[done:end])
            octets = render(items, part, template)
            if sent is not None:
                sent.append(octets)
            yield from send(octets)

    with_content = Need.CONTENT in needs
    for at, row in enumerate(rows if _has_octets(needs) else ()):
        content = row[7]
        if with_content and isinstance(content, Held):
            yield from send_up_to(at)
            part = Slice.at(selected, [batch[at]], [row])
            yield from send_held(items, part, content, message_start(selected))
            done = at + 1
        elif len(row[6] or b"") > LARGE_HEADER:
            yield from send_up_to(at)
            done = at
            yield from rest()
    yield from send_up_to(len(rows))
    return complete


def _mark_seen(selected: Selected, batch: list[int]) -> Dialogue[bool]:
    """Set \\Seen where it is not; whether some flags may have changed (§6.4.5)."""
    view = selected.view
    unseen = [at for at in batch if rb"\Seen" not in view.flags[at]]
    ghosts = selected.ghosts
    if ghosts:
        unseen = [at for at in unseen if view.uids[at] not in ghosts]
    if not unseen or selected.read_only:
        return False
    uids = view.uid_ranges([(first, last + 1) for first, last in runs(unseen)])
    try:
        news = yield from decide(Store(view.version, uids, Mode.ADD, (rb"\Seen",)), News)
    except No:  # the messages can be read all the same
        return False
    yield from report(selected, news, False, {view.uids[at] for at in unseen})
    return True
