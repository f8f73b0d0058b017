"""Many hostile clients of every kind at once: others are served, and memory is bounded."""

from __future__ import annotations

import pytest

from tests.attacks.crowd import Outcome, run
from tests.attacks.horde import MIX

MEBIBYTE = 1024 * 1024
SMALL = 128 * MEBIBYTE  # the least that limits.memory may be


def check(outcome: Outcome, most: int) -> None:
    assert not outcome.alone.failures
    assert not outcome.among.failures, outcome.among.failures
    assert outcome.workers[0] == outcome.workers[1], outcome.log[-3000:]
    assert outcome.most < most
    assert "Traceback" not in outcome.log


def test_attack_09_10_11_18_others_are_served_among_hostile_clients() -> None:
    outcome = run(300, 3, rate=4, workers=1)
    check(outcome, outcome.before + 48 * MEBIBYTE)
    assert outcome.stand["open"].keys() >= MIX.keys()
    assert outcome.stand["open"]["silent"] > 90


def test_attack_10_letters_that_are_not_ended_are_given_up_for_memory() -> None:
    """Each holds 60 kB of a letter: far more in all than the worker may have."""
    settings = {"limits.memory": SMALL, "limits.connections_per_network": 1000}
    outcome = run(
        2500, 3, rate=4, workers=1, mix={"held": 1}, settings=settings | {"rates.connections": 0}
    )
    assert "connections ended for their memory" in outcome.log
    assert outcome.workers[0] == outcome.workers[1], outcome.log[-3000:]
    assert outcome.most < SMALL + 32 * MEBIBYTE


@pytest.mark.soak
def test_attack_09_10_11_18_ten_thousand_hostile_clients() -> None:
    outcome = run(10_000, 60)
    check(outcome, 1024 * MEBIBYTE)
    for what in outcome.alone.times:
        for name, served in (("alone", outcome.alone), ("among them", outcome.among)):
            p50, p99 = (served.percentile(what, share) * 1000 for share in (0.5, 0.99))
            print(f"{what}, {name}: median {p50:.1f} ms, p99 {p99:.1f} ms")
    print(f"memory of a worker: {outcome.most / 1e6:.0f} MB; attackers: {outcome.stand}")
