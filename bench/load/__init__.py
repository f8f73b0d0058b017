"""The load: small programs of their own, run beside the server and not counted with it.

Each takes its orders as one JSON object on the command line and speaks with the bench in lines:
it says it is ready and waits for a line, works, says what it saw and waits for a line, ends. The
server's processor time is read while it waits.
"""

from __future__ import annotations

import json
import sys


def await_start() -> None:
    """Say that all is prepared, and wait for the word."""
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()


def report(operations: int, seconds: float, latencies: list[float]) -> None:
    """Say what was seen, and wait until the server's time has been read."""
    seen = {"operations": operations, "seconds": seconds, "latencies": latencies}
    print(json.dumps(seen), flush=True)
    sys.stdin.readline()
