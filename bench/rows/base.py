"""How one measurement is made, and what it gives."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.keeper import settled_seconds
from bench.peers import ROOT, Peer

OURS = ("posthouse-1", "posthouse-2")


class Broken(Exception):
    """A measurement that did not come to its end; bears what the load said."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement."""

    cpu: float  # ms of all the server's processes, for one operation
    rate: float  # operations a second
    p50: float  # ms
    p99: float  # ms


@dataclass(slots=True)
class Subject:
    """A running server and what is known of it in this run of the bench."""

    peer: Peer
    sent: int = 0  # letters sent to it, so that each is another one
    #: Readers whose mailboxes have been filled: whether these are in our search index
    boxes: dict[str, bool] = field(default_factory=dict)
    newcomers: int = 0  # who have logged in
    arrived: int = 0  # letters that must be in the mailboxes by now


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table for each server.

    `goal`: our CPU divided by a peer's, at most; a mapping has those of the peers that have one.
    `most`: our CPU in ms, at most.
    """

    name: str
    text: str
    servers: tuple[str, ...]
    measure: Callable[[Subject], Figures]
    goal: float | Mapping[str, float] = 1.0
    most: float | None = None

    def goal_beside(self, server: str) -> float | None:
        return self.goal if isinstance(self.goal, float) else self.goal.get(server)


class Load:
    """A load program at work: prepared, started, read and ended."""

    def __init__(self, program: str, orders: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"bench.load.{program}", json.dumps(orders)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._line()

    def run(self) -> dict[str, Any]:
        """Give the word; what the load saw. It stays connected until `end`."""
        self._say()
        return self._line()

    def end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._say()
        _, errors = self._process.communicate(timeout=60)
        if self._process.returncode:
            raise Broken(errors.strip().rpartition("\n")[2])

    def _say(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate(timeout=60)
            raise Broken(errors.strip().rpartition("\n")[2] or "the load was ended by its limit")
        found: dict[str, Any] = json.loads(line)
        return found


def measured(subject: Subject, program: str, orders: dict[str, Any]) -> Figures:
    """Run a load; the server's time is counted until it has come to rest."""
    load = Load(program, orders)
    before = settled_seconds(subject.peer.keeper)
    seen = load.run()
    after = settled_seconds(subject.peer.keeper)
    load.end()
    return figures(seen, after - before, seen["seconds"])


def figures(seen: dict[str, Any], cpu: float, seconds: float) -> Figures:
    operations = seen["operations"]
    latencies = sorted(seen["latencies"])
    return Figures(
        cpu=cpu * 1000 / operations,
        rate=operations / seconds,
        p50=statistics.median(latencies) * 1000,
        p99=latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)] * 1000,
    )
