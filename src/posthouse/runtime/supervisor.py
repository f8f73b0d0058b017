"""The parent of the worker processes: starts them, restarts those that die, ends them.

It holds no database connection, thread or loop, so that forking is safe at any time; it waits in
one select for signals and for the workers' word that they serve.

    SIGTERM, SIGINT   end: workers finish what runs; a second one ends them at once
    SIGHUP            read the settings again, put new workers in the place of the old ones
    SIGCHLD           a worker has died: another one takes its index
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import systemd
from .log import Log
from .worker import Job, Lifeline, fork

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
LONG_ENOUGH = 5.0  # seconds after which a death has nothing to do with the start
SHORT_PAUSE = 0.1  # seconds before a start that follows a bad one, doubled where none served
LONGEST_PAUSE = 30.0  # seconds
BAD_STARTS = 5  # of one worker, before anything has been served, after which it is given up


@dataclass(frozen=True, slots=True)
class Supervision:
    workers: int
    grace: float = 30.0  # seconds that workers have for their end


@dataclass(slots=True)
class _Worker:
    index: int
    pid: int
    pipe: int  # says when it serves; -1 afterwards
    started: float
    serves: bool = False


class Supervisor:
    """Runs `job(index, ready)` in each worker process until a signal ends it.

    `reload` gives the job for workers that start from now on; it raises nothing, and gives the
    old job if the new settings cannot be used.
    """

    def __init__(
        self,
        settings: Supervision,
        job: Job,
        log: Log,
        *,
        reload: Callable[[], Job] | None = None,
        served: Callable[[], None] = lambda: None,
        in_child: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._settings = settings
        self._job = job
        self._log = log
        self._reload = reload
        self._served = served  # called when all workers serve for the first time
        self._in_child = in_child
        self._workers: dict[int, _Worker] = {}
        self._old: dict[int, int] = {}  # pid -> index of replaced ones that still run
        self._bad_starts: dict[int, int] = {}
        self._due: dict[int, float] = {}  # index -> when it is started
        self._ending: float | None = None  # until when workers may take
        self._ready = False
        self._status = 0

    def run(self) -> int:
        """Serve until the end; the exit status."""
        self._lifeline = Lifeline()
        self._signals, signalled = os.pipe()
        for end in (self._signals, signalled):
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        gc.collect()
        gc.freeze()  # what is here now is shared with the workers, and stays so
        try:
            self._due = dict.fromkeys(range(self._settings.workers), 0.0)
            while not self._over():
                self._start_due()
                self._wait()
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._lifeline.close()
            os.close(self._signals)
            os.close(signalled)
        return self._status

    def _over(self) -> bool:
        return self._ending is not None and not self._workers and not self._old

    # Waiting

    def _wait(self) -> None:
        pipes = {w.pipe: w for w in self._workers.values() if w.pipe >= 0}
        readable, _, _ = select.select([self._signals, *pipes], [], [], self._patience())
        for descriptor in readable:
            if descriptor in pipes:
                self._hear(pipes[descriptor])
        if self._signals in readable:
            for number in set(os.read(self._signals, 4096)):
                self._on_signal(number)
        if self._ending is not None and time.monotonic() >= self._ending:
            self._kill()

    def _patience(self) -> float | None:
        """Seconds until something is due; None: only a signal or a word can be waited for."""
        moments = list(self._due.values())
        if self._ending is not None:
            moments.append(self._ending)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif number == signal.SIGHUP:
            self._replace_all()
        elif self._ending is None:
            self._log.info("ending", signal=signal.Signals(number).name)
            self._end()
        else:
            self._kill()

    # Starting

    def _start_due(self) -> None:
        now = time.monotonic()
        for index in [index for index, due in self._due.items() if due <= now]:
            del self._due[index]
            self._start(index)

    def _start(self, index: int) -> None:
        others = [w.pipe for w in self._workers.values() if w.pipe >= 0]
        try:
            pid, pipe = fork(
                index,
                self._job,
                self._lifeline,
                self._settings.grace,
                self._log,
                self._forget(others),
            )
        except OSError as error:  # no process or memory to be had now
            self._log.error("cannot start a worker", worker=index, exc_info=error)
            self._due[index] = time.monotonic() + LONGEST_PAUSE / 10
            return
        self._workers[index] = _Worker(index, pid, pipe, time.monotonic())
        self._log.debug("worker started", worker=index, pid=pid)

    def _forget(self, pipes: Sequence[int]) -> Callable[[], None]:
        """What a child has of its parent's and must let go."""

        def forget() -> None:
            for descriptor in (self._signals, *pipes):
                os.close(descriptor)
            for let_go in self._in_child:
                let_go()

        return forget

    def _hear(self, worker: _Worker) -> None:
        """A worker serves, or has closed its pipe by dying."""
        word = os.read(worker.pipe, 1)
        os.close(worker.pipe)
        worker.pipe = -1
        if not word:
            return
        worker.serves = True
        self._log.info("worker serves", worker=worker.index, pid=worker.pid)
        for pid, index in self._old.items():
            if index == worker.index:  # it has served until now
                _send(pid, signal.SIGTERM)
        waiting = any(w.pipe >= 0 for w in self._workers.values()) or self._due
        if not self._ready and not waiting and self._ending is None:
            self._ready = True
            self._served()
            systemd.ready(f"{len(self._workers)} workers serve")

    def _replace_all(self) -> None:
        if self._reload is None or self._ending is not None:
            return
        systemd.reloading()
        self._job = self._reload()
        for index, worker in list(self._workers.items()):
            if worker.pipe >= 0:
                os.close(worker.pipe)
            self._old[worker.pid] = index
            del self._workers[index]
            self._start(index)
        systemd.ready("settings were read again")

    # Ending

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._died(pid, os.waitstatus_to_exitcode(status))

    def _died(self, pid: int, code: int) -> None:
        if self._old.pop(pid, None) is not None:
            return
        worker = next((w for w in self._workers.values() if w.pid == pid), None)
        if worker is None:
            return
        del self._workers[worker.index]
        if worker.pipe >= 0:
            os.close(worker.pipe)
        if self._ending is not None:
            return
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        self._log.error("worker died", worker=worker.index, pid=pid, how=how)
        self._restart(worker)

    def _restart(self, worker: _Worker) -> None:
        """At once after a life that was long enough, later and later after bad starts."""
        now = time.monotonic()
        index = worker.index
        if worker.serves and now - worker.started > LONG_ENOUGH:
            self._bad_starts[index] = 0
        bad = self._bad_starts[index] = self._bad_starts.get(index, 0) + 1
        if bad >= BAD_STARTS and not worker.serves and not self._ready:
            self._log.error("given up: a worker cannot start", worker=index)
            self._status = 1
            self._end()
            return
        if worker.serves:
            pause = 0.0 if bad == 1 else SHORT_PAUSE
        else:
            pause = min(LONGEST_PAUSE, SHORT_PAUSE * 2 ** min(bad - 1, 20))
        self._due[index] = now + pause

    def _end(self) -> None:
        systemd.stopping()
        self._ending = time.monotonic() + self._settings.grace
        self._due.clear()
        for pid in self._pids():
            _send(pid, signal.SIGTERM)

    def _kill(self) -> None:
        for pid in self._pids():
            self._log.warning("worker killed: it did not end in time", pid=pid)
            _send(pid, signal.SIGKILL)
        self._ending = time.monotonic() + self._settings.grace

    def _pids(self) -> list[int]:
        return [w.pid for w in self._workers.values()] + list(self._old)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
