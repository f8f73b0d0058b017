"""A disk that is written down: every write and sync of a run, and what is left when power goes.

`Disk` is a layer for SQLite (a VFS over the real one) and for content files (a `FileLayer`). What
they do to the disk goes into one ordered log. Syncs are written down and not done: what a sync
promises is decided by `Remains`, which replays the log up to a moment and builds the disk as it
would be found after the power failed then.

A name is durable once its directory is synced, and content once its file is: POSIX promises no
more. The pieces that survive unsynced are sectors of 512 octets (SQLite's powersafe overwrite).
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from posthouse.store.blobs.files import FileLayer

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    file: int
    offset: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    file: int


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """What was not synced yet never will be: the kernel takes its pages for clean from now on."""

    file: int


@dataclass(frozen=True, slots=True)
class Create:
    name: str
    file: int


@dataclass(frozen=True, slots=True)
class Delete:
    name: str


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    name: str


@dataclass(frozen=True, slots=True)
class SyncDirectory:
    name: str


Naming = Create | Delete | MakeDirectory
Entry = Write | Truncate | Sync | SyncFailed | SyncDirectory | Naming

#: Called before an operation ("write", "sync", ...) on a file; an OSError from it is the disk's.
Fault = Callable[[str, str], None]


def directory_of(name: str) -> str:
    return name.rpartition("/")[0]


class Disk:
    """The log of one folder, and the layers that write it."""

    _numbers = itertools.count()

    def __init__(self, root: Path, default: bool = False) -> None:
        """`default`: whoever opens a database in this process writes to this disk."""
        self.root = root
        self.log: list[Entry] = []
        self.lock = threading.RLock()
        self.fault: Fault | None = None
        self._files: dict[str, int] = {}  # by name, relative to the root
        self._new_file = itertools.count(1)
        self.open: weakref.WeakSet[LoggedFile] = weakref.WeakSet()
        self.vfs = f"disk-{next(self._numbers)}"
        self._vfs = LoggedVfs(self, default)
        self.layer = LoggedFiles(self)
        self._adopt()
        self.adopted = self.position  # from here on things happen

    def _adopt(self) -> None:
        """What is in the folder already is durable."""
        for path in sorted(self.root.rglob("*")):
            name = self.name(str(path))
            if path.is_dir():
                self.log.append(MakeDirectory(name))
            elif not name.endswith(("-shm", ".lock")):
                file = self.file(str(path))
                self.log += [Write(file, 0, path.read_bytes()), Sync(file)]
            self.log.append(SyncDirectory(directory_of(name)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._vfs.unregister()

    @property
    def position(self) -> int:
        """How many entries the log has: a moment of the run."""
        return len(self.log)

    # For the layers, which hold the lock

    def check(self, operation: str, path: str) -> None:
        """Raises OSError if this operation is to fail."""
        if self.fault is not None:
            self.fault(operation, self.name(path))

    def name(self, path: str) -> str:
        relative = os.path.relpath(path, self.root)
        return "" if relative == "." else relative

    def file(self, path: str) -> int:
        """The file of this name now; made if there is none."""
        name = self.name(path)
        found = self._files.get(name)
        if found is None:
            found = self._files[name] = next(self._new_file)
            self.log.append(Create(name, found))
        return found

    def has(self, path: str) -> bool:
        return self.name(path) in self._files

    def deleted(self, path: str) -> None:
        if self._files.pop(self.name(path), None) is not None:
            self.log.append(Delete(self.name(path)))


def as_sqlite(error: OSError, otherwise: int) -> Exception:
    """What SQLite's own layer makes of a failing call."""
    return apsw.exception_for(apsw.SQLITE_FULL if error.errno == errno.ENOSPC else otherwise)


