"""Counters that all workers of a machine share: how much somebody has had of what is rationed.

A counter is a debt in seconds that is paid off as time goes by; whoever would owe too much gets
nothing more. So a counter is one moment, the one at which nothing is owed any more: with a mark of
whose it is, one word of a file in DATA/run that every worker maps. Words are read and written
whole, without locks: a worker that is killed leaves nothing locked and nothing half done. Two
workers that count for the same one at the very same moment may count one for both.

The file does not grow. A word is one of four that somebody may have; when others have all four,
the one who owes least is forgotten. Which four, nobody can choose: it depends on a secret.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import struct
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

WAYS = 4
SETS = 1 << 15  # 1 MiB in all
HEADER = 64  # octets: what the file is, the boot that its moments are of, the secret
SIZE = HEADER + SETS * WAYS * 8
FORMAT = b"counters"
TICKS = 1 << 14  # of a second
MOMENT = (1 << 44) - 1  # the bits of a word that are a moment in ticks
MARK = (1 << 64) - 1 - MOMENT  # the others, which say whose it is
LONGEST = 7 * 86_400 * TICKS  # no debt is longer: what says so is not of this time

_words = struct.Struct(f"={WAYS}Q").unpack_from

BOOT = Path("/proc/sys/kernel/random/boot_id")


class Counters:
    """The counters of one data directory."""

    def __init__(self, directory: Path, monotonic: Callable[[], float]) -> None:
        """`monotonic` is the same for all processes, and begins anew with the machine."""
        self._monotonic = monotonic
        try:
            descriptor = _open(directory / "run")
        except OSError:  # no space, no writing: better counted by each worker than not at all
            self._map = mmap.mmap(-1, SIZE)
            self._map[32:HEADER] = secrets.token_bytes(HEADER - 32)
        else:
            self._map = mmap.mmap(descriptor, SIZE)
            os.close(descriptor)
        self._secret = self._map[32:HEADER]
        self._whole = memoryview(self._map)
        self._words = self._whole[HEADER:].cast("Q")

    def key(self, kind: str, name: str) -> int:
        """The key of somebody's counter; to be kept by who counts for them again and again."""
        digest = blake2b(f"{kind}\0{name}".encode("utf-8", "replace"), digest_size=8)
        digest.update(self._secret)
        return int.from_bytes(digest.digest())

    def take(self, key: int, cost: float, most: float) -> bool:
        """Have somebody owe so many seconds more, unless it would be more than `most`."""
        now = int(self._monotonic() * TICKS)
        place, until = self._find(key, now)
        until += int(cost * TICKS)
        if until - now > most * TICKS:
            return False
        self._words[place] = key & MARK | until
        return True

    def add(self, key: int, cost: float, most: float) -> float:
        """Have somebody owe so many seconds more, up to `most`; what they owe now."""
        now = int(self._monotonic() * TICKS)
        place, until = self._find(key, now)
        until = min(until + int(cost * TICKS), now + int(most * TICKS))
        self._words[place] = key & MARK | until
        return (until - now) / TICKS

    def debt(self, key: int) -> float:
        """How many seconds somebody owes."""
        now = int(self._monotonic() * TICKS)
        return (self._find(key, now)[1] - now) / TICKS

    def clear(self, key: int) -> None:
        """Forget what somebody owes."""
        now = int(self._monotonic() * TICKS)
        place, until = self._find(key, now)
        if until > now:
            self._words[place] = 0

    def _find(self, key: int, now: int) -> tuple[int, int]:
        """The place of a key, and the moment at which it owes nothing: `now`, or later."""
        first = key % SETS * WAYS
        mark = key & MARK
        end = now + LONGEST
        best, least = first, end
        for word in _words(self._map, HEADER + first * 8):
            until = word & MOMENT
            if not now < until < end:  # nobody's, or nothing is owed
                until = now
            elif word & MARK == mark:
                return first, until
            if until < least:
                best, least = first, until
            first += 1
        return best, now

    def close(self) -> None:
        """Counting is over."""
        self._words.release()
        self._whole.release()
        self._map.close()


def _open(directory: Path) -> int:
    """The file, made anew when there is none of this form and this boot."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "counters"
    boot = b""
    with suppress(OSError):
        boot = BOOT.read_bytes()
    header = FORMAT + blake2b(b"%d %d %b" % (SETS, WAYS, boot), digest_size=24).digest()
    holder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)  # two workers that start would make two
        with suppress(OSError):
            found = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            if os.fstat(found).st_size == SIZE and os.pread(found, len(header), 0) == header:
                return found
            os.close(found)
        # What others have mapped must not become shorter: a new file takes its place.
        fresh = directory / "counters.new"
        with suppress(FileNotFoundError):
            fresh.unlink()
        made = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            # Space that is not there when a word is written would be a SIGBUS.
            os.posix_fallocate(made, 0, SIZE)
            os.pwrite(made, header + secrets.token_bytes(HEADER - len(header)), 0)
            fresh.rename(path)
        except OSError:
            os.close(made)
            raise
        return made
    finally:
        os.close(holder)
