"""A worker process as its parent makes it: signals, the word that it serves, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

from .log import Log
from .memory import keep_large_blocks_apart

#: What a worker does: `job(index, ready)` serves until SIGTERM; it calls `ready()` once it serves.
Job = Callable[[int, Callable[[], None]], None]


class Lifeline:
    """A pipe that only the parent holds open: a child reads its end when the parent has gone."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def follow(self, grace: float) -> None:
        """In a child: end as by SIGTERM when the parent goes, by SIGKILL if that takes long."""
        os.close(self._write)
        threading.Thread(target=self._watch, args=(grace,), name="lifeline", daemon=True).start()

    def _watch(self, grace: float) -> None:
        os.read(self._read, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


def fork(
    index: int,
    job: Job,
    lifeline: Lifeline,
    grace: float,
    log: Log,
    forget: Callable[[], None],
) -> tuple[int, int]:
    """Start a worker: its pid, and the pipe on which it says that it serves. Raises OSError."""
    heard, said = os.pipe()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)
    try:
        pid = os.fork()
    except OSError:
        os.close(heard)
        os.close(said)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        raise
    if pid == 0:
        _be_worker(index, job, lifeline, grace, log, forget, heard, said)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(said)
    return pid, heard


def run_in_child(work: Callable[[], int]) -> int:
    """Run something that the parent must not be touched by; its exit status."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = work()
            sys.stdout.flush()
        except Exception:  # noqa: BLE001  of this process nothing else would be heard
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


_ALL = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def _be_worker(
    index: int,
    job: Job,
    lifeline: Lifeline,
    grace: float,
    log: Log,
    forget: Callable[[], None],
    heard: int,
    said: int,
) -> None:
    """The child's whole life; it never returns into what its parent was doing."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # The parent decides what these mean; a terminal sends them to all.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(heard)
        forget()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALL)
        lifeline.follow(grace)
        keep_large_blocks_apart()
        job(index, lambda: _say_ready(said))
        status = 0
    except BaseException as error:
        log.error("worker failed", worker=index, exc_info=error)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(status)


def _say_ready(said: int) -> None:
    with contextlib.suppress(OSError):
        os.write(said, b"!")
        os.close(said)
