"""What the sessions of a process ask the index, off the loop.

Where the index is not there, or is damaged, nothing is known: the messages are looked at one by
one then, and the answer is the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .index import LAST_UID, Damaged, Index, Known, path
from .kept import Column, KeptColumns

Place: TypeAlias = tuple[int, int, int]  # account, its time of creation, mailbox


@dataclass(frozen=True, slots=True)
class Holding:
    """UIDs of messages that hold a text, and ranges of those of which it is not known."""

    found: Sequence[int]
    unknown: Sequence[tuple[int, int]]


NOTHING_KNOWN = Holding((), ((1, LAST_UID),))


class Searching:
    """The index as one process reads it; made after a fork."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pool = ThreadPoolExecutor(1, "search")
        self._index: Index | None = None
        self._kept = KeptColumns()
        #: A reader has met damage: somebody should look through the index.
        self.damaged = False

    async def holding(
        self, place: Place, needle: str, in_header: bool, in_body: bool, field: str = ""
    ) -> Holding:
        """Which messages of a mailbox hold a folded needle; with `field`, in fields of it."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, self.look, place, needle, in_header, in_body, field
        )

    async def ordering(self, place: Place, columns: Sequence[str]) -> list[Column]:
        """What the messages of a mailbox are sorted by, those that are known."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, self._ordering, place, columns
        )

    def close(self) -> None:
        self._pool.submit(self._drop)
        self._pool.shutdown()

    # In the thread

    def look(
        self, place: Place, needle: str, in_header: bool, in_body: bool, field: str = ""
    ) -> Holding:
        """As `holding`, for a program without a loop."""
        try:
            index, known = self._find(place)
            if index is None or known is None or "\0" in needle or (field and "\n" in needle):
                return NOTHING_KNOWN
            unknown = [(uid, uid) for uid in index.without_text(known)]
            if known.mark < LAST_UID:
                unknown.append((known.mark + 1, LAST_UID))
            return Holding(index.holding(known, needle, in_header, in_body, field), unknown)
        except Damaged:
            self._give_up()
            return NOTHING_KNOWN

    def _ordering(self, place: Place, columns: Sequence[str]) -> list[Column]:
        try:
            index, known = self._find(place)
            if index is not None and known is not None:
                return self._kept.get(index, known, columns)
        except Damaged:
            self._give_up()
        return [Column() for _ in columns]

    def _find(self, place: Place) -> tuple[Index | None, Known | None]:
        index = self._opened()
        return index, index.find(*place) if index is not None else None

    def _opened(self) -> Index | None:
        """The index, opened anew where it is another file by now."""
        try:
            inode = path(self._directory).stat().st_ino
        except OSError:
            self._drop()
            return None
        if self._index is not None and self._index.inode != inode:
            self._drop()
        if self._index is None:
            self._index = Index(self._directory)
        return self._index

    def _give_up(self) -> None:
        self.damaged = True
        self._drop()

    def _drop(self) -> None:
        self._kept = KeptColumns()
        index, self._index = self._index, None
        if index is not None:
            index.close()
