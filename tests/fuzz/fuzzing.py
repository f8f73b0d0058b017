"""Fuzzes one target for a time, and makes what goes wrong small."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tests.fuzz.target import Target, check, check_answers

WEIGHED = 50  # every so many inputs, memory and growth are looked at too
SHRINKING = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Failure:
    octets: bytes
    error: BaseException


@dataclass(slots=True)
class Progress:
    inputs: int = 0
    kept: int = 0
    features: int = 0


def fuzz(
    target: Target, seed: int, seconds: float, tell: Callable[[Progress], None]
) -> Failure | None:
    """Run inputs until the time is up or one goes wrong."""
    chance = random.Random(f"{seed} {target.name}")
    mutator = Mutator(chance, [*target.seeds(), *corpus.inputs(target.name)], target.tokens)
    known: set[object] = set()
    progress = Progress()
    begun = told = time.monotonic()
    waiting = list(mutator.pool)
    while (now := time.monotonic()) < begun + seconds:
        octets = waiting.pop() if waiting else mutator.make()
        progress.inputs += 1
        weighed = progress.inputs % WEIGHED == 0
        try:
            ran = (check if weighed else check_answers)(target, octets, chance)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            return Failure(octets, error)
        if not ran.features <= known:
            known |= ran.features
            progress.kept += 1
            progress.features = len(known)
            mutator.keep(octets)
        if now > told + 5:
            told = now
            tell(progress)
    tell(progress)
    return None


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
