"""Whether more mail can be kept: the store takes writes, and the disk has room."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Protocol

from .database import FILE

FRESH = 1.0  # seconds for which an answer of the file system is good


class Lack(Enum):
    """What is missing."""

    WRITING = "nothing can be written"
    SPACE = "no space is left"


class Store(Protocol):
    """What is needed of the store."""

    @property
    def trouble(self) -> str: ...

    def shorten_log(self) -> None: ...


class Space:
    """Looks at the store and at the file system of a data directory."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        reserve: int,
        longest_log: int,
        monotonic: Callable[[], float],
    ) -> None:
        """In octets: `reserve` is the free space below which nothing is taken, `longest_log` the
        write-ahead log above which nothing is, until a checkpoint has moved it into the database.
        """
        self._store = store
        self._directory = directory
        self._reserve = reserve
        self._longest_log = longest_log
        self._now = monotonic
        self._until = 0.0
        self._short = False

    def lack(self) -> Lack | None:
        """Why no mail is taken now, if it is not."""
        if self._store.trouble:
            return Lack.WRITING
        now = self._now()
        if now >= self._until:
            self._until = now + FRESH
            found = os.statvfs(self._directory)
            self._short = found.f_bavail * found.f_frsize < self._reserve or self._is_log_long()
        return Lack.SPACE if self._short else None

    def _is_log_long(self) -> bool:
        """While mail is refused perhaps nobody writes: the checkpoint is asked for again."""
        size = 0
        with suppress(OSError):
            size = (self._directory / f"{FILE}-wal").stat().st_size
        if size <= self._longest_log:
            return False
        self._store.shorten_log()
        return True
