"""Half an hour (SOAK_SECONDS) of everything at once; and some seconds of it in every run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .soak import Outcome, prepared, site_log, slope, table

WARM = 300.0  # seconds of a worker's life from which its memory is to be flat
GROWTH = 40 * 1024  # octets a second; what is remembered of a run alone is less


def run(folder: Path, seconds: float, seed: int) -> Outcome:
    with prepared(folder, seconds, seed) as soak:
        outcome = soak.go()
        print(table(outcome))
        assert not outcome.wrong, "\n".join([*outcome.wrong[:40], site_log(soak.server)])
    assert outcome.account.promised
    assert outcome.account.relayed
    return outcome


@pytest.mark.timeout(600)
def test_attack_61_62_64_a_short_soak(tmp_path: Path) -> None:
    outcome = run(tmp_path, 16.0, 1)
    assert outcome.happened["workers killed"]
    assert outcome.happened["disk full"]


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_soak(tmp_path: Path) -> None:
    seconds = float(os.environ.get("SOAK_SECONDS", "1800"))
    outcome = run(tmp_path, seconds, int(os.environ.get("SOAK_SEED", "1")))
    samples = outcome.memory.oldest()
    life = samples[-1][0] - samples[0][0]
    if life > WARM:
        settled = [each for each in samples if each[0] > samples[0][0] + life / 3]
        assert slope(settled) < GROWTH, "memory grows"
