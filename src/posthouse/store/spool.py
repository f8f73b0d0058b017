"""Content on its way in: gathered in memory while it is small, then streamed to a file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from zlib import crc32

from .blobs.files import BlobFiles, BlobWriter
from .contents import ROW, Prepared, prepare, prepare_file

BEGINNING = 80 * 1024  # octets of a large content that are kept at hand, for its header


@dataclass(slots=True)  # one for each letter: not frozen, which would take three times as long
class Spooled:
    """Content that is whole; where it lies in a file, the file is durable."""

    prepared: Prepared
    octets: bytes | None  # all of it, where it is small enough


class Spool:
    """Takes one content. Raises OSError when the disk does not take it; then abandon it."""

    def __init__(self, blobs: BlobFiles, prefix: bytes = b"") -> None:
        """`prefix` is what comes before the content: trace fields."""
        self._blobs = blobs
        self._pieces: list[bytes] = [prefix] if prefix else []
        self._file: BlobWriter | None = None
        self._finishing: asyncio.Future[str] | None = None
        self._abandoned = False
        self._beginning = b""
        self._checksum = 0  # of what is in the file
        self.size = len(prefix)

    def write(self, octets: bytes) -> None:
        """Add octets. Into a file this is a copy to the kernel, not a wait for the disk."""
        self.size += len(octets)
        if self._file is not None:
            self._file.write(octets)
            self._checksum = crc32(octets, self._checksum)
            return
        self._pieces.append(octets)
        if self.size > ROW:
            content = b"".join(self._pieces)
            self._pieces.clear()
            self._beginning = content[:BEGINNING]
            self._file = self._blobs.begin()
            self._file.write(content)
            self._checksum = crc32(content)

    def beginning(self) -> bytes:
        """All of it while it is small, else as much as holds its header."""
        if self._file is not None:
            return self._beginning
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0] if self._pieces else b""

    @property
    def held(self) -> int:
        """Octets of it that are in memory."""
        return self.size if self._file is None else len(self._beginning)

    async def finish(self) -> Spooled:
        """It is whole: have it ready for the unit that names it."""
        if self._abandoned:
            raise OSError("the content was abandoned")
        if self._file is None:
            return self.finish_small()
        # Not asyncio.to_thread: what it adds takes longer than all of a small sync.
        self._finishing = asyncio.get_running_loop().run_in_executor(None, self._file.finish)
        name = await asyncio.shield(self._finishing)
        return Spooled(prepare_file(name, self.size, self._beginning, self._checksum), None)

    @property
    def is_small(self) -> bool:
        """It is all in memory, and `finish_small` will do."""
        return self._file is None

    def finish_small(self) -> Spooled:
        octets = self.beginning()
        return Spooled(prepare(octets), octets)

    def abandon(self) -> None:
        """It is not wanted, or no unit will name it; at any time, also while it is finished."""
        self._abandoned = True
        self._pieces.clear()
        file, self._file = self._file, None
        if file is None:
            return
        if self._finishing is None or self._finishing.done():
            file.abandon()
            return

        def let_go(finishing: asyncio.Future[str]) -> None:
            if not finishing.cancelled():
                finishing.exception()
            file.abandon()

        self._finishing.add_done_callback(let_go)  # until then a thread has it