class LoggedVfs(apsw.VFS):
    """SQLite's files."""

    def __init__(self, disk: Disk, default: bool) -> None:
        self._disk = disk
        super().__init__(disk.vfs, "unix", makedefault=default)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        if name is None:
            return apsw.VFSFile("unix", None, flags)  # a temporary file, which nobody will miss
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        disk = self._disk
        with disk.lock:
            if flags[0] & apsw.SQLITE_OPEN_CREATE and not disk.has(path):
                try:
                    disk.check("create", path)
                except OSError as error:
                    raise as_sqlite(error, apsw.SQLITE_CANTOPEN) from None
            file = LoggedFile(name, flags, disk, path)
            file.number = disk.file(path)
            disk.open.add(file)
            return file

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        disk = self._disk
        with disk.lock:
            super().xDelete(filename, False)
            disk.deleted(filename)
            if syncdir:
                disk.log.append(SyncDirectory(directory_of(disk.name(filename))))

    def excepthook(self, *_: object) -> bool:
        return True  # SQLite gets the error, and its caller from SQLite


JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_SUPER_JOURNAL


class LoggedFile(apsw.VFSFile):
    """A file of SQLite's."""

    def __init__(
        self, name: str | apsw.URIFilename, flags: list[int], disk: Disk, path: str
    ) -> None:
        super().__init__("unix", name, flags)
        self.number = 0
        self.owed = False  # a failed sync is told once to each who has the file open
        self._disk = disk
        self._path = path
        # The first sync of a journal that may have been made syncs its directory (os_unix.c).
        self._sync_directory = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & JOURNALS)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        disk = self._disk
        with disk.lock:
            try:
                disk.check("write", self._path)
            except OSError as error:
                self._write(data[: len(data) // 2 // SECTOR * SECTOR], offset)
                raise as_sqlite(error, apsw.SQLITE_IOERR_WRITE) from None
            self._write(data, offset)

    def _write(self, data: bytes, offset: int) -> None:
        if data:
            super().xWrite(data, offset)
            self._disk.log.append(Write(self.number, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        disk = self._disk
        with disk.lock:
            try:
                disk.check("truncate", self._path)
            except OSError as error:
                raise as_sqlite(error, apsw.SQLITE_IOERR_TRUNCATE) from None
            super().xTruncate(newsize)
            disk.log.append(Truncate(self.number, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        disk = self._disk
        with disk.lock:
            try:
                disk.check("sync", self._path)
            except OSError:
                disk.log.append(SyncFailed(self.number))
                for other in disk.open:
                    other.owed = other.number == self.number and other is not self
                raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC) from None
            if self.owed:
                self.owed = False
                raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
            disk.log.append(Sync(self.number))
            if self._sync_directory:
                self._sync_directory = False
                disk.log.append(SyncDirectory(directory_of(disk.name(self._path))))

    def excepthook(self, *_: object) -> bool:
        return True  # SQLite gets the error, and its caller from SQLite


class LoggedFiles(FileLayer):
    """Content files."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[int, tuple[int, str]] = {}  # file and path, by descriptor

    def open_new(self, path: Path) -> int:
        disk = self._disk
        with disk.lock:
            disk.check("create", str(path))
            descriptor = super().open_new(path)
            self._open[descriptor] = disk.file(str(path)), str(path)
            return descriptor

    def write(self, descriptor: int, octets: bytes) -> None:
        disk = self._disk
        with disk.lock:
            file, path = self._open[descriptor]
            try:
                disk.check("write", path)
            except OSError:
                self._write(descriptor, file, octets[: len(octets) // 2 // SECTOR * SECTOR])
                raise
            self._write(descriptor, file, octets)

    def _write(self, descriptor: int, file: int, octets: bytes) -> None:
        offset = os.lseek(descriptor, 0, os.SEEK_CUR)
        super().write(descriptor, octets)
        self._disk.log.append(Write(file, offset, octets))

    def sync(self, descriptor: int) -> None:
        disk = self._disk
        with disk.lock:
            file, path = self._open[descriptor]
            try:
                disk.check("sync", path)
            except OSError:
                disk.log.append(SyncFailed(file))
                raise
            disk.log.append(Sync(file))

    def close(self, descriptor: int) -> None:
        with self._disk.lock:
            del self._open[descriptor]
            super().close(descriptor)

    def make_directory(self, path: Path) -> None:
        disk = self._disk
        with disk.lock:
            missing = [each for each in (path, *path.parents) if not each.exists()]
            if missing:
                disk.check("create", str(path))
            super().make_directory(path)
            disk.log.extend(MakeDirectory(disk.name(str(each))) for each in reversed(missing))

    def sync_directory(self, path: Path, descriptor: int | None = None) -> None:
        disk = self._disk
        with disk.lock:
            disk.check("sync", str(path))
            disk.log.append(SyncDirectory(disk.name(str(path))))

    def unlink(self, path: Path) -> None:
        disk = self._disk
        with disk.lock:
            super().unlink(path)
            disk.deleted(str(path))


@dataclass
class Remains:
    """The disk at a moment of a log: what is safe, and what is only in memory.

    Without `drops`, what a failed sync has left in memory is there until the power goes.
    """

    log: list[Entry]
    drops: bool = True
    at: int = 0
    names: dict[str, int] = field(default_factory=dict)  # durable; 0 is a directory
    contents: dict[int, bytearray] = field(default_factory=dict)  # durable
    unsynced: dict[int, list[Write | Truncate]] = field(default_factory=dict)
    unsynced_names: dict[str, list[Naming]] = field(default_factory=dict)  # by directory

    def advance(self, at: int) -> Self:
        """Go on to a later moment: the first `at` entries have happened."""
        for entry in self.log[self.at : at]:
            match entry:
                case Write(file) | Truncate(file):
                    self.unsynced.setdefault(file, []).append(entry)
                case Sync(file):
                    for change in self.unsynced.pop(file, ()):
                        apply(self.contents.setdefault(file, bytearray()), change)
                case SyncFailed(file):
                    if self.drops:
                        self.unsynced.pop(file, None)
                case SyncDirectory(name):
                    for naming in self.unsynced_names.pop(name, ()):
                        apply_naming(self.names, naming)
                case Create(name) | Delete(name) | MakeDirectory(name):
                    self.unsynced_names.setdefault(directory_of(name), []).append(entry)
        self.at = max(self.at, at)
        return self

    def build(self, target: Path, chance: random.Random | None = None, keep: float = 0.0) -> None:
        """Make the disk in a new folder.

        Nothing unsynced is there; or, with `chance`, each unsynced sector and name is with the
        probability `keep` (1: a process was killed, and the machine went on).
        """
        chance = chance or random.Random(0)
        names = dict(self.names)
        for namings in self.unsynced_names.values():
            for naming in namings:
                if chance.random() < keep:
                    apply_naming(names, naming)
        target.mkdir()
        for name in sorted(names):
            path = target / name
            if not path.parent.is_dir():
                continue  # it is there, but nothing leads to it
            file = names[name]
            if not file:
                path.mkdir()
                continue
            content = bytearray(self.contents.get(file, b""))
            for change in self.unsynced.get(file, ()):
                for piece in pieces(change):
                    if chance.random() < keep:
                        apply(content, piece)
            path.write_bytes(content)


def pieces(change: Write | Truncate) -> Iterator[Write | Truncate]:
    """What a change may be torn into."""
    if isinstance(change, Truncate):
        yield change
        return
    start, end = change.offset, change.offset + len(change.octets)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        octets = change.octets[start - change.offset : stop - change.offset]
        yield Write(change.file, start, octets)
        start = stop


def apply(content: bytearray, change: Write | Truncate) -> None:
    match change:
        case Write(_, offset, octets):
            if len(content) < offset:
                content.extend(bytes(offset - len(content)))
            content[offset : offset + len(octets)] = octets
        case Truncate(_, size):
            del content[size:]
            content.extend(bytes(size - len(content)))


def apply_naming(names: dict[str, int], naming: Naming) -> None:
    match naming:
        case Create(name, file):
            names[name] = file
        case Delete(name):
            names.pop(name, None)
        case MakeDirectory(name):
            names[name] = 0
