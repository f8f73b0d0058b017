"""The content of a letter for a peer: in blocks, from a row or a file, or converted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from posthouse.message.downgrade import LARGEST, Unconvertible, to_seven_bit
from posthouse.store.blobs.files import BlobFiles
from posthouse.store.contents import Stored, read_content
from posthouse.store.unit import Unit

T = TypeVar("T")

BLOCK = 128 * 1024  # octets at a time
AT_HAND = 16 * 1024  # octets that are converted where they are; more in a thread


class Store(Protocol):
    def read(self, unit: Unit[T]) -> T: ...


class ContentGone(Exception):
    """The letter's content is not there: another worker has ended the letter meanwhile."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Where contents come from; one for a worker."""

    store: Store
    blobs: BlobFiles
    converting: asyncio.Semaphore  # conversions of large contents at once

    def open(self, content: int) -> Source:
        return Source(self, content)

    def stored(self, content: int) -> Stored:
        """Raises ContentGone."""
        stored = self.store.read(lambda: read_content(content))
        if stored is None:
            raise ContentGone(f"content {content}")
        return stored


class Source:
    """One content, from its beginning."""

    def __init__(self, contents: Contents, content: int) -> None:
        self._contents = contents
        self._content = content
        self._stored: Stored | None = None
        self._converted: bytes | None = None
        self._at = 0

    @property
    def held(self) -> int:
        """Octets that are in memory, of a letter that was converted."""
        return len(self._converted or b"")

    def block(self) -> bytes | Awaitable[bytes]:
        """The next octets; b"" at the end. Raises ContentGone, OSError."""
        whole = self._converted
        if whole is None:
            if self._stored is None:
                self._stored = self._contents.stored(self._content)
            if self._stored.file is not None:
                return self._from_file(self._stored.file, self._stored.size)
            whole = self._stored.octets or b""
        octets = whole[self._at : self._at + BLOCK]
        self._at += len(octets)
        if not octets and self._converted:
            self._converted = b""  # all of it has been given
        return octets

    async def _from_file(self, file: str, size: int) -> bytes:
        if self._at >= size:
            return b""
        at, blobs = self._at, self._contents.blobs
        octets = await asyncio.to_thread(blobs.read, file, at, min(BLOCK, size - at))
        if not octets:
            raise OSError(f"the file {file} ends before its content")
        self._at = at + len(octets)
        return octets

    async def convert(self) -> int:
        """Make it ASCII (RFC 6152 §3); its size then.

        Raises Unconvertible, ContentGone, OSError.
        """
        stored = self._contents.stored(self._content)
        if stored.octets is not None and stored.size <= AT_HAND:
            self._converted = to_seven_bit(stored.octets)
        elif stored.size > LARGEST:
            raise Unconvertible("5.6.3", "the message is too large to be converted to ASCII")
        else:
            async with self._contents.converting:
                self._converted = await asyncio.to_thread(_convert, self._contents.blobs, stored)
        return len(self._converted)


def _convert(blobs: BlobFiles, stored: Stored) -> bytes:
    octets = stored.octets
    if octets is None:
        assert stored.file is not None
        octets = blobs.read_all(stored.file)
    return to_seven_bit(octets)


Open = Callable[[int], Source]
