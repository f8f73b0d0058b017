"""How the allocator of a process keeps large blocks.

The GNU C library learns from the first large block that is freed to take the next ones from the
heap, in between small ones. uvloop keeps a block of 256 kB for each TLS connection, of which little
is ever touched: from the heap it comes with pages that others have used. Beside the heap, it costs
the page that is used.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
APART_FROM = 256 * 1024  # octets of a block that has pages of its own
FREE_AT_TOP = 1024 * 1024  # octets at the end of the heap that are kept for the next block


def keep_large_blocks_apart() -> None:
    """Once in a process, before it has many blocks; other C libraries have no such setting."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, APART_FROM)
        mallopt(M_TRIM_THRESHOLD, FREE_AT_TOP)
