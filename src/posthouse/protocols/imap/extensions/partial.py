"""PARTIAL: a page of what SEARCH finds, or of what UID FETCH names (RFC 9394)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from ..extension import Extension
from ..grammar import NUMBER, Reader
from ..modifiers import FetchModifier, Positions
from ..result import Bad
from ..search.returns import Found, Return
from ..sequence import format_set, runs
from ..view import Selected

_RANGE = re.compile(rb"(-?)([1-9]\d{0,9}):(-?)([1-9]\d{0,9})")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """partial-range = partial-range-first / partial-range-last (§4)"""

    text: bytes  # as it was written
    first: int
    last: int
    from_the_end: bool

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Those of the items that are in the range; the order stays."""
        if not self.from_the_end:
            return items[self.first - 1 : self.last]
        count = len(items)
        return items[max(0, count - self.last) : max(0, count - self.first + 1)]


def page(reader: Reader) -> Page:
    """SP partial-range"""
    reader.space()
    found = reader.take(_RANGE, "a range like 1:100 or -1:-100")
    minus, one, other_minus, other = found.groups()
    first, last = sorted((int(one), int(other)))
    if minus != other_minus:
        raise Bad("a range is counted from one end")
    if last > NUMBER:
        raise Bad("the number is too large")
    return Page(found.group(), first, last, minus == b"-")


@dataclass(frozen=True, slots=True)
class Partial(FetchModifier):
    """§3.3: of the messages named, before anything else makes them fewer (§3.4)."""

    page: Page
    uid_only: ClassVar[bool] = True
    first: ClassVar[bool] = True

    def narrow(self, selected: Selected, positions: Positions) -> Positions:
        its = self.page
        count = sum(stop - start for start, stop in positions)
        low, high = its.first - 1, its.last
        if its.from_the_end:
            low, high = count - its.last, count - its.first + 1
        narrowed, before = [], 0
        for start, stop in positions:
            first, last = max(start, start + low - before), min(stop, start + high - before)
            if first < last:
                narrowed.append((first, last))
            before += stop - start
        return narrowed


def _result(reader: Reader) -> Return:
    its = page(reader)

    def data(found: Found) -> bytes:
        numbers = found.numbers(its.of(found.positions))
        return b"PARTIAL (%b %b)" % (its.text, format_set(runs(numbers)) or b"NIL")

    return Return(data, its.of)


PARTIAL = Extension(
    rfc=9394,
    capability="PARTIAL",
    search_returns={"PARTIAL": _result},
    fetch_modifiers={"PARTIAL": lambda reader: Partial(page(reader))},
)
