"""Fuzzes one target for a time, and makes what goes wrong small."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tests.fuzz.target import Target, check, check_answers, features

WEIGHED = 50  # every so many inputs, memory and growth are looked at too
SHRINKING = 10.0  # seconds
TOLD = 5.0  # seconds between two lines of progress
MOST_KEPT = 4 * 1024  # octets of the inputs of a target that are kept


@dataclass(frozen=True, slots=True)
class Failure:
    octets: bytes
    error: BaseException


@dataclass(slots=True)
class Progress:
    """How far it has come, and what has gone wrong."""

    inputs: int = 0
    features: int = 0
    new: list[bytes] = field(default_factory=list)  # inputs that showed something new
    failure: Failure | None = None


def fuzz(target: Target, seed: int, seconds: float, tell: Callable[[Progress], None]) -> Progress:
    """Run inputs until they have used so much time of the processor, or one goes wrong."""
    chance = random.Random(f"{seed} {target.name}")
    mutator = Mutator(chance, [*first_inputs(target), *corpus.kept(target.name)], target.tokens)
    known: set[object] = set()
    progress = Progress()
    end, told = time.process_time() + seconds, time.monotonic()
    waiting = list(mutator.pool)
    while time.process_time() < end:
        octets = waiting.pop() if waiting else mutator.make()
        progress.inputs += 1
        weighed = progress.inputs % WEIGHED == 0
        try:
            (check if weighed else check_answers)(target, octets, chance)
            shown = features(target, octets)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            progress.failure = Failure(octets, error)
            break
        if not shown <= known:
            known |= shown
            progress.new.append(octets)
            progress.features = len(known)
            mutator.keep(octets)
        if (now := time.monotonic()) > told + TOLD:
            told = now
            tell(progress)
    tell(progress)
    return progress


def first_inputs(target: Target) -> list[bytes]:
    return [*target.seeds(), *corpus.inputs(target.name)]


def worth_keeping(target: Target, new: Sequence[bytes]) -> list[bytes]:
    """Of new inputs the smallest that together show more than the first ones, up to a bound."""
    known: set[object] = set()
    for octets in first_inputs(target):
        known |= features(target, octets)
    chosen: list[bytes] = []
    size = 0
    for octets in sorted({*new, *corpus.kept(target.name)}, key=lambda each: (len(each), each)):
        if size + len(octets) > MOST_KEPT:
            break
        shown = features(target, octets)
        if not shown <= known:
            known |= shown
            chosen.append(octets)
            size += len(octets)
    return chosen


def smaller(target: Target, failure: Failure) -> bytes:
    """The same failure from fewer octets, if they are found in time."""
    octets = failure.octets
    end = time.monotonic() + SHRINKING
    size = max(1, len(octets) // 2)
    while size and time.monotonic() < end:
        at, found = 0, False
        while at < len(octets) and time.monotonic() < end:
            fewer = octets[:at] + octets[at + size :]
            if _fails(target, fewer, failure.error):
                octets, found = fewer, True
            else:
                at += size
        size = size if found and size > 1 else size // 2
    return octets


def _fails(target: Target, octets: bytes, error: BaseException) -> bool:
    try:
        check(target, octets, random.Random(0))
    except Exception as other:  # noqa: BLE001 - compared with the one that was looked for
        return type(other) is type(error) and str(other)[:12] == str(error)[:12]
    return False
