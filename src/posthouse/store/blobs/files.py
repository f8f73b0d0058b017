"""Large content in files: written as it arrives, synced before a row names it.

Names are random and ours; nothing that a peer said is in them. A file is what it is only by the row
that bears its name: without one it is on its way, or the orphan of a crash, and is swept when it is
old enough that no session can be writing it.

    blobs/3f/3f0c...    two digits of the name are its folder

A process puts its files into one folder for a while, and then into another one: a new folder costs
more than a file, and files that lie together share what the file system writes for their names.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

ORPHAN = 86_400.0  # seconds; older than any session that could still name it
READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
PIECE = 128 * 1024  # octets that readers ask for at once
TOGETHER = 500  # files that a process puts into a folder before it takes another one


class FileLayer:
    """The calls that change the disk; a test that loses the power gives another."""

    def open_new(self, path: Path) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(path, flags, 0o600)

    def write(self, descriptor: int, octets: bytes) -> None:
        view = memoryview(octets)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sync_directory(self, path: Path, descriptor: int | None = None) -> None:
        """By its descriptor, where somebody has it open."""
        if descriptor is not None:
            os.fsync(descriptor)
            return
        descriptor = open_directory(path)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)


def open_directory(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


class Folder:
    """A folder that new files are put into, held open as long as somebody has to sync it."""

    __slots__ = ("_descriptor", "_durable", "_layer", "_path", "taken")

    def __init__(self, path: Path, layer: FileLayer) -> None:
        self._descriptor = -1
        self._path = path
        self._layer = layer
        self._durable = False  # its own name is on the disk
        self.taken = 0  # files put into it
        layer.make_directory(path)
        self._descriptor = open_directory(path)

    def new_file(self) -> tuple[str, Path]:
        """A name that nobody has, and where it lies."""
        self.taken += 1
        name = self._path.name + secrets.token_hex(15)
        return name, self._path / name

    def sync(self) -> None:
        """Make the names in it durable, and its own. Raises OSError."""
        self._layer.sync_directory(self._path, self._descriptor)
        if not self._durable:
            self._layer.sync_directory(self._path.parent)
            self._durable = True

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class BlobFiles:
    """The folder of large contents of a data directory."""

    def __init__(self, directory: Path, layer: FileLayer | None = None) -> None:
        self._directory = directory / "blobs"
        self._folder = str(self._directory)
        self._layer = layer or FileLayer()
        self._made = False
        self._next: Folder | None = None  # where the next files go
        self._room = bytearray(PIECE)  # for octets on their way from the system

    def begin(self) -> BlobWriter:
        """Begin a new content. Raises OSError."""
        if not self._made:
            # Its name in the data directory is to be as durable as the names in it.
            self._layer.make_directory(self._directory)
            self._layer.sync_directory(self._directory.parent)
            self._made = True
        folder, self._next = self._next, None
        if folder is None or folder.taken >= TOGETHER:
            folder = Folder(self._directory / secrets.token_hex(1), self._layer)
        writer = BlobWriter(folder, self._layer)
        self._next = folder  # one that no file can be made in is not taken again
        return writer

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Octets of a content; fewer than `length` only at its end. Raises OSError."""
        descriptor = os.open(self._path(name), READ)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)

    def read_at_hand(self, name: str, offset: int, length: int) -> bytes | None:
        """So many octets, if the system has them in memory; None: the disk must be waited for."""
        room = self._room if length <= len(self._room) else bytearray(length)
        octets = memoryview(room)[:length]
        try:
            descriptor = os.open(f"{self._folder}/{name[:2]}/{name}", READ)
            try:
                count = os.preadv(descriptor, [octets], offset, os.RWF_NOWAIT)
            finally:
                os.close(descriptor)
        except OSError:  # not in memory; or a trouble that `read` will meet as well
            return None
        return bytes(octets) if count == length else None

    def read_all(self, name: str) -> bytes:
        """A whole content; for threads, and a few at a time. Raises OSError."""
        return self._path(name).read_bytes()

    def remove(self, name: str) -> None:
        self._layer.unlink(self._path(name))

    def old_names(self, now: float | None = None) -> Iterator[str]:
        """Names of files so old that a row bears them, or nobody ever will."""
        before = (time.time() if now is None else now) - ORPHAN
        for path in self._directory.glob("*/*"):
            try:
                if path.stat().st_mtime < before:
                    yield path.name
            except FileNotFoundError:
                continue

    def _path(self, name: str) -> Path:
        return self._directory / name[:2] / name


class BlobWriter:
    """A content on its way into a file."""

    def __init__(self, folder: Folder, layer: FileLayer) -> None:
        self.size = 0
        self._folder = folder
        self._layer = layer
        self.name, self._path = folder.new_file()
        self._descriptor = layer.open_new(self._path)
        self._open = True

    def write(self, octets: bytes) -> None:
        """Add octets. Raises OSError; then abandon it."""
        self._layer.write(self._descriptor, octets)
        self.size += len(octets)

    def finish(self) -> str:
        """Make it durable; gives its name. Blocks while the disk works. Raises OSError."""
        self._layer.sync(self._descriptor)
        self._close()
        self._folder.sync()
        return self.name

    def abandon(self) -> None:
        """It is not wanted after all."""
        self._close()
        self._layer.unlink(self._path)

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._layer.close(self._descriptor)
