"""POP3's exclusive access to a maildrop (RFC 1939 §4), over all processes of a data directory.

Account 7's maildrop is the octet 7 of a lock file that stays empty. The lock is an
open-file-description lock: it belongs to the descriptor, so that two sessions of one process
exclude each other too, and the kernel frees it when the descriptor is closed or its process dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path

FILE = "pop3.lock"


class Lock:
    """A maildrop that is held; free once it is released."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have it; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.release()


def lock_maildrop(directory: Path, account: int) -> Lock | None:
    """Hold the maildrop of an account; None if another session does. Never waits.

    Raises OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    lock = Lock(os.open(directory / FILE, flags, 0o600))
    # struct flock: type, whence, start, length, pid (which has to be 0)
    octet = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, account, 1, 0)
    try:
        fcntl.fcntl(lock._descriptor, fcntl.F_OFD_SETLK, octet)  # noqa: SLF001
    except OSError as error:
        lock.release()
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return None
        raise
    return lock
