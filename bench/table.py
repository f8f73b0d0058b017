"""The result as tables to read and as JSON to keep."""

from __future__ import annotations

import fnmatch
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.rows.base import Figures, Row

HEAD = ("row", "server", "CPU ms", "rate /s", "p50 ms", "p99 ms", "ours/peer", "goal")


@dataclass(slots=True)
class Cell:
    """One server in one row: a measurement a round, or why there is none."""

    row: Row
    server: str
    rounds: list[Figures] = field(default_factory=list)
    trouble: str = ""
    seconds: list[float] = field(default_factory=list)  # that each round took

    def median(self) -> Figures | None:
        if not self.rounds:
            return None
        columns = zip(*(tuple(asdict(one).values()) for one in self.rounds), strict=True)
        return Figures(*(statistics.median(column) for column in columns))


def machine(folder: Path) -> dict[str, object]:
    """What the figures were measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    done = subprocess.run(
        ["findmnt", "-n", "-o", "FSTYPE", "-T", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": f"{platform.python_version()} {_built()}",
        "filesystem": done.stdout.strip(),
        "load before": round(os.getloadavg()[0], 1),  # what others have it do
    }


def _built() -> str:
    """Distributions build theirs with profiles; what one builds oneself mostly is not."""
    return "of the system" if sys.base_prefix == "/usr" else "built apart"


def table(cells: Sequence[Cell]) -> str:
    """A Markdown table; at the end of a line our CPU divided by the peer's, and the goal."""
    lines = [HEAD, *(_line(cell, cells) for cell in cells)]
    widths = [max(len(line[column]) for line in lines) for column in range(8)]
    drawn = [
        "| " + " | ".join(_placed(text, widths[n], n) for n, text in enumerate(line)) + " |"
        for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join((drawn[0], rule, *drawn[1:]))


def _placed(text: str, width: int, column: int) -> str:
    return text.rjust(width) if 2 <= column <= 6 else text.ljust(width)


def _line(cell: Cell, cells: Sequence[Cell]) -> tuple[str, ...]:
    middle = cell.median()
    if middle is None:
        return (cell.row.name, cell.server, f"skipped: {cell.trouble}", "", "", "", "", "")
    figures = [number(value) for value in asdict(middle).values()]
    if not middle.cpu:
        figures[0] = ""  # a limit of the machine
    if cell.trouble:
        figures[0] += " (!)"
    return (cell.row.name, cell.server, *figures, *_comparison(cell, middle, cells))


def _comparison(cell: Cell, figures: Figures, cells: Sequence[Cell]) -> tuple[str, str]:
    """The best of ours divided by this peer, and the goal for that; for ours, what is allowed."""
    if is_ours(cell.server):
        return "", _verdict(figures.cpu, cell.row.most, " ms")
    ours = [
        middle.cpu
        for other in cells
        if other.row is cell.row and is_ours(other.server)
        if (middle := other.median()) is not None
    ]
    if not ours or not figures.cpu:
        return "", ""
    ratio = min(ours) / figures.cpu
    return f"{ratio:.2f}", _verdict(ratio, cell.row.goal_beside(cell.server))


def _verdict(value: float, goal: float | None, unit: str = "") -> str:
    if goal is None:
        return ""
    return f"{goal:.2f}{unit} {'met' if value <= goal else 'NOT MET'}"


def chosen(name: str, patterns: str) -> bool:
    """Does one of the patterns, divided by commas, match?"""
    return any(fnmatch.fnmatch(name, one.strip()) for one in patterns.split(","))


def is_ours(server: str) -> bool:
    return server.startswith("posthouse")


def number(value: float) -> str:
    """Three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = next((n for n, least in enumerate((10, 1, 0.1, 0.01, 0.001), 1) if value >= least), 6)
    return f"{value:.{digits}f}"


def keep(
    folder: Path, cells: Sequence[Cell], about: dict[str, object], settings: dict[str, object]
) -> Path:
    """Write all rounds as JSON; the file."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    content = {
        "time": now.isoformat(timespec="seconds"),
        "machine": about,
        "servers": settings,
        "cells": [
            {
                "row": cell.row.name,
                "text": cell.row.text,
                "server": cell.server,
                "trouble": cell.trouble,
                "seconds": [round(each, 1) for each in cell.seconds],
                "median": asdict(middle) if (middle := cell.median()) else None,
                "rounds": [asdict(one) for one in cell.rounds],
            }
            for cell in cells
        ],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path
