"""Whether new mail can be taken: the store takes writes, and the disk has room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from posthouse.protocols.smtp.reply import Reply

FRESH = 1.0  # seconds for which an answer of the file system is good

NOT_NOW = Reply(451, "4.3.0", "no mail is taken at the moment, try again later")
NO_SPACE = Reply(452, "4.3.1", "no space left, try again later")
FULL_NOW = Reply(452, "4.2.2", "the mailbox is full, try again later")
FULL = Reply(552, "5.2.2", "the mailbox is full")


class Store(Protocol):
    @property
    def trouble(self) -> str: ...


class Room:
    """Looks at the store and at the file system of a data directory."""

    def __init__(
        self, store: Store, directory: Path, reserve: int, monotonic: Callable[[], float]
    ) -> None:
        """`reserve` is the free space in octets below which nothing is taken."""
        self._store = store
        self._directory = directory
        self._reserve = reserve
        self._now = monotonic
        self._until = 0.0
        self._short = False

    def refusal(self) -> Reply | None:
        """Why no mail is taken now, if it is not."""
        if self._store.trouble:
            return NOT_NOW
        now = self._now()
        if now >= self._until:
            self._until = now + FRESH
            found = os.statvfs(self._directory)
            self._short = found.f_bavail * found.f_frsize < self._reserve
        return NO_SPACE if self._short else None
