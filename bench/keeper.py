"""Runs one server so that none of its processes is lost: `python -m bench.keeper COMMAND...`

The keeper is the subreaper of all it starts (prctl(2), PR_SET_CHILD_SUBREAPER): a daemon that
leaves its parent becomes the keeper's child, and the processor time of one that has ended is in
the times of its parent, or in the keeper's. So the sum over the tree below the keeper, living
and ended, is what the server has used, however its processes come and go.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TICK = 1 / os.sysconf("SC_CLK_TCK")
GRACE = 10.0  # seconds from SIGTERM to SIGKILL


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, nearest first."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        children = _children(parent)
        found += children
        waiting += children
    return found


def processor_seconds(keeper: int) -> float:
    """What all processes below the keeper have used, those that have ended included."""
    return _ended(keeper) + sum(_living(pid) + _ended(pid) for pid in descendants(keeper))


def settled_seconds(keeper: int, *, patience: float = 10.0) -> float:
    """As `processor_seconds`, once the server has come to rest after its last reply."""
    deadline = time.monotonic() + patience
    before = processor_seconds(keeper)
    while time.monotonic() < deadline:
        time.sleep(0.2)
        now = processor_seconds(keeper)
        if now - before <= TICK:
            return now
        before = now
    return before


def _children(pid: int) -> list[int]:
    """Children of all threads of a process; none when it has gone."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _living(pid: int) -> float:
    """Seconds of a process: to the nanosecond, or to the tick when threads of it have ended.

    Ticks alone would lose half of one for each process that the load has called up.
    """
    exact = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                exact += int((task / "schedstat").read_text().split()[0])
    return max(exact / 1e9, sum(_times(pid)[:2]) * TICK)


def _ended(pid: int) -> float:
    """Seconds of the ended children that a process has waited for, and of theirs."""
    return sum(_times(pid)[2:]) * TICK


def _times(pid: int) -> tuple[int, int, int, int]:
    """utime, stime, cutime, cstime in clock ticks (proc(5)); zeros when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, 0, 0, 0
    return int(fields[11]), int(fields[12]), int(fields[13]), int(fields[14])


def _send_to_all(number: signal.Signals) -> bool:
    """Signal every process below this one; whether there was any."""
    below = descendants(os.getpid())
    for pid in below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return bool(below)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _end_all() -> None:
    """Leave nothing running below: SIGTERM, then SIGKILL."""
    deadline = time.monotonic() + GRACE
    number = signal.SIGTERM
    while _send_to_all(number):
        _reap()
        time.sleep(0.05)
        if time.monotonic() > deadline:
            number = signal.SIGKILL


def keep(command: list[str]) -> int:
    """Run the command, pass SIGTERM on, reap what becomes ours; its exit status."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    main = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: main.send_signal(signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = -1
    while True:
        pid, ended = os.waitpid(-1, 0)
        if pid == main.pid:
            status = main.returncode = os.waitstatus_to_exitcode(ended)
            break
    _end_all()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
