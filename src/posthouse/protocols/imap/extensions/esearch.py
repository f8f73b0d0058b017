"""ESEARCH: SEARCH says the least, the largest, all or how many (RFC 4731)."""

from __future__ import annotations

from collections.abc import Sequence

from ..extension import Extension
from ..search.returns import ALL, Found, Return, everything


def _first(positions: Sequence[int]) -> Sequence[int]:
    return positions[:1]


def _last(positions: Sequence[int]) -> Sequence[int]:
    return positions[-1:]


def _min(found: Found) -> bytes | None:
    return b"MIN %d" % found.numbers(_first(found.positions))[0] if found.positions else None


def _max(found: Found) -> bytes | None:
    return b"MAX %d" % found.numbers(_last(found.positions))[0] if found.positions else None


def _count(found: Found) -> bytes:
    return b"COUNT %d" % len(found.positions)


MIN = Return(_min, _first)
MAX = Return(_max, _last)
COUNT = Return(_count, everything)

ESEARCH = Extension(
    rfc=4731,
    capability="ESEARCH",
    search_returns={
        "MIN": lambda reader: MIN,
        "MAX": lambda reader: MAX,
        "ALL": lambda reader: ALL,
        "COUNT": lambda reader: COUNT,
    },
)
