"""A clock that jumps."""

from __future__ import annotations

from posthouse.runtime.clock import Jumps, SetClock


def test_attack_64_a_jump_is_seen_once() -> None:
    clock = SetClock()
    jumps = Jumps(clock)
    clock.move(20)
    assert jumps.back() == 0
    clock.move(-3600)
    assert jumps.back() == 3600
    clock.move(20)
    assert jumps.back() == 0


class WrongClock(SetClock):
    """One that somebody sets."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


def test_attack_64_a_clock_is_in_doubt_until_what_waits_has_followed() -> None:
    clock = WrongClock()
    jumps = Jumps(clock)
    clock.move(9 * 86_400)
    assert not jumps.in_doubt()
    for ahead in (86_400.0, 0.0, -86_400.0):
        clock.ahead = ahead
        if ahead:
            assert jumps.in_doubt()
        jumps.back()
        jumps.followed()
        assert not jumps.in_doubt()


def test_attack_64_a_time_that_was_told_is_remembered() -> None:
    """However short it was ahead: what was put off meanwhile must not wait for it."""
    clock = WrongClock()
    jumps = Jumps(clock)
    clock.ahead = 86_400.0
    assert jumps.now() == clock.now()
    clock.ahead = 0.0
    assert jumps.back() == 86_400
    assert jumps.back() == 0
