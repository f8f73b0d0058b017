"""`python -m posthouse` on a machine whose clock, disk and syncs a test controls.

    POSTHOUSE_FAULTS=/tmp/faults python -m tests.soak.served serve --data /tmp/data

What is wrong is in the file (`control.py`). Nothing of the server is changed: it is given another
clock, another layer under SQLite and another one under its content files.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import apsw

from posthouse import main
from posthouse.cli import main as posthouse
from posthouse.store.blobs import files
from posthouse.store.blobs.files import FileLayer

from .control import VARIABLE, Control

CONTROL = Control(Path(os.environ[VARIABLE]))
REMINDER = 2.0  # seconds; what is looked at from time to time is looked at often


class Clock:
    """The time of the machine, or another."""

    def now(self) -> float:
        return time.time() + CONTROL.shift

    def monotonic(self) -> float:
        return time.monotonic()


class Vfs(apsw.VFS):
    """SQLite's files."""

    def __init__(self) -> None:
        super().__init__("controlled", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if name is None:
            return apsw.VFSFile("unix", None, flags)
        return File(name, flags)

    def excepthook(self, *_: object) -> bool:
        return True  # SQLite gets the error, and its caller from SQLite


class File(apsw.VFSFile):
    """One of them."""

    def __init__(self, name: str | apsw.URIFilename, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._failures = CONTROL.failures

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if CONTROL.full:
            raise apsw.exception_for(apsw.SQLITE_FULL)
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        failures = CONTROL.failures
        if failures != self._failures:
            self._failures = failures
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)

    def excepthook(self, *_: object) -> bool:
        return True


class Files(FileLayer):
    """Content files."""

    def open_new(self, path: Path) -> int:
        _need_room()
        return super().open_new(path)

    def write(self, descriptor: int, octets: bytes) -> None:
        _need_room()
        super().write(descriptor, octets)


def _need_room() -> None:
    if CONTROL.full:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def serve() -> None:
    vfs = Vfs()
    for module, name, stand_in in (
        (main, "SystemClock", Clock),
        (main, "REMINDER", REMINDER),
        (files, "FileLayer", Files),
    ):
        assert hasattr(module, name)
        setattr(module, name, stand_in)
    try:
        posthouse()
    finally:
        vfs.unregister()


if __name__ == "__main__":
    serve()
