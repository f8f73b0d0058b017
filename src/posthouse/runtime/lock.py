"""One server to a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

FILE = "serve.pid"


class AlreadyServed(Exception):
    """Another process serves this data directory."""

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"{directory} is served already, by process {pid or 'unknown'};"
            f" end it first (kill {pid or 'PID'}), or choose another --data"
        )
        self.pid = pid


class DataLock:
    """Held until `release`, or the end of the process, however it comes. Raises AlreadyServed."""

    def __init__(self, directory: Path) -> None:
        run = directory / "run"
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(run / FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            self.close()
            raise AlreadyServed(directory, pid) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def close(self) -> None:
        """Let go; in a child of the process that locked, only the child's share of it."""
        os.close(self._descriptor)
