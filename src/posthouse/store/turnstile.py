"""Whose turn it is to write, among processes.

Two file locks: take NEXT, take WRITE, free NEXT, write, free WRITE. Whoever waits holds NEXT, so
that the one that has just written cannot overtake it: even shares, without polling. The kernel
frees both when a process dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Turnstile:
    """One holder's pair of locks; not to be shared by threads."""

    def __init__(self, directory: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._next = os.open(directory / "next.lock", flags, 0o600)
        self._write = os.open(directory / "write.lock", flags, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._next, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._write, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._write, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._next)
        os.close(self._write)
