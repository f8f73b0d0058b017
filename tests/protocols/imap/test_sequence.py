"""Sequence sets, against the plain reading of the RFC; attack 15."""

from __future__ import annotations

import time
import tracemalloc
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocols.imap.result import Bad
from posthouse.protocols.imap.sequence import (
    clipped,
    format_set,
    identified,
    numbered,
    parse_sequence_set,
    runs,
)

number = st.one_of(st.integers(1, 12), st.integers(1, (1 << 32) - 1)).map(str)
item = st.one_of(number, st.just("*"))
ranges = st.one_of(item, st.tuples(item, item).map(":".join))
sets = st.lists(ranges, min_size=1, max_size=6).map(",".join)
uids = st.sets(st.integers(1, 20), max_size=12).map(sorted)


def naive(text: str, last: int) -> list[tuple[int, int]]:
    found = []
    for each in text.split(","):
        ends = [last if end == "*" else int(end) for end in each.split(":")]
        found.append((min(ends), max(ends)))
    return found


def positions(found: list[tuple[int, int]]) -> list[int]:
    return [at for start, stop in found for at in range(start, stop)]


@given(sets, uids)
def test_uids_are_those_within_the_ranges(text: str, uids: list[int]) -> None:
    found = identified(parse_sequence_set(text.encode()), array("I", uids))
    wanted = naive(text, uids[-1]) if uids else []
    assert positions(found) == [
        at for at, uid in enumerate(uids) if any(low <= uid <= high for low, high in wanted)
    ]


@given(sets, st.integers(0, 12))
def test_numbers_are_those_of_the_messages(text: str, count: int) -> None:
    parsed, wanted = parse_sequence_set(text.encode()), naive(text, count)
    inside = [n for n in range(1, count + 1) if any(low <= n <= high for low, high in wanted)]
    assert [at + 1 for at in positions(clipped(parsed, count))] == inside
    if any(high > count or low < 1 for low, high in wanted):
        with pytest.raises(Bad):
            numbered(parsed, count)
    else:
        assert [at + 1 for at in positions(numbered(parsed, count))] == inside


@given(st.lists(st.integers(1, 40), unique=True).map(sorted))
def test_a_set_is_written_as_it_is_read(numbers: list[int]) -> None:
    if numbers:
        found = identified(parse_sequence_set(format_set(runs(numbers))), range(1, 41))
        assert [at + 1 for at in positions(found)] == numbers


@given(st.one_of(st.binary(max_size=12), st.text("0123456789*:,", max_size=12).map(str.encode)))
def test_anything_is_a_set_or_bad(octets: bytes) -> None:
    try:
        parsed = parse_sequence_set(octets)
    except Bad:
        return
    assert parsed
    identified(parsed, array("I", [3, 5]))


@pytest.mark.parametrize(
    "text", ["", "0", "01", "1:", ":1", "1,,2", ",1", "1,", "**", "4294967296", "1:2:3", "-1", "1 "]
)
def test_what_is_no_set(text: str) -> None:
    with pytest.raises(Bad):
        parse_sequence_set(text.encode())


def test_attack_15_a_range_of_all_numbers_costs_what_it_finds() -> None:
    """Attack 15."""
    few = array("I", range(1, 1001))
    text = b",".join([b"1:4294967295"] * 5000)
    tracemalloc.start()
    try:
        begun = time.process_time()
        assert identified(parse_sequence_set(text), few) == [(0, 1000)]
        assert time.process_time() - begun < 1
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
