"""What a run of the bench tells of the time that it will take yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.progress import Known, Progress, known_from
from bench.rows.base import Figures, Row
from bench.table import Cell

KNOWN: Known = {("row", "a"): (60.0, 30.0), ("row", "b"): (240.0, 30.0)}


def cells() -> list[Cell]:
    row = Row("row", "of a test", ("a", "b"), lambda _: Figures(1, 1, 1, 1))
    return [Cell(row, "a"), Cell(row, "b")]


def told(progress: Progress, cell: Cell, capsys: pytest.CaptureFixture[str]) -> str:
    progress.tell(cell)
    return capsys.readouterr().err


def test_by_what_the_same_took_before(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = cells()
    begun = told(Progress([one, other], 3, KNOWN), one, capsys)
    assert begun == "round 1 of 3: row a, 1 of 2; 7 min left\n"


def test_by_what_it_takes_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.progress.APART", 0.0)
    one, other = cells()
    progress = Progress([one, other], 3, KNOWN)
    for cell in (one, other, one, other):
        text = told(progress, cell, capsys)
        cell.seconds.append(120.0)
    assert text == "round 2 of 3: row b, 2 of 2; 3 min left\n"
    assert told(progress, one, capsys) == "round 3 of 3: row a, 1 of 2; 4 min left\n"


def test_of_results(tmp_path: Path) -> None:
    for name, took in (("1.json", [9.0, 3.0]), ("2.json", [8.0, 2.5, 2.0]), ("3.json", [])):
        content = {"cells": [{"row": "row", "server": "a", "seconds": took}]}
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "0.json").write_text(json.dumps({"cells": [{"row": "old", "server": "a"}]}))
    assert known_from(tmp_path) == {("row", "a"): (8.0, 2.0)}
