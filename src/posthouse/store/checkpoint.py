"""Moves committed pages from the write-ahead log into the database, beside the writers.

A passive checkpoint does most of the work while others write. Under steady load it would never
reach the end of the log, so the little that is left is done while holding the turnstile; the next
writer then begins the log anew.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import apsw

from .database import connect
from .turnstile import Turnstile

PAGES = 4000  # of the log, from which a checkpoint is due
SETTLED = 2000  # pages left that are worth a moment without writers


class Checkpointer:
    """A thread that waits to be told that the log has grown."""

    def __init__(
        self, directory: Path, failed: Callable[[apsw.IOError], None], vfs: str | None = None
    ) -> None:
        """`failed` is called from the thread when the disk fails. Raises apsw.Error, OSError."""
        self._directory = directory
        self._failed = failed
        self._connection = connect(directory, vfs)
        self._due = threading.Event()
        self._ending = False
        self.trouble = ""  # what the last checkpoint failed with
        self._thread = threading.Thread(target=self._work, name="checkpoint", daemon=True)
        self._thread.start()

    def grown(self, pages: int) -> None:
        """The log has so many pages now; any thread may say so."""
        if pages >= PAGES:
            self._due.set()

    def close(self) -> None:
        self._ending = True
        self._due.set()
        self._thread.join()

    def _work(self) -> None:
        connection = self._connection
        turnstile = Turnstile(self._directory)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        mutex = os.open(self._directory / "checkpoint.lock", flags, 0o600)
        try:
            while True:
                self._due.wait()
                self._due.clear()
                if self._ending:
                    return
                self._checkpoint(connection, turnstile, mutex)
        finally:
            connection.close()
            turnstile.close()
            os.close(mutex)

    def _checkpoint(self, connection: apsw.Connection, turnstile: Turnstile, mutex: int) -> None:
        try:
            fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process is at it
        try:
            total, done = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            if total - done <= SETTLED:
                with turnstile:
                    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self.trouble = ""
        except apsw.IOError as error:
            # SQLite syncs the database only when the whole log has been copied into it, and does
            # not copy again what it has copied: after a failed sync, pages of an earlier
            # checkpoint may be lost, and another one that succeeds would end the log that has
            # them. A new start copies the whole log once more.
            self.trouble = str(error)
            self._ending = True
            self._due.set()
            self._failed(error)
        except apsw.Error as error:
            self.trouble = str(error)  # the log keeps everything; the next try may do better
        finally:
            fcntl.flock(mutex, fcntl.LOCK_UN)
