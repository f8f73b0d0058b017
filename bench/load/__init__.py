"""The load: small programs of their own, run beside the server and not counted with it.

Each takes its orders as one JSON object on the command line and speaks with the bench in lines:
it says it is ready and waits for a line, works, says what it saw and waits for a line, ends. The
server's processor time is read while it waits.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar


class Ordered(Protocol):
    """What all orders have."""

    @property
    def action(self) -> str: ...

    @property
    def limit(self) -> int: ...  # seconds


T = TypeVar("T", bound=Ordered)


def perform(orders: Callable[..., T], actions: Mapping[str, Callable[[T], None]]) -> None:
    """Do what the command line says, within the time that it has."""
    given = orders(**json.loads(sys.argv[1]))
    signal.alarm(given.limit)
    actions[given.action](given)


def await_start() -> None:
    """Say that all is prepared, and wait for the word."""
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()


def report(operations: int, seconds: float, latencies: list[float]) -> None:
    """Say what was seen, and wait until the server's time has been read."""
    seen = {"operations": operations, "seconds": seconds, "latencies": latencies}
    print(json.dumps(seen), flush=True)
    sys.stdin.readline()
