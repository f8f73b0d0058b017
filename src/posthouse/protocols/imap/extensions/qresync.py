"""QRESYNC: a client that comes back is told what it has missed, in one turn (RFC 7162 §3.2).

`news.py` tells what vanishes later.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar

from ...dialogue import Dialogue, ask, send
from ..events import Opened
from ..extension import Extension, SelectParameter
from ..fetch.item import at_positions, news_of_flags
from ..grammar import Reader
from ..mail_events import Gone, Vanished
from ..modifiers import FetchModifier
from ..modseq import ChangedSince, changed_since
from ..news import tell, vanished
from ..result import Bad
from ..sequence import SAVED, STAR, Ranges, merged, parse_sequence_set
from ..session import Session
from ..view import Selected, View

_SET = re.compile(rb"[0-9][0-9:,]*")
_EVERY = ((1, STAR),)
_FIRST, _LAST = itemgetter(0), itemgetter(1)


@dataclass(frozen=True, slots=True)
class Qresync(SelectParameter):
    """ "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [known-uids] [seq-match-data] ")" """

    uid_validity: int
    since: int
    known: Ranges
    numbers: Ranges
    uids: Ranges

    def check(self, session: Session) -> None:
        _require(session)
        if self.numbers and "UIDONLY" in session.enabled:  # RFC 9586 §3.7
            raise Bad("messages are named by their UIDs only", "UIDREQUIRED")

    def answer(self, session: Session, opened: Opened) -> Dialogue[None]:
        """§3.2.5: nothing at all where it is another mailbox than the client has known."""
        selected = opened.selected
        if self.uid_validity != selected.uid_validity:
            return
        lowest = last_match(selected.view, self.numbers, self.uids) + 1
        yield from _tell_vanished(selected, self.known, self.since, lowest)
        positions = selected.view.resolve(self.known, by_uid=True)
        changed = changed_since(selected, positions, self.since)
        for octets in at_positions(selected, changed, news_of_flags(selected)):
            yield from send(octets)


@dataclass(frozen=True, slots=True)
class VanishedToo(FetchModifier):
    """rexpunges-fetch-mod = "VANISHED" (§3.2.6)"""

    uid_only: ClassVar[bool] = True

    def check(self, session: Session, others: Mapping[str, FetchModifier]) -> None:
        _require(session)
        if "CHANGEDSINCE" not in others:
            raise Bad("VANISHED goes with CHANGEDSINCE")

    def begin(
        self, session: Session, named: Ranges, others: Mapping[str, FetchModifier]
    ) -> Dialogue[None]:
        since, selected = others["CHANGEDSINCE"], session.selected
        assert isinstance(since, ChangedSince)
        assert selected is not None
        yield from tell(session, expunges_allowed=True)
        if named is SAVED:
            named = selected.saved
        yield from _tell_vanished(selected, named, since.since)


def _require(session: Session) -> None:
    if "QRESYNC" not in session.enabled:
        raise Bad("QRESYNC has not been enabled", "CLIENTBUG")


def _tell_vanished(
    selected: Selected, named: Ranges, since: int, lowest: int = 1
) -> Dialogue[None]:
    """§3.2.10.1; what is in the view is not gone for this client, and is told otherwise.

    "*" is above all UIDs: the last that were in use may be those that have vanished.
    """
    view = selected.view
    if since >= view.version:
        return
    gone = yield from ask(Vanished(since, view.version), Gone)
    wanted = merged([(max(low, lowest), high + 1) for low, high in named if high >= lowest])
    uids = _common([(low, end - 1) for low, end in wanted], gone.uids)
    if selected.ghosts or not gone.remembered:
        uids = _outside(view, uids)
    yield from send(vanished(uids, earlier=True))


def _common(some: Ranges, others: Ranges) -> list[tuple[int, int]]:
    """What is in both, of ascending ranges that do not overlap."""
    found: list[tuple[int, int]] = []
    start = 0
    for low, high in some:
        start = bisect_left(others, low, start, key=_LAST)
        part = list(others[start : bisect_right(others, high, start, key=_FIRST)])
        if part:
            part[0] = max(low, part[0][0]), part[0][1]
            part[-1] = part[-1][0], min(high, part[-1][1])
            found += part
    return found


def _outside(view: View, ranges: Ranges) -> list[tuple[int, int]]:
    """The ranges without the UIDs in the view."""
    uids = view.uids
    found = []
    for low, high in ranges:
        for uid in uids[bisect_left(uids, low) : bisect_right(uids, high)]:
            if low < uid:
                found.append((low, uid - 1))
            low = uid + 1
        if low <= high:
            found.append((low, high))
    return found


def last_match(view: View, numbers: Ranges, uids: Ranges) -> int:
    """The last of these UIDs whose message has the number that the client takes it to have; or 0.

    §3.2.5.2. A pair of ranges stays one: within it UIDs, less their numbers, only grow.
    """
    found = 0
    for number, uid, count in _segments(numbers, uids):
        stop = min(number - 1 + count, len(view))
        start = number - 1
        if start >= stop:
            break
        at = bisect_right(
            range(start, stop), uid - number, key=lambda each: view.uids[each] - (each + 1)
        )
        last = start + at - 1
        if at and view.uids[last] - (last + 1) == uid - number:
            found = view.uids[last]
    return found


def _segments(numbers: Ranges, uids: Ranges) -> list[tuple[int, int, int]]:
    """Both sets side by side: number, UID, and how many of both follow each other."""
    found = []
    left, right = list(reversed(numbers)), list(reversed(uids))
    while left and right:
        (number, last), (uid, last_uid) = left.pop(), right.pop()
        count = min(last - number, last_uid - uid) + 1
        found.append((number, uid, count))
        if number + count <= last:
            left.append((number + count, last))
        if uid + count <= last_uid:
            right.append((uid + count, last_uid))
    return found


# The parameter


def _select(reader: Reader) -> Qresync:
    reader.space()
    reader.expect(b"(")
    uid_validity = reader.nz_number()
    reader.space()
    since = reader.number64()
    if not since:
        raise Bad("a mod-sequence is greater than 0")
    known: Ranges = _EVERY
    numbers: Ranges = ()
    uids: Ranges = ()
    if reader.next_is(b" ") and not reader.next_is(b" ("):
        reader.space()
        known = _known(reader)
    if reader.accept(b" ("):
        numbers = _ascending(_known(reader))
        reader.space()
        uids = _ascending(_known(reader))
        if _count(numbers) != _count(uids):
            raise Bad("there is a UID for each number")
        reader.expect(b")")
    reader.expect(b")")
    return Qresync(uid_validity, since, known, numbers, uids)


def _known(reader: Reader) -> Ranges:
    """sequence-set; "*" is not allowed"""
    return parse_sequence_set(reader.take(_SET, "a set of numbers").group())


def _ascending(ranges: Ranges) -> Ranges:
    last = 0
    for low, high in ranges:
        if low <= last:
            raise Bad("expected ascending numbers")
        last = high
    return ranges


def _count(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


QRESYNC = Extension(
    rfc=7162,
    capability="QRESYNC",
    enable=True,
    implies=frozenset({"CONDSTORE"}),
    select_parameters={"QRESYNC": _select},
    fetch_modifiers={"VANISHED": lambda reader: VanishedToo()},
)
