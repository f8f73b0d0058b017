"""What is wrong with the machine of a server, said by a test to all of the server's processes.

A file that the test and every process of the server map into memory: no process has to be told,
and one that has just been started knows it too.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

VARIABLE = "POSTHOUSE_FAULTS"
_LAYOUT = struct.Struct("<dQ?")  # seconds the clock is wrong by; syncs that failed; no room


class Control:
    """The file, made if there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _LAYOUT.size)
            self._map = mmap.mmap(descriptor, _LAYOUT.size)
        finally:
            os.close(descriptor)

    def _read(self) -> tuple[float, int, bool]:
        shift, failures, full = _LAYOUT.unpack(self._map)
        return shift, failures, full

    def _write(self, shift: float, failures: int, full: bool) -> None:
        self._map[:] = _LAYOUT.pack(shift, failures, full)

    @property
    def shift(self) -> float:
        """Seconds that the clock is ahead of the right time."""
        return self._read()[0]

    @shift.setter
    def shift(self, seconds: float) -> None:
        _, failures, full = self._read()
        self._write(seconds, failures, full)

    @property
    def failures(self) -> int:
        """How often the disk has failed to sync; each open file is told once of each."""
        return self._read()[1]

    def fail_sync(self) -> None:
        shift, failures, full = self._read()
        self._write(shift, failures + 1, full)

    @property
    def full(self) -> bool:
        """There is no room on the disk."""
        return self._read()[2]

    @full.setter
    def full(self, full: bool) -> None:
        shift, failures, _ = self._read()
        self._write(shift, failures, full)

    def close(self) -> None:
        self._map.close()
