"""The one who writes: all units of work that wait go into one transaction, with one sync.

The units that wait form a group. They run on the loop, where nothing contends with them for the
interpreter. Where one of them fails, all run again, each in a savepoint of its own; when the whole
transaction fails, they run again one by one, so that only the guilty one fails. What waits for
other processes and for the disk, the turnstile and the commit, is a thread's. Only after the
commit are the submitters answered, with one wake-up of the loop, and the next group has gathered
meanwhile.

        loop                        thread
    submit, submit ...
    turnstile, if it is free  ───▶  or wait for it
    BEGIN, units ◀───────────────┘
          └──────────────────────▶  COMMIT, free the turnstile
    answers ◀────────────────────┘

Where units come one by one and the disk is quick, a unit is committed where it has run: nobody
would share its sync, and to hand it to the thread and back costs more than the sync lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import apsw

from .database import DiskFailure, Runner, StoreUnavailable, connect
from .edition import Editions
from .turnstile import Turnstile
from .unit import Tell, Unit

T = TypeVar("T")

LARGEST_GROUP = 256  # units in one transaction
LARGEST_QUEUE = 20_000  # units that may wait
QUICK = 0.002  # seconds; what commits may take on average to be made on the loop
LONELY = 3  # groups of one unit in a row, after which the next one is expected to be alone, too

#: Called on the loop with what a unit has returned, or with the exception that it ended with.
Done = Callable[[Any, Exception | None], None]
Answer = tuple[Done, Any, Exception | None]


@dataclass(slots=True)
class Submitted:
    """A unit, and who waits for it. A long one runs alone, in the thread."""

    done: Done
    unit: Unit[Any]
    long: bool


@dataclass(slots=True)
class Group:
    """The units of one transaction, and what came of them."""

    units: list[Submitted]
    answers: list[Answer] = field(default_factory=list)
    told: list[Tell] = field(default_factory=list)
    error: apsw.Error | None = None  # the transaction failed as a whole
    begun: bool = False  # the units have run, on the loop


class Writer:
    """Takes units, on the loop's side."""

    def __init__(
        self,
        directory: Path,
        loop: asyncio.AbstractEventLoop,
        published: Callable[[list[Tell]], None],
        grown: Callable[[int], None],
        vfs: str | None = None,
    ) -> None:
        """`published` gets what committed units tell, on the loop; `grown` the pages of the WAL.

        Raises apsw.Error, OSError.
        """
        self._loop = loop
        self._published = published
        self._grown = grown
        self._units: deque[Submitted] = deque()
        self._busy = False  # a group is on its way
        self.broken = ""  # why nothing is written any more
        self._ending = False
        self._alone = 0  # groups of one unit in a row
        self._commit_takes = 1.0  # seconds; a moving average
        self._connection = connect(directory, vfs)
        self._connection.set_wal_hook(self._wal_grew)
        self._runner = Runner(self._connection)
        self._turnstile = Turnstile(directory)
        self.editions = Editions(directory)
        self._work: SimpleQueue[Group | None] = SimpleQueue()  # of the thread
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Unit[T], long: bool = False) -> asyncio.Future[T]:
        """Have a unit run. Once its future is done, its effect is on stable storage.

        One that may take longer than a few milliseconds is `long`. Cancelling the future does not
        undo the unit. The future raises what the unit raises, or StoreUnavailable.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self.submit_then(unit, partial(settle, future), long)
        return future

    def submit_then(self, unit: Unit[Any], done: Done, long: bool = False) -> None:
        """`submit`, for who wants no future: `done` is called right after the commit."""
        if self.broken or self._ending or len(self._units) >= LARGEST_QUEUE:
            reason = self.broken or ("closing" if self._ending else "too many writes wait")
            self._loop.call_soon(done, None, StoreUnavailable(reason))
            return
        self._units.append(Submitted(done, unit, long))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._begin)

    def stop(self, error: apsw.IOError) -> None:
        """Take no more units: the disk has failed. Any thread may say so."""
        self.broken = f"writing has failed ({error}); check the disk, then start again"

    def close(self) -> None:
        """Write what waits, then end. Blocks the loop, and must be the last thing on it."""
        self._ending = True
        self._give(None)
        self._thread.join()
        while self._units:
            group = self._next_group()
            with self._turnstile:
                self._run_whole(group)
            self._answer(group)
        with contextlib.suppress(apsw.Error):  # of the last checkpoint: the log keeps everything
            self._connection.close()
        self._turnstile.close()
        self.editions.close()

    # On the loop

    def _begin(self) -> None:
        """Take the next group, and the turnstile if nobody has it."""
        if self._ending:
            return
        while self.broken and self._units:
            group = self._next_group()
            self._refuse(group, StoreUnavailable(self.broken))
            self._answer(group)
        if not self._units:
            self._busy = False
            return
        if not self._units[0].long and self._turnstile.take_at_once():
            self._run_here(self._next_group())
        else:
            self._give(Group([]) if not self._units[0].long else self._next_group())

    def _next_group(self) -> Group:
        units = self._units
        if units[0].long:
            return Group([units.popleft()])
        group: list[Submitted] = []
        while units and len(group) < LARGEST_GROUP and not units[0].long:
            group.append(units.popleft())
        return Group(group)

    def _run_here(self, group: Group) -> None:
        """The turnstile is ours: run the units, have the thread commit, or do it at once."""
        self._begin_and_run(group)
        group.begun = True
        self._alone = self._alone + 1 if len(group.units) == 1 else 0
        if self._alone > LONELY and self._commit_takes < QUICK:
            self._commit(group)
            if group.error is None:
                self._turnstile.free()
                self._answer_here(group)
                return
        self._give(group)

    def _answer_here(self, group: Group) -> None:
        """Answer at once; what was submitted meanwhile waits a turn, so that the loop gets one."""
        try:
            self._answer(group)
        finally:
            if self._units:
                self._loop.call_soon(self._begin)
            else:
                self._busy = False

    def _turn_has_come(self) -> None:
        """The thread has waited for the turnstile."""
        if not self._ending:
            self._run_here(self._next_group())

    def _finished(self, group: Group) -> None:
        try:
            self._answer(group)
        finally:  # whatever a listener raises, those who wait have their turn
            self._begin()

    def _answer(self, group: Group) -> None:
        """Publish what the units tell, so that who submitted them has heard of it, and answer."""
        try:
            if group.told:
                self._published(group.told)
        finally:
            for done, result, error in group.answers:
                try:
                    done(result, error)
                except Exception as failure:  # noqa: BLE001  the others have theirs all the same
                    self._loop.call_exception_handler(
                        {"message": "what follows a commit failed", "exception": failure}
                    )

    def _give(self, work: Group | None) -> None:
        self._work.put(work)

    # In the thread

    def _serve(self) -> None:
        while (group := self._work.get()) is not None:
            if group.begun:
                self._commit(group)
                if group.error is not None:
                    self._recover(group)
                self._turnstile.free()
                self._loop.call_soon_threadsafe(self._finished, group)
            elif group.units:
                with self._turnstile:
                    self._run_whole(group)
                self._loop.call_soon_threadsafe(self._finished, group)
            else:
                self._turnstile.take()
                self._loop.call_soon_threadsafe(self._turn_has_come)

    # Wherever the turnstile is held

    def _run_whole(self, group: Group) -> None:
        if self.broken:
            self._refuse(group, StoreUnavailable(self.broken))
            return
        self._begin_and_run(group)
        self._commit(group)
        if group.error is not None:
            self._recover(group)

    def _begin_and_run(self, group: Group) -> None:
        """Run the units without a net; where one raises, run them all again, each with one."""
        execute = self._runner.execute
        try:
            execute("BEGIN IMMEDIATE")
            try:
                for submitted in group.units:
                    result = self._runner.perform(submitted.unit, group.told)
                    group.answers.append((submitted.done, result, None))
            except (*DiskFailure, apsw.BusyError):
                raise
            except Exception:  # noqa: BLE001  its submitter gets it
                group.answers, group.told = [], []
                execute("ROLLBACK")
                execute("BEGIN IMMEDIATE")
                for submitted in group.units:
                    self._run_apart(submitted, group)
        except apsw.Error as error:
            group.error = error

    def _run_apart(self, submitted: Submitted, group: Group) -> None:
        """Run a unit in a savepoint, so that it can be undone alone."""
        execute = self._runner.execute
        told: list[Tell] = []
        execute("SAVEPOINT unit")
        try:
            result = self._runner.perform(submitted.unit, told)
        except DiskFailure:
            raise
        except Exception as error:  # noqa: BLE001  the submitter gets it
            execute("ROLLBACK TO unit")
            group.answers.append((submitted.done, None, error))
        else:
            group.answers.append((submitted.done, result, None))
            group.told += told
        execute("RELEASE unit")

    def _commit(self, group: Group) -> None:
        if group.error is not None:
            return
        self.editions.begin(group.told)
        started = time.perf_counter()
        try:
            self._runner.execute("COMMIT")
        except apsw.Error as error:
            group.error = error
        self.editions.end()
        self._commit_takes += (time.perf_counter() - started - self._commit_takes) / 8

    def _recover(self, group: Group) -> None:
        """The transaction failed: undo it, find out which unit cannot be done."""
        error = group.error
        group.answers, group.told, group.error = [], [], None
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        refusal = StoreUnavailable(f"the database cannot be written: {error}")
        if isinstance(error, apsw.IOError):
            # What a failed sync left on the disk is unknown, and a second sync may claim
            # success for pages that the kernel has dropped. Only a new start is safe.
            self.stop(error)
            refusal = StoreUnavailable(self.broken)
            self._write_over()
        elif len(group.units) > 1:
            for submitted in group.units:
                alone = Group([submitted])
                self._run_whole(alone)
                group.answers += alone.answers
                group.told += alone.told
            return
        self._refuse(group, refusal)

    def _write_over(self) -> None:
        """Write over what a failed commit has left in the log.

        It may lie there whole, and the next start would take it for committed, though its
        submitters were refused. Whether this gets to the disk is not relied upon.
        """
        with contextlib.suppress(apsw.Error):
            self._connection.execute(
                "INSERT INTO fact (name, value) VALUES ('failed writes', '1')"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1"
            )

    def _refuse(self, group: Group, refusal: StoreUnavailable) -> None:
        group.answers = [(submitted.done, None, refusal) for submitted in group.units]

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._grown(pages)
        return apsw.SQLITE_OK


def settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    """Have a future be done with what came of a unit."""
    if future.done():
        return  # its submitter has gone
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
