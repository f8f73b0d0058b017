"""Sets of messages as the bits of one number: bit n is the message at position n.

All of a mailbox of 100,000 messages is 12 kB, and is joined with another in some microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress

_BITS = bytes.maketrans(b"01", b"\0\1")
_MARKS = bytes.maketrans(b"\0\1", b"01")


def full(count: int) -> int:
    return (1 << count) - 1


def of_marks(marks: bytes | bytearray) -> int:
    """The positions that are marked b"1"; the others are marked b"0"."""
    return int(marks[::-1], 2) if marks else 0


def of_bools(values: Iterable[int]) -> int:
    """The positions of what is true; each is 0 or 1."""
    return of_marks(bytes(values).translate(_MARKS))


def of_ranges(ranges: Iterable[tuple[int, int]], count: int) -> int:
    """The positions [from, to)."""
    marks = bytearray(b"0" * count)
    for start, stop in ranges:
        marks[start:stop] = b"1" * (stop - start)
    return of_marks(marks)


def of_positions(positions: Iterable[int], count: int) -> int:
    marks = bytearray(b"0" * count)
    for at in positions:
        marks[at] = 0x31
    return of_marks(marks)


def positions(mask: int) -> Sequence[int]:
    """In ascending order."""
    if not mask & (mask + 1):  # the first so many
        return range(mask.bit_length())
    bits = f"{mask:b}"[::-1].encode("ascii").translate(_BITS)
    return list(compress(range(len(bits)), bits))
