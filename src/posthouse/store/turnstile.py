"""Whose turn it is to write, among processes.

Two file locks: take NEXT, take WRITE, free NEXT, write, free WRITE. Whoever waits holds NEXT, so
that the one that has just written cannot overtake it: even shares, without polling. The kernel
frees both when a process dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_AT_ONCE = fcntl.LOCK_EX | fcntl.LOCK_NB


class Turnstile:
    """One holder's pair of locks; used by one thread at a time."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._next = os.open(directory / "next.lock", flags, 0o600)
        self._write = os.open(directory / "write.lock", flags, 0o600)

    def take(self) -> None:
        """Wait for one's turn."""
        fcntl.flock(self._next, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._write, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)

    def take_at_once(self) -> bool:
        """Take one's turn if nobody writes or waits."""
        try:
            fcntl.flock(self._next, _AT_ONCE)
        except BlockingIOError:
            return False
        try:
            fcntl.flock(self._write, _AT_ONCE)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        return True

    def free(self) -> None:
        """Let the next one write."""
        fcntl.flock(self._write, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.take()

    def __exit__(self, *_: object) -> None:
        self.free()

    def close(self) -> None:
        os.close(self._next)
        os.close(self._write)
