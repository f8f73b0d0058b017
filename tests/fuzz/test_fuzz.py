"""What once went wrong does not again; what was kept; and a little fuzzing, always the same."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.mutation import Mutator
from tests.fuzz.target import check, check_answers
from tests.fuzz.targets import TARGETS

INPUTS = 60  # for each target, about 5 s for all


@pytest.mark.parametrize(
    ("name", "path"),
    [pytest.param(*each, id=f"{each[0]} {each[1].name}") for each in corpus.files()],
)
def test_what_went_wrong(name: str, path: Path) -> None:
    check(TARGETS[name], path.read_bytes(), random.Random(0))


@pytest.mark.parametrize("name", TARGETS)
def test_a_little(name: str) -> None:
    target = TARGETS[name]
    chance = random.Random(zlib.crc32(name.encode()))
    kept = corpus.kept(name)
    for octets in kept:
        check_answers(target, octets, chance)
    mutator = Mutator(chance, [*target.seeds(), *kept], target.tokens)
    for number in range(INPUTS):
        octets = mutator.make()[:4000]
        (check_answers if number else check)(target, octets, chance)
