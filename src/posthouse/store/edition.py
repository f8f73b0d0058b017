"""The number of the directory's edition: which domains, accounts and aliases there are.

It is one word of a file that every process maps. Whoever writes a change makes it odd before the
commit and another even number after it; only one writes at a time (turnstile.py). So what was
read while the number was even holds for as long as it is the same, in whichever process, and to
know that takes no statement. An odd number that is found by who has the turnstile is of a process
that died in between: the change may be there or not, and what was read before is not used again.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

#: The topic of what a unit tells that changes the directory.
DIRECTORY = "directory"

SIZE = 8  # octets


class Edition:
    """One process's view of the number."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(directory / "directory.edition", flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE)  # what is there stays as it is
            self._map = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)
        self._word = memoryview(self._map).cast("Q")

    @property
    def number(self) -> int:
        """Odd while a change is on its way: nothing that is read now may be kept."""
        return self._word[0]

    def begin(self) -> None:
        """A change will be committed. The turnstile is the caller's."""
        self._word[0] |= 1

    def end(self) -> None:
        """No change is on its way any more. The turnstile is the caller's."""
        number = self._word[0]
        if number & 1:
            self._word[0] = (number + 1) & 0xFFFF_FFFF_FFFF_FFFF

    def close(self) -> None:
        self._word.release()
        self._map.close()
