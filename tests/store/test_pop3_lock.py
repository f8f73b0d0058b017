"""A maildrop is held by one session, whatever process it is in, and freed when that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from posthouse.store.lock import lock_maildrop

HOLDER = """
import sys
from pathlib import Path
from posthouse.store.lock import lock_maildrop
lock = lock_maildrop(Path(sys.argv[1]), int(sys.argv[2]))
print("held" if lock else "refused", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(directory: Path, account: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that asks for the maildrop and keeps it until it is told to end; what it got."""
    source = Path(__file__).parents[2] / "src"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory), str(account)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )
    with process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def test_one_holder_over_processes(tmp_path: Path) -> None:
    with another_process(tmp_path, 7) as (process, got):
        assert got == "held"
        assert lock_maildrop(tmp_path, 7) is None
        with another_process(tmp_path, 7) as (_, got_too):
            assert got_too == "refused"
        other = lock_maildrop(tmp_path, 8)
        assert other is not None
        other.release()
        assert process.poll() is None


def test_freed_by_sigkill(tmp_path: Path) -> None:
    with another_process(tmp_path, 7) as (process, got):
        assert got == "held"
        process.send_signal(signal.SIGKILL)
        process.wait()
        lock = lock_maildrop(tmp_path, 7)
        assert lock is not None
        with another_process(tmp_path, 7) as (_, got_too):
            assert got_too == "refused"
        lock.release()
        with another_process(tmp_path, 7) as (_, got_at_last):
            assert got_at_last == "held"


def test_one_holder_within_a_process(tmp_path: Path) -> None:
    first = lock_maildrop(tmp_path, 7)
    assert first is not None
    assert lock_maildrop(tmp_path, 7) is None
    first.release()
    first.release()
    second = lock_maildrop(tmp_path, 7)
    assert second is not None
    second.release()


def test_a_refusal_frees_nothing(tmp_path: Path) -> None:
    """POSIX locks of a process would go when any descriptor of the file is closed."""
    lock = lock_maildrop(tmp_path, 7)
    assert lock is not None
    assert lock_maildrop(tmp_path, 7) is None
    with another_process(tmp_path, 7) as (_, got):
        assert got == "refused"
    lock.release()


@pytest.mark.parametrize("account", [1, 2**31, 2**62])
def test_any_account(tmp_path: Path, account: int) -> None:
    lock = lock_maildrop(tmp_path, account)
    assert lock is not None
    assert lock_maildrop(tmp_path, account) is None
    assert (tmp_path / "pop3.lock").stat().st_size == 0
    lock.release()
