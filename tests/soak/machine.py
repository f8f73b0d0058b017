"""What happens to a running site: its workers are killed, its disk is full, its clock jumps."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from posthouse.store.database import FILE
from tests.system.nameserver import NameServer
from tests.system.server import Server

from .clients import Run

HOUR, DAY = 3600.0, 86400.0


def queued(data: Path) -> int:
    """Recipients that wait, read beside the server."""
    connection = apsw.Connection(str(data / FILE), apsw.SQLITE_OPEN_READONLY, vfs="unix")
    try:
        connection.set_busy_timeout(10_000)
        rows = connection.execute("SELECT count(*) FROM queue_recipient").fetchall()
        return int(str(rows[0][0]))
    finally:
        connection.close()


@dataclass
class Memory:
    """What the workers hold, over time: octets that are their own, by process."""

    samples: dict[int, list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, server: Server, now: float) -> list[int]:
        held = []
        for pid in server.pids():
            with contextlib.suppress(OSError, IndexError):
                status = Path(f"/proc/{pid}/status").read_text()
                octets = int(status.partition("RssAnon:")[2].split()[0]) * 1024
                self.samples.setdefault(pid, []).append((now, octets))
                held.append(octets)
        return held

    def oldest(self) -> list[tuple[float, int]]:
        """The samples of the worker that has lived longest."""
        return max(self.samples.values(), key=lambda each: each[-1][0] - each[0][0], default=[])


@dataclass
class Machine:
    """One site, and how to make its life hard."""

    run: Run
    dns: NameServer
    chance: random.Random
    spared: int = 0  # the worker that is killed no more
    happened: Counter[str] = field(default_factory=Counter)
    now_wrong: set[str] = field(default_factory=set)

    @property
    def server(self) -> Server:
        return self.run.server

    def kill(self) -> None:
        """SIGKILL to one worker, sometimes to all but the one that is spared."""
        pids = [pid for pid in self.server.pids() if pid != self.spared]
        if pids and self.chance.random() < 0.7:
            pids = [self.chance.choice(pids)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.happened["workers killed"] += 1

    def spare(self) -> None:
        """One of the workers lives on to the end."""
        pids = self.server.pids()
        self.spared = pids[0] if pids else 0

    def fill(self) -> None:
        self.run.control.full = True
        self._begin("disk full")

    def empty(self) -> None:
        self.run.control.full = False
        self._end("disk full")

    def fail_sync(self) -> None:
        """From here on the server says that its operator must look at the disk."""
        self.run.doubt = True
        self.run.control.fail_sync()
        self._begin("sync failed")

    def start_again(self) -> None:
        """What the operator does then."""
        self.server.restart()
        self.run.doubt = False
        self._end("sync failed")

    def stop_names(self) -> None:
        self.dns.stop()
        self._begin("name server gone")

    def start_names(self) -> None:
        self.dns.start()
        self._end("name server gone")

    def shift(self, seconds: float) -> Callable[[], None]:
        """The clock is wrong by so much from now on."""

        def jump() -> None:
            self.run.control.shift = seconds
            if seconds:
                self._begin(f"clock {seconds / HOUR:+g} h")
            else:
                self.now_wrong = {each for each in self.now_wrong if not each.startswith("clock")}
                self.happened["clock set right"] += 1

        return jump

    def _begin(self, what: str) -> None:
        self.happened[what] += 1
        self.now_wrong.add(what)

    def _end(self, what: str) -> None:
        self.now_wrong.discard(what)


@dataclass(order=True)
class Event:
    """Something that happens at a moment of the run."""

    at: float
    name: str
    do: Callable[[], None] = field(compare=False)


def schedule(machine: Machine, seconds: float) -> list[Event]:
    """All that happens within so many seconds. From the 60th of a hundred on one worker lives."""
    full = min(60.0, seconds / 8)
    events = [
        Event(0.08, "clock", machine.shift(HOUR)),
        Event(0.12, "clock", machine.shift(0)),
        Event(0.15, "names", machine.stop_names),
        Event(0.22, "names", machine.start_names),
        Event(0.25, "disk", machine.fill),
        Event(0.25 + full / seconds, "disk", machine.empty),
        Event(0.42, "sync", machine.fail_sync),
        Event(0.46, "operator", machine.start_again),
        Event(0.50, "clock", machine.shift(8 * DAY)),
        Event(0.55, "clock", machine.shift(0)),
        Event(0.60, "spare", machine.spare),
        Event(0.66, "names", machine.stop_names),
        Event(0.70, "names", machine.start_names),
        Event(0.76, "clock", machine.shift(-DAY)),
        Event(0.80, "clock", machine.shift(0)),
    ]
    moment, kills = 0.03, []
    while moment < 0.95:
        if not 0.42 <= moment <= 0.47:  # the operator is at it
            kills.append(Event(moment, "kill", machine.kill))
        moment += max(2.0, seconds / 100) / seconds * machine.chance.uniform(0.5, 1.5)
    return [Event(each.at * seconds, each.name, each.do) for each in sorted((*events, *kills))]


def wait(seconds: float, failures: list[BaseException], ended: threading.Event) -> None:
    """For a while; shorter if a client has found something wrong."""
    end = time.monotonic() + seconds
    while not failures and (left := end - time.monotonic()) > 0:
        ended.wait(min(0.2, left))
