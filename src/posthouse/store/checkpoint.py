"""Moves committed pages from the write-ahead log into the database, beside the writers.

A passive checkpoint does most of the work while others write. Under steady load it would never
reach the end of the log, so the little that is left is done while holding the turnstile; the next
writer then begins the log anew. While the database file cannot grow the log does: beyond a bound no
mail is taken (space.py), and once there is room again the log is cut off here.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw

from .database import BUSY, connect
from .turnstile import Turnstile

PAGES = 4000  # of the log, from which a checkpoint is due
SETTLED = 2000  # pages left that are worth a moment without writers
PATIENCE = 1_000  # milliseconds that writers wait for readers, where the log is to be cut off


class Checkpointer:
    """A thread that waits to be told that the log has grown."""

    def __init__(
        self,
        directory: Path,
        failed: Callable[[apsw.IOError], None],
        turned: Callable[[str], None],
        vfs: str | None = None,
    ) -> None:
        """From the thread, `failed` is called when the disk fails, `turned` with the trouble when
        checkpoints begin to fail, and with none when they do no more.

        Raises apsw.Error, OSError.
        """
        self._failed = failed
        self._turned = turned
        self._connection = connect(directory, vfs)
        self._turnstile = Turnstile(directory)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._mutex = os.open(directory / "checkpoint.lock", flags, 0o600)
        self._due = threading.Event()
        self._ending = False
        self._shorten = False
        self.trouble = ""  # what the last checkpoint failed with
        self._thread = threading.Thread(target=self._work, name="checkpoint", daemon=True)
        self._thread.start()

    def grown(self, pages: int) -> None:
        """The log has so many pages now; any thread may say so."""
        if pages >= PAGES:
            self._due.set()

    def shorten(self) -> None:
        """Move all of the log, and cut its file off; any thread may ask for it."""
        self._shorten = True
        self._due.set()

    def close(self) -> None:
        self._ending = True
        self._due.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while True:
                self._due.wait()
                self._due.clear()
                if self._ending:
                    return
                self._checkpoint(self._connection)
        finally:
            self._connection.close()
            self._turnstile.close()
            os.close(self._mutex)

    def _checkpoint(self, connection: apsw.Connection) -> None:
        try:
            fcntl.flock(self._mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process is at it
        try:
            shorten, self._shorten = self._shorten, False
            total, done = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            if total - done <= SETTLED:
                with self._turnstile:
                    total, done = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                    if shorten and total == done:
                        cut_off(connection)
            self._tell("")
        except apsw.IOError as error:
            # SQLite syncs the database only when the whole log has been copied into it, and does
            # not copy again what it has copied: after a failed sync, pages of an earlier
            # checkpoint may be lost, and another one that succeeds would end the log that has
            # them. A new start copies the whole log once more.
            self._tell(said(error))
            self._ending = True
            self._due.set()
            self._failed(error)
        except apsw.Error as error:
            self._tell(said(error))  # the log keeps everything; the next try may do better
        finally:
            fcntl.flock(self._mutex, fcntl.LOCK_UN)

    def _tell(self, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if bool(before) != bool(trouble):
            self._turned(trouble)


def said(error: apsw.Error) -> str:
    """What went wrong; never nothing."""
    return str(error) or type(error).__name__


def cut_off(connection: apsw.Connection) -> None:
    """Make the log's file empty, unless somebody reads from it for longer."""
    connection.set_busy_timeout(PATIENCE)
    with suppress(apsw.BusyError):
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.set_busy_timeout(BUSY)
