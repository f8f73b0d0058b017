"""What is fuzzed, and what must hold of it whatever comes in."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fuzz import coverage
from tests.fuzz.mutation import pieces

GROWN = 64 * 1024  # octets of an input that was repeated to see how time grows
SHORT = 0.03  # seconds that are too few to be compared


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of an input."""

    digest: object  # the same for the same input, however it is cut; None: not to be compared
    features: frozenset[object] = frozenset()  # what it showed beside the code that it ran


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    seeds: Callable[[], Sequence[bytes]]
    tokens: Sequence[bytes]
    run: Callable[[Sequence[bytes]], Ran]  # with the pieces of the input
    disturb: Callable[[bytes], object] | None = None  # an agent that fails, an end in the middle
    memory: int = 100  # octets for each octet of the input
    memory_base: int = 1_000_000  # octets for any input
    seconds: float = 50e-6  # for each octet of the input
    seconds_base: float = 0.2  # for any input


class Wrong(AssertionError):
    """Something that must hold does not."""


def features(target: Target, octets: bytes) -> frozenset[object]:
    """What an input shows: the code that it runs, and what a target adds to that."""
    ran: list[Ran] = []
    steps = coverage.steps(lambda: ran.append(target.run([octets])))
    return steps.union(*(each.features for each in ran))


def check_answers(target: Target, octets: bytes, chance: random.Random) -> None:
    """No exception, and the same for the same octets however they come."""
    whole = target.run([octets])
    cut = target.run(pieces(chance, octets))
    if None not in (whole.digest, cut.digest) and cut.digest != whole.digest:
        raise Wrong("another output when the input comes in pieces")
    if target.disturb is not None:
        target.disturb(octets)


def check_memory(target: Target, octets: bytes) -> None:
    """What is held at any time is explained by the size of the input."""
    target.run([octets])  # fills caches, which are bounded apart
    tracemalloc.start()
    try:
        target.run([octets])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    allowed = target.memory_base + target.memory * len(octets)
    if peak > allowed:
        raise Wrong(f"memory: {peak} octets for {len(octets)} of input, allowed {allowed}")


def check_time(target: Target, octets: bytes) -> None:
    """The time is linear: twice the input takes far less than four times as long."""
    took = seconds(target, octets)
    allowed = target.seconds_base + target.seconds * len(octets)
    if took > allowed and _least(target, octets) > allowed:
        raise Wrong(f"time: {took:.3f} s for {len(octets)} octets, allowed {allowed:.3f}")
    if not octets:
        return
    times = max(1, GROWN // (2 * len(octets)))
    once, twice = octets * times, octets * (2 * times)
    if not _grows(seconds(target, once), seconds(target, twice)):
        return
    if _grows(_least(target, once), _least(target, twice)):
        raise Wrong(f"time: quadratic when {len(octets)} octets are repeated {times} times")


def check(target: Target, octets: bytes, chance: random.Random) -> None:
    """All that must hold."""
    check_answers(target, octets, chance)
    check_memory(target, octets)
    check_time(target, octets)


def seconds(target: Target, octets: bytes) -> float:
    """Of this thread's own work, so that a busy machine does not count."""
    begun = time.thread_time()
    target.run([octets])
    return time.thread_time() - begun


def _least(target: Target, octets: bytes) -> float:
    return min(seconds(target, octets) for _ in range(5))


def _grows(once: float, twice: float) -> bool:
    return twice > SHORT and twice > 3.4 * once
