"""The one who writes: a thread that runs all waiting units in one transaction, with one sync.

The units that wait form a group. Each runs in a savepoint of its own; then the group is committed,
and only then are their submitters answered, with one wake-up of the loop. When the whole group
fails, its units run again one by one, so that only the guilty one fails.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw

from .database import DiskFailure, Runner, StoreUnavailable, connect
from .turnstile import Turnstile
from .unit import Tell, Unit

T = TypeVar("T")

LARGEST_GROUP = 512  # units in one transaction
LARGEST_QUEUE = 20_000  # units that may wait

Submitted = tuple["asyncio.Future[Any]", Unit[Any]]
Answer = tuple["asyncio.Future[Any]", Any, Exception | None]


class Group:
    """What came of the units of one transaction."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.told: list[Tell] = []


class Writer:
    """Takes units on the loop's side; runs them in its own thread."""

    def __init__(
        self,
        directory: Path,
        loop: asyncio.AbstractEventLoop,
        published: Callable[[list[Tell]], None],
        grown: Callable[[int], None],
        vfs: str | None = None,
    ) -> None:
        """`published` gets what committed units tell, on the loop; `grown` the pages of the WAL."""
        self._directory = directory
        self._loop = loop
        self._published = published
        self._grown = grown
        self._vfs = vfs
        self._units: deque[Submitted] = deque()
        self._waiting = threading.Condition()
        self._asleep = False
        self._ending = False
        self.broken = ""  # why nothing is written any more
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Have a unit run. Once its future is done, its effect is on stable storage.

        Cancelling the future does not undo the unit. The future raises what the unit raises, or
        StoreUnavailable.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        if self.broken or self._ending or len(self._units) >= LARGEST_QUEUE:
            reason = self.broken or ("closing" if self._ending else "too many writes wait")
            future.set_exception(StoreUnavailable(reason))
            return future
        self._units.append((future, unit))
        if self._asleep:
            with self._waiting:
                self._waiting.notify()
        return future

    def close(self) -> None:
        """Write what waits, then end."""
        self._ending = True
        with self._waiting:
            self._waiting.notify()
        self._thread.join()

    # In the thread

    def _work(self) -> None:
        try:
            connection = connect(self._directory, self._vfs)
        except (apsw.Error, OSError) as error:
            self.broken = f"the database cannot be opened: {error}"
            self._refuse_all()
            return
        connection.set_wal_hook(self._wal_grew)
        runner = Runner(connection)
        turnstile = Turnstile(self._directory)
        try:
            while units := self._next_group():
                self._serve(units, runner, turnstile)
        finally:
            connection.close()
            turnstile.close()

    def _serve(
        self,
        units: list[Submitted],
        runner: Runner,
        turnstile: Turnstile,
    ) -> None:
        if self.broken:
            group = self._refused(units, StoreUnavailable(self.broken))
        else:
            with turnstile:
                group = self._transaction(units, runner) or self._one_by_one(units, runner)
        self._loop.call_soon_threadsafe(self._deliver, group)

    def _one_by_one(self, units: list[Submitted], runner: Runner) -> Group:
        group = Group()
        for unit in units:
            alone = self._transaction([unit], runner, alone=True)
            assert alone is not None
            group.answers += alone.answers
            group.told += alone.told
        return group

    def _next_group(self) -> list[Submitted]:
        """The units that wait, once there are any; none at the end."""
        units = self._units
        if not units:
            with self._waiting:
                self._asleep = True
                while not units and not self._ending:
                    self._waiting.wait()
                self._asleep = False
        return [units.popleft() for _ in range(min(len(units), LARGEST_GROUP))]

    def _transaction(
        self,
        units: list[Submitted],
        runner: Runner,
        alone: bool = False,
    ) -> Group | None:
        """Run units in one transaction. None: it failed as a whole, nothing was changed."""
        execute = runner.connection.execute
        group = Group()
        try:
            execute("BEGIN IMMEDIATE")
            for future, unit in units:
                told: list[Tell] = []
                execute("SAVEPOINT unit")
                try:
                    group.answers.append((future, runner.perform(unit, told), None))
                    group.told += told
                except DiskFailure:
                    raise
                except Exception as error:  # noqa: BLE001  the submitter gets it
                    execute("ROLLBACK TO unit")
                    group.answers.append((future, None, error))
                execute("RELEASE unit")
            execute("COMMIT")
        except apsw.Error as error:
            return self._failed(units, runner, error, alone)
        return group

    def _failed(
        self,
        units: list[Submitted],
        runner: Runner,
        error: apsw.Error,
        alone: bool,
    ) -> Group | None:
        """The transaction failed: undo it, and decide whether its units may run again."""
        if runner.connection.in_transaction:
            runner.connection.execute("ROLLBACK")
        refusal = StoreUnavailable(f"the database cannot be written: {error}")
        if isinstance(error, apsw.IOError):
            # What a failed sync left on the disk is unknown, and a second sync may claim
            # success for pages that the kernel has dropped. Only a new start is safe.
            self.broken = f"writing has failed ({error}); check the disk, then start again"
            refusal = StoreUnavailable(self.broken)
        elif not alone and len(units) > 1:
            return None
        return self._refused(units, refusal)

    def _refused(self, units: list[Submitted], refusal: StoreUnavailable) -> Group:
        group = Group()
        group.answers = [(future, None, refusal) for future, _ in units]
        return group

    def _refuse_all(self) -> None:
        while units := self._next_group():
            group = self._refused(units, StoreUnavailable(self.broken))
            self._loop.call_soon_threadsafe(self._deliver, group)

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._grown(pages)
        return apsw.SQLITE_OK

    # On the loop

    def _deliver(self, group: Group) -> None:
        for future, result, error in group.answers:
            if future.done():
                continue  # its submitter has gone
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if group.told:
            self._published(group.told)
