"""The store as one process sees it: units of work to write and to read, and news of commits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

from .checkpoint import Checkpointer
from .contents import Compared
from .database import Runner, connect
from .unit import Tell, Unit
from .writer import Done, Writer

T = TypeVar("T")

Listener = Callable[[int, int], None]  # key, value


class Store:
    """One process's access to the database of a data directory; made after a fork, on a loop."""

    def __init__(self, directory: Path, vfs: str | None = None) -> None:
        """Raises apsw.Error, OSError."""
        self.directory = directory
        self._vfs = vfs
        self._loop = asyncio.get_running_loop()
        self._listeners: dict[str, list[Listener]] = {}
        self._connection = connect(directory, vfs, mapped=True)
        self._checkpointer = Checkpointer(directory, self._disk_failed, self._turned, vfs)
        grown = self._checkpointer.grown
        try:
            self._writer = Writer(directory, self._loop, self._publish, grown, vfs)
        except BaseException:
            self._checkpointer.close()
            self._connection.close()
            raise
        #: Which edition of an account's mailboxes there is (edition.py).
        self.edition_of = self._writer.editions.accounts.of
        self._reader = Runner(self._connection)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._in_pool = threading.local()
        #: What this process has read and found whole.
        self.compared = Compared()
        #: Called on the loop with what committed units of this process told.
        self.published: Callable[[list[Tell]], None] | None = None
        #: Called on the loop with the trouble when checkpoints begin to fail; "": they work again.
        self.checkpoints: Callable[[str], None] | None = None

    @property
    def trouble(self) -> str:
        """Why the store takes no writes; empty while it does."""
        return self._writer.broken

    def _disk_failed(self, error: apsw.IOError) -> None:
        self._writer.stop(error)

    def _turned(self, trouble: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._tell_checkpoints, trouble)

    def _tell_checkpoints(self, trouble: str) -> None:
        if self.checkpoints is not None:
            self.checkpoints(trouble)

    def shorten_log(self) -> None:
        """Have all of the write-ahead log moved into the database."""
        self._checkpointer.shorten()

    def write(self, unit: Unit[T], long: bool = False) -> asyncio.Future[T]:
        """Run a unit; durable when the future is done. One that may take many ms is `long`."""
        return self._writer.submit(unit, long)

    def write_then(self, unit: Unit[Any], done: Done) -> None:
        """Run a unit; `done(result, error)` is called on the loop once it is durable, or failed."""
        self._writer.submit_then(unit, done)

    def read(self, unit: Unit[T]) -> T:
        """Run a short reading unit right here, on one state of the database."""
        return self._reader.look(unit)

    @property
    def edition(self) -> int:
        """Which edition of the directory there is (edition.py)."""
        return self._writer.editions.directory.number

    async def read_long(self, unit: Unit[T]) -> T:
        """Run a reading unit that may take long in a thread of its own."""
        return await self._loop.run_in_executor(self._pool, self._read_in_pool, unit)

    def _read_in_pool(self, unit: Unit[T]) -> T:
        runner: Runner | None = getattr(self._in_pool, "runner", None)
        if runner is None:
            runner = self._in_pool.runner = Runner(connect(self.directory, self._vfs, mapped=True))
        return runner.look(unit)

    # News

    def listen(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Have `listener(key, value)` called for each tell of `topic`; gives how to stop it."""
        listeners = self._listeners.setdefault(topic, [])
        listeners.append(listener)

        def stop() -> None:
            with contextlib.suppress(ValueError):
                listeners.remove(listener)

        return stop

    def hear(self, topic: str, key: int, value: int) -> None:
        """Something was told, here or in another process."""
        for listener in tuple(self._listeners.get(topic, ())):
            listener(key, value)

    def _publish(self, told: list[Tell]) -> None:
        latest: dict[tuple[str, int], int] = {(tell.topic, tell.key): tell.value for tell in told}
        for (topic, key), value in latest.items():
            self.hear(topic, key, value)
        if self.published is not None:
            self.published([Tell(topic, key, value) for (topic, key), value in latest.items()])

    def close(self) -> None:
        """Write what waits and close everything; blocks for the time of one commit."""
        self._writer.close()
        self._checkpointer.close()
        self._pool.shutdown()
        with contextlib.suppress(apsw.Error):  # of the last checkpoint: the log keeps everything
            self._connection.close()
