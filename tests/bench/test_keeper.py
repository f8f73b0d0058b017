"""The keeper counts all processes of a server and leaves none."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from bench.keeper import descendants, processor_seconds

BURN = "import time\nwhile time.process_time() < {0}: pass"
# One that is waited for, and one whose parent ends before it: 0.2 s each.
# The last stays, as a daemon does.
SERVER = f"""
import os, subprocess, sys, time
burn = '''{BURN.format(0.2)}'''
subprocess.run([sys.executable, "-c", burn])
if os.fork() == 0:
    if os.fork() == 0:
        exec(burn)
        print("ready", flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(600)
"""


@pytest.fixture
def keeper() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.keeper", sys.executable, "-c", SERVER],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.terminate()
    process.wait(20)
    process.stdout.close()


def test_ended_and_orphaned_processes_are_counted(keeper: subprocess.Popen[str]) -> None:
    assert 0.39 <= processor_seconds(keeper.pid) < 2.0


def test_rest_costs_nothing(keeper: subprocess.Popen[str]) -> None:
    before = processor_seconds(keeper.pid)
    time.sleep(0.2)
    assert processor_seconds(keeper.pid) - before < 0.05


def test_nothing_is_left(keeper: subprocess.Popen[str]) -> None:
    below = descendants(keeper.pid)
    assert len(below) == 2
    keeper.terminate()
    keeper.wait(20)
    assert not [pid for pid in below if _runs(pid)]


def _runs(pid: int) -> bool:
    return (
        subprocess.run(["kill", "-0", str(pid)], capture_output=True, check=False).returncode == 0
    )
