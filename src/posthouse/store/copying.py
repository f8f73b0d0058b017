"""Copies of a store, made beside a running server.

First the database, then the files whose names it bears: those are whole, while others may just be
written. None goes in between: nobody sweeps meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import apsw

from .database import FILE, connect
from .sweeper import LOCK

PART = ".part"  # what a copy is called until it is whole
BLOCK = 1024 * 1024


def back_up(directory: Path, target: Path) -> int:
    """Copy all into another folder that nobody serves; how many files were new. Raises OSError."""
    with unswept(directory):
        copy_database(directory, target)
        return copy_files(directory, target)


@contextlib.contextmanager
def unswept(directory: Path) -> Iterator[None]:
    """Meanwhile no file is removed. Waits for who sweeps now. Raises OSError."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    mutex = os.open(directory / LOCK, flags, 0o600)
    try:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        yield
    finally:
        os.close(mutex)


def copy_database(directory: Path, target: Path) -> None:
    """As it is at one moment. Raises OSError."""
    part = target / (FILE + PART)
    part.unlink(missing_ok=True)
    connection = connect(directory)
    try:
        connection.execute("VACUUM INTO ?1", (str(part),)).fetchall()
    except (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.CorruptError) as error:
        raise OSError(0, f"the database cannot be copied: {error}", str(part)) from None
    finally:
        connection.close()
    _sync(part)
    for log in ("-wal", "-shm"):  # of the database before, should somebody have opened it there
        (target / (FILE + log)).unlink(missing_ok=True)
    part.replace(target / FILE)
    _sync(target)


def copy_files(directory: Path, target: Path) -> int:
    """Those of the copied database that are not there yet; how many. Raises OSError."""
    copied = 0
    named = _names(target)
    for path in sorted((directory / "blobs").glob("*/*")):
        there = target / "blobs" / path.parent.name / path.name
        if path.name not in named or there.exists():
            continue
        there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = there.with_suffix(PART)
        try:
            _copy(path, part)
        except FileNotFoundError:  # nobody refers to it any more
            part.unlink(missing_ok=True)
            continue
        part.replace(there)
        copied += 1
    for folder in {path.parent for path in (target / "blobs").glob("*/*")}:
        _sync(folder)
    if (target / "blobs").exists():
        _sync(target / "blobs")
    _sync(target)
    return copied


def _names(target: Path) -> set[str]:
    """Of all files that a copied database knows. Raises OSError."""
    try:
        connection = apsw.Connection(str(target / FILE), apsw.SQLITE_OPEN_READONLY)
        with contextlib.closing(connection):
            rows = connection.execute("SELECT file FROM content WHERE file IS NOT NULL").fetchall()
    except apsw.Error as error:
        raise OSError(0, f"the copy cannot be read: {error}", str(target / FILE)) from None
    return {str(name) for (name,) in rows}


def _copy(path: Path, part: Path) -> None:
    with path.open("rb") as source, part.open("wb") as copy:
        while block := source.read(BLOCK):
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
