"""When a deferred recipient is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.mta.queue.schedule import DAY, HOUR, MINUTE, Schedule


def test_waits_grow_up_to_the_longest() -> None:
    schedule = Schedule()
    waits = [schedule.delay(tries, 0) for tries in range(1, 10)]
    assert waits[:3] == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE]
    assert waits == sorted(waits)
    assert waits[-1] == 4 * HOUR == schedule.delay(10**9, 0)
    assert schedule.delay(1, 1) == 5 * MINUTE * 1.25


def test_a_warning_once_and_the_end() -> None:
    schedule = Schedule()
    early = schedule.after(0, 1, False, HOUR, 0.5)
    assert early is not None
    assert not early.warn
    late = schedule.after(0, 5, False, 4 * HOUR, 0.5)
    assert late is not None
    assert late.warn
    again = schedule.after(0, 6, True, 8 * HOUR, 0.5)
    assert again is not None
    assert not again.warn
    last = schedule.after(0, 40, True, 5 * DAY - 1, 0.5)
    assert last is not None
    assert last.due == 5 * DAY
    assert schedule.after(0, 41, True, 5 * DAY, 0.5) is None


@given(
    st.integers(0, 10**6),
    st.integers(1, 10**6),
    st.booleans(),
    st.integers(0, 10**6),
    st.floats(0, 1),
    st.integers(0, 10**7),
)
def test_the_next_try_is_later_but_never_too_late(
    received: int, tries: int, warned: bool, waited: int, chance: float, wish: int
) -> None:
    schedule = Schedule()
    now = received + waited
    retry = schedule.after(received, tries, warned, now, chance, wish)
    end = schedule.give_up_at(received)
    assert (retry is None) == (now >= end)
    if retry is not None:
        assert now < retry.due <= end
        assert retry.due >= min(wish, end)
