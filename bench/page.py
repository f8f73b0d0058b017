"""`python -m bench.page [JSON...]`: write the tables of docs/explanation/performance.md anew.

Each is put between a line `<!-- rows: PATTERNS -->` and the next `<!-- end -->`, with what was
measured there and where; a table of which nothing was measured stays as it is. Without a name the
newest result is taken. Of several, each gives the lines that those after it do not have.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rows import ROWS
from bench.rows.base import Figures, Row
from bench.table import Cell, chosen, table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/explanation/performance.md"
RESULTS = ROOT / "bench/results"

_block = re.compile(r"(?m)^<!-- rows: (?P<rows>.+) -->\n(?s:.*?)^<!-- end -->$")


@dataclass(slots=True)
class Results:
    """What was measured, and on what."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    machines: dict[tuple[str, str], str] = field(default_factory=dict)  # and when

    def add(self, found: dict[str, Any]) -> None:
        """Take a file's content; its lines replace those of the same row and server."""
        rows = {row.name: row for row in ROWS}
        about = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
        for each in found["cells"]:
            row = rows.get(each["row"])
            if row is None:
                continue
            figures = [Figures(**one) for one in each["rounds"]]
            key = (row.name, each["server"])
            self.cells[key] = Cell(row, each["server"], figures, each["trouble"])
            self.machines[key] = f"{found['time']}: {about}"
        self.servers |= found["servers"]

    def of(self, row: Row) -> list[Cell]:
        """The lines of a row, in the order of its servers."""
        keys = [(row.name, server) for server in row.servers]
        return [self.cells[key] for key in keys if key in self.cells]


def written(page: str, results: Results) -> str:
    """The page with new tables."""

    def block(found: re.Match[str]) -> str:
        begin, _, _ = found[0].partition("\n")
        lines = _rows(results, found["rows"])
        return "\n".join((begin, "", *lines, "", "<!-- end -->")) if lines else found[0]

    return _block.sub(block, page)


def _rows(results: Results, patterns: str) -> list[str]:
    """A table, what its rows and servers are, and when and where it was measured."""
    rows = [row for row in ROWS if chosen(row.name, patterns)]
    cells = [cell for row in rows for cell in results.of(row)]
    if not cells:
        return []
    measured = {cell.row.name for cell in cells}
    servers = dict.fromkeys(cell.server for cell in cells)
    rounds = Counter(len(cell.rounds) for cell in cells if cell.rounds)
    return [
        table(cells),
        "",
        *(f"- `{row.name}`: {row.text}" for row in rows if row.name in measured),
        "",
        *(f"- {server}: {results.servers.get(server, '')}" for server in servers),
        "",
        *sorted({f"Measured {results.machines[cell.row.name, cell.server]}." for cell in cells}),
        f"Rounds: {', '.join(f'{count} for {lines} lines' for count, lines in rounds.items())}.",
    ]


def newest() -> list[Path]:
    return sorted(RESULTS.glob("*.json"))[-1:]


def read(paths: Sequence[Path]) -> Results:
    results = Results()
    for path in paths:
        results.add(json.loads(path.read_text()))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("results", nargs="*", type=Path)
    paths = parser.parse_args().results or newest()
    if not paths:
        print("nothing was measured: make bench", file=sys.stderr)
        return 1
    PAGE.write_text(written(PAGE.read_text(), read(paths)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
