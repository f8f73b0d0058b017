"""How far a run has come, and how long it will take yet."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.table import Cell

APART = 10.0  # seconds between two lines where they cannot be written over each other

#: The seconds that a cell took, by row and server: in the first round and in a later one.
Known = Mapping[tuple[str, str], tuple[float, float]]


def known_from(results: Path) -> Known:
    """What the cells took when they were measured last: a first round starts and fills servers."""
    found = {}
    for path in sorted(results.glob("*.json")):
        for cell in json.loads(path.read_text())["cells"]:
            if took := cell.get("seconds"):
                found[cell["row"], cell["server"]] = took[0], took[-1]
    return found


class Progress:
    """Of all rounds of all cells, which are measured in the same order in each round."""

    def __init__(self, cells: Sequence[Cell], rounds: int, known: Known) -> None:
        self._cells = cells
        self._rounds = rounds
        self._known = known
        self._done = 0
        self._begun = time.monotonic()
        self._told = -APART

    def tell(self, cell: Cell) -> None:
        """Before a cell is measured."""
        number, at = divmod(self._done, len(self._cells))
        left = self._left(number, at)
        self._done += 1
        text = (
            f"round {number + 1} of {self._rounds}: {cell.row.name} {cell.server},"
            f" {at + 1} of {len(self._cells)}; {left / 60:.0f} min left"
        )
        if sys.stderr.isatty():
            print(f"\r{text:100}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self._told + APART:
            self._told = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def _left(self, number: int, at: int) -> float:
        """Seconds for what has not been measured, by what the same took before."""
        spent = time.monotonic() - self._begun
        usual = spent / self._done if self._done else 1.0
        rest = sum(self._expected(cell, number, usual) for cell in self._cells[at:])
        later = sum(self._expected(cell, self._rounds, usual) for cell in self._cells)
        return rest + later * (self._rounds - number - 1)

    def _expected(self, cell: Cell, number: int, usual: float) -> float:
        if len(cell.seconds) > 1:
            return cell.seconds[-1]
        known = self._known.get((cell.row.name, cell.server))
        if known is not None:
            return known[1] if number else known[0]
        return cell.seconds[0] if cell.seconds else usual
