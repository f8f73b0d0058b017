"""A connection to the SQLite database, and how it runs a unit of work.

Nobody opens the database file but through SQLite: an open() and close() of it elsewhere in the
process would drop the locks that SQLite holds (POSIX advisory locks belong to the process).
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, TypeVar

import apsw

from .unit import Insert, Rows, Run, RunMany, Tell, Unit

T = TypeVar("T")

FILE = "posthouse.db"
PAGE = 8192  # octets; a small message lies in one page
BUSY = 30_000  # milliseconds; writers take turns, so only a checkpoint or a backup is waited for
CACHE = 64 * 1024  # KiB of pages a connection may keep
MAPPED = 2**31 - 65536  # octets of the file, the most that SQLite maps

#: What a statement fails with when the disk does.
DiskFailure = (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.ReadOnlyError)


class StoreUnavailable(Exception):
    """The store takes no more writes; what to do is in the text. Nothing was changed."""

    temporary = True  # no fault of the program's: who asked may ask again


def connect(directory: Path, vfs: str | None = None, mapped: bool = False) -> apsw.Connection:
    """Open the database of a data directory, made if there is none yet.

    A connection that only reads may have the file `mapped` into memory: no copy of a page is made
    that the kernel has already. A page that the disk cannot give then ends the process.

    Raises apsw.Error, OSError.
    """
    connection = apsw.Connection(str(directory / FILE), vfs=vfs)
    connection.set_busy_timeout(BUSY)
    # Else a statement with a range is planned anew for each of its bounds, which takes three times
    # as long as to run it. An index of some rows is used where the statement itself says which.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    for pragma in (
        f"page_size = {PAGE}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit is on stable storage when it returns
        "foreign_keys = OFF",
        "wal_autocheckpoint = 0",  # checkpoints have a thread of their own
        "journal_size_limit = 67108864",
        "temp_store = MEMORY",
        f"cache_size = -{CACHE}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    if connection.pragma("journal_mode") != "wal":  # SQLite goes on without, and says nothing
        connection.close()
        trouble = "no write-ahead log can be kept in this file system"
        raise OSError(errno.EOPNOTSUPP, trouble, str(directory / FILE))
    if mapped:
        connection.execute(f"PRAGMA mmap_size = {MAPPED}").fetchall()
    return connection


class Runner:
    """Runs units of work on a connection, inside a transaction that the caller holds."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.execute = connection.cursor().execute

    def look(self, unit: Unit[T]) -> T:
        """Run a reading unit on one state of the database.

        One statement is that by itself. If the unit has more, it is run from its beginning in a
        transaction.
        """
        generator = unit()
        try:
            step = next(generator)
            if type(step) is Rows:
                generator.send(self.execute(step.sql, step.arguments).fetchall())
        except StopIteration as stop:
            found: T = stop.value
            return found
        generator.close()
        self.execute("BEGIN")
        try:
            return self.perform(unit, [])
        finally:
            self.execute("COMMIT")

    def perform(self, unit: Unit[T], told: list[Tell]) -> T:
        """Run one unit to its end; what it tells is added to `told`."""
        execute = self.execute
        generator = unit()
        given: Any = None
        failure: Exception | None = None
        while True:
            try:
                step = generator.send(given) if failure is None else generator.throw(failure)
            except StopIteration as stop:
                result: T = stop.value
                return result
            failure = None
            try:
                if type(step) is Rows:
                    given = execute(step.sql, step.arguments).fetchall()
                elif type(step) is Run:
                    execute(step.sql, step.arguments)
                    given = self.connection.changes()
                elif type(step) is Insert:
                    execute(step.sql, step.arguments)
                    given = self.connection.last_insert_rowid()
                elif type(step) is RunMany:
                    self.connection.executemany(step.sql, step.arguments).fetchall()
                    given = None
                else:
                    assert type(step) is Tell
                    told.append(step)
                    given = None
            except apsw.ConstraintError as error:
                failure = error  # a unit may know what a broken constraint means
