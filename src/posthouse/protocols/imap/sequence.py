"""Sequence sets: messages named by ranges of numbers (RFC 3501 §9, `sequence-set`).

A set stays ranges from the wire to the answer: `1:4294967295` costs as much as `1`. What a set
costs is its ranges (bounded by the line they came on) and the messages that it finds.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from .result import Bad

Ranges = Sequence[tuple[int, int]]  # each from the first to the last, both included

#: "$", the messages that a SEARCH has saved (RFC 5182 §2.1): told from all else by being this one.
SAVED: Ranges = ((0, 0),)

STAR = 1 << 32  # "*", the largest number in use: above every number that can be written

NUMBER = rb"(?:[1-9][0-9]{0,9}|\*)"
RANGE = rb"%b(?::%b)?" % (NUMBER, NUMBER)
#: sequence-set = (seq-number / seq-range) *("," sequence-set)
SEQUENCE_SET = re.compile(rb"%b(?:,%b)*+" % (RANGE, RANGE))


def parse_sequence_set(text: bytes) -> Ranges:
    """The ranges that `text` names, as they were written, each with the smaller number first."""
    if text == b"$":
        return SAVED
    if not SEQUENCE_SET.fullmatch(text):
        raise Bad("expected a sequence set")
    ranges = []
    for item in text.split(b","):
        first, _, last = item.partition(b":")
        low = seq_number(first)
        high = seq_number(last) if last else low
        ranges.append((low, high) if low <= high else (high, low))
    return ranges


def seq_number(text: bytes) -> int:
    """seq-number = nz-number / "*" """
    if text == b"*":
        return STAR
    number = int(text)
    if number >= STAR:
        raise Bad("a number is too large")
    return number


def _without_star(ranges: Ranges, largest: int) -> list[tuple[int, int]]:
    """First and last of each, whichever way round they were said (§9: seq-range)."""
    found = []
    for low, high in ranges:
        first = largest if low == STAR else low
        last = largest if high == STAR else high
        found.append((first, last) if first <= last else (last, first))
    return found


def numbered(ranges: Ranges, count: int) -> list[tuple[int, int]]:
    """The positions [from, to) of these message sequence numbers, in a mailbox of `count`.

    A number above the last is the client's error, and so is "*" in an empty mailbox (§9).
    """
    found = []
    for first, last in _without_star(ranges, count):
        if last > count or first < 1:
            raise Bad("no message has this number")
        found.append((first - 1, last))
    return merged(found)


def clipped(ranges: Ranges, count: int) -> list[tuple[int, int]]:
    """As `numbered`, where a number above the last names no message (a key of SEARCH)."""
    found = []
    for first, last in _without_star(ranges, count):
        if max(first, 1) <= min(last, count):
            found.append((max(first, 1) - 1, min(last, count)))
    return merged(found)


def identified(ranges: Ranges, uids: Sequence[int]) -> list[tuple[int, int]]:
    """The positions [from, to) of these unique identifiers; those that are not there are none.

    `559:*` names the last message even where its identifier is less than 559 (§6.4.8).
    """
    if not uids:
        return []
    found = []
    for first, last in _without_star(ranges, uids[-1]):
        start, stop = bisect_left(uids, first), bisect_right(uids, last)
        if start < stop:
            found.append((start, stop))
    return merged(found)


def merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same positions in ascending order, none twice."""
    if len(found) < 2:
        return found
    found.sort()
    joined = [found[0]]
    for start, stop in found:
        if start > joined[-1][1]:
            joined.append((start, stop))
        elif stop > joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
    return joined


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges from the first to the last of each run."""
    found: list[tuple[int, int]] = []
    first = last = -2
    for number in numbers:
        if number == last + 1:
            last = number
            continue
        if last >= 0:
            found.append((first, last))
        first = last = number
    if last >= 0:
        found.append((first, last))
    return found


def joined(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending positions as [from, to)."""
    return [(first, last + 1) for first, last in runs(positions)]


def format_set(ranges: Ranges) -> bytes:
    """uid-set = (uniqueid / uid-range) *("," uid-set)   (RFC 4315 §4)"""
    return b",".join(
        [b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges]
    )
