"""The power fails at every sync of the whole way: accepted, queued, relayed, delivered, changed."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from .disk import Remains
from .losing_power import Report, Stage, live_again, lose_power, run
from .report import COMMAND, PAGE, headings, render
from .whole_server import Sinks, make_tls


def test_attack_61_power_lost_on_the_whole_way(tmp_path: Path) -> None:
    """At some of the syncs; `python -m tests.faults.report` does it at all of them."""
    report = lose_power(tmp_path, seed=1, scale=1, most=8)
    assert not report.wrong, "\n".join(report.wrong)
    assert report.promises
    assert report.lives >= 2 * 8


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 6))
def test_power_lost_at_every_sync_of_the_whole_way(tmp_path: Path, seed: int) -> None:
    report = lose_power(tmp_path, seed, scale=4)
    assert not report.wrong, "\n".join(report.wrong)


def test_what_is_lost_is_seen(tmp_path: Path) -> None:
    """A disk of the first moments, looked at as if it were that of the last."""
    sinks = Sinks(lambda: 0)
    try:
        (tmp_path / "settings.toml").write_text(sinks.routes)
        stage = Stage(tmp_path, sinks, tmp_path / "settings.toml", make_tls(tmp_path))
        disk, judge, _ = run(stage, seed=3, scale=1)
        report = Report()
        remains = Remains(disk.log).advance(disk.adopted)
        live_again(stage, remains, disk.position, (random.Random(0), 0.0), judge, report)
    finally:
        sinks.close()
    assert any("was promised" in each or "0 times" in each for each in report.wrong)
    assert any("owner is not as after command" in each for each in report.wrong)


def test_the_page_is_that_of_the_report() -> None:
    """Its numbers are of a run; what it is made of, and says, is of the code."""
    page = PAGE.read_text(encoding="utf-8")
    assert COMMAND in page
    counted = set(headings(page))
    missing = [line for line in headings(render(Report())) if line not in counted]
    assert missing == []
    assert "| promises broken | 0 |" in page
    (points,) = re.findall(r"\| moments at which the power failed \| ([\d,]+) \|", page)
    assert int(points.replace(",", "")) > 100
