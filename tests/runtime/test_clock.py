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
