"""Sets of UIDs as text, "1:5,9": how a row of the change feed names what it touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Range = tuple[int, int]  # first and last


def ranges_of(uids: Iterable[int]) -> list[Range]:
    """Ascending UIDs as ranges."""
    ranges: list[Range] = []
    first = last = -1
    for uid in uids:
        if uid == last + 1 and first >= 0:
            last = uid
            continue
        if first >= 0:
            ranges.append((first, last))
        first = last = uid
    if first >= 0:
        ranges.append((first, last))
    return ranges


def format_ranges(ranges: Sequence[Range]) -> str:
    return ",".join(f"{first}:{last}" if last > first else str(first) for first, last in ranges)


def parse_ranges(text: str) -> list[Range]:
    """The ranges of "1:5,9", as `format_ranges` writes them."""
    parts = text.split(",") if text else []
    if ":" not in text:
        uids = list(map(int, parts))
        return list(zip(uids, uids, strict=True))
    ranges: list[Range] = []
    for part in parts:
        first, _, last = part.partition(":")
        ranges.append((int(first), int(last or first)))
    return ranges


def uids_in(ranges: Sequence[Range]) -> list[int]:
    """All UIDs of the ranges."""
    return [uid for first, last in ranges for uid in range(first, last + 1)]


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same UIDs in ascending ranges, as few as can be."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def between(uids: Iterable[int], end: int) -> list[Range]:
    """What is not among these ascending UIDs, from 1 on and below `end`."""
    ranges: list[Range] = []
    first = 1
    for uid in uids:
        if first < uid:
            ranges.append((first, uid - 1))
        first = uid + 1
    if first < end:
        ranges.append((first, end - 1))
    return ranges
